"""What the detectors' recipes share: train, choose how to read, measure, publish with a graph for ONNX Runtime."""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from safetensors.torch import save

from backends.detection.net import DEEPEST, Domain, Network, onnx_runner
from recipes.average_precision import Measured, evaluate
from recipes.boxed import Scenes
from recipes.detector_training import Plan, Splits, description, fit
from recipes.loop import Epoch, Fitted
from recipes.publish import Card, Result, publish
from recipes.reading import Reading, chosen
from studio.settings import Settings


@dataclass(frozen=True)
class About:
    """What the card of a detector says, and what it must reach.

    Attributes:
        name: the recipe's.
        reach: mAP50 on the test split that is asked for.
        least: what is published all the same, where nothing better is there; the card says that it falls short.
    """

    name: str
    title: str
    reach: float
    published: str
    dataset: str
    dataset_id: str
    source: str
    split: str
    about: str
    limits: str
    least: float | None = None


def train_detector(
    trainings: Mapping[str, Plan],
    reading: Reading,
    about: About,
    splits: Splits,
    settings: Settings,
    folder: Path,
) -> Result:
    """Train, choose how to read on the validation split, measure the test split, publish what is good.

    Args:
        trainings: one after the other, by the names of their folders in `folder`, which itself is the folder of an
            empty name.
        reading: of the networks that look at a picture together: the last trainings, as many as it has sizes for.
    """
    every = [fit(plan, splits, settings, folder / name) for name, plan in trainings.items()]
    trained = every[-len(reading.sizes_px) :]
    graphs = [folder / f"graph{_end(place)}.onnx" for place in range(len(trained))]
    for fitted, graph in zip(trained, graphs, strict=True):
        export(fitted.net, graph)
    plans = tuple(trainings.values())
    network, told = chosen(reading, description(plans[0]), [onnx_runner(graph) for graph in graphs], splits("val"))
    found, quick = (evaluate(network, splits("test"), quick=quick) for quick in (False, True))
    print(f"test: {found}; a frame of a video: {quick}")
    fitted = Fitted(trained[0].net, _in_a_row(every), every[-1].stopped)
    result = Result(found.map50, about.reach, fitted, about.least)
    if result.publishable:
        described = yaml.safe_dump(told, sort_keys=False, default_flow_style=None)
        kind = domain(network, splits("train"), splits("val"))
        tensors = {
            "domain.mean": torch.from_numpy(kind.mean),
            "domain.precision": torch.from_numpy(kind.precision),
            "domain.limit": torch.tensor(kind.limit),
        }
        beside = {"network.yaml": described.encode()}
        for place, (fitted, graph) in enumerate(zip(trained, graphs, strict=True)):
            beside[graph.name] = graph.read_bytes()
            if place:
                beside[f"model{_end(place)}.safetensors"] = save(fitted.net.half().state_dict())
        card = _card(about, result, trainings, found, quick, told)
        publish("detection", trained[0].net.half(), {}, card, beside=beside, tensors=tensors)
    return result


def _end(place: int) -> str:
    """How the names of a network's files end."""
    return f"_{place + 1}" if place else ""


def _in_a_row(trained: list[Fitted]) -> list[Epoch]:
    """The epochs of several trainings as of one, with what they cost together."""
    history: list[Epoch] = []
    for fitted in trained:
        epochs, spent_s = (history[-1].epoch, history[-1].cpu_s) if history else (0, 0.0)
        history += [replace(row, epoch=epochs + row.epoch, cpu_s=spent_s + row.cpu_s) for row in fitted.history]
    return history


def export(net: torch.nn.Module, file: Path) -> None:
    """Write a network as ONNX, for pictures of any size, normalisations folded in.

    Weights are kept as float16 and turned into float32 when the graph is loaded. Its outputs are those of
    `backends.detection.net.Runner`.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    whole = io.BytesIO()
    reader: Any = _Reader(net)
    write: Any = torch.onnx.export  # into memory too, which its types do not say
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of each shape that it sees
        write(
            reader,
            (torch.rand(1, 3, 96, 128),),
            whole,
            dynamo=False,
            opset_version=17,
            input_names=["pictures"],
            output_names=["raw", "features"],
            dynamic_axes={"pictures": {2: "height", 3: "width"}, "raw": {2: "candidates"}},
        )
    graph = onnx.load_from_string(whole.getvalue())
    casts = []
    for tensor in graph.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size > 64:
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
            casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    onnx.checker.check_model(graph)
    file.write_bytes(graph.SerializeToString())


class _Reader(torch.nn.Module):
    """A copy of a network in float32, ready to infer, that also tells its deepest features."""

    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net: Any
        self.net = copy.deepcopy(net).float().eval()
        self.net.fuse(verbose=False)
        self.net.model[-1].dynamic = True  # no size is built in
        self.net.model[-1].export = True
        self.net.model[DEEPEST].register_forward_hook(self._keep)

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 3, h, w) to (B, 4 + classes, candidates) and (B, F)."""
        raw = self.net(pictures)
        return raw, self.deepest.mean((2, 3))

    def _keep(self, _layer: Any, _inputs: Any, maps: torch.Tensor) -> None:
        self.deepest = maps


def domain(network: Network, learned: Scenes, held_out: Scenes, refused: float = 0.01) -> Domain:
    """The kind of picture that a network learned from; `refused` of the held-out pictures lie beyond its limit."""
    from sklearn.covariance import LedoitWolf

    fitted = LedoitWolf().fit(np.stack([network.features(scene.rgb) for scene in learned]))
    mean, precision = fitted.location_.astype(np.float32), fitted.precision_.astype(np.float32)
    measure = Domain(mean, precision, 0.0)
    distances = [measure.distance(network.features(scene.rgb)) for scene in held_out]
    return Domain(mean, precision, float(np.quantile(distances, 1 - refused)) * 1.5)


def _card(
    about: About, result: Result, trainings: Mapping[str, Plan], found: Measured, quick: Measured, told: dict[str, Any]
) -> Card:
    each = ", ".join(f"{name} {value:.3f}" for name, value in found.each.items())
    return Card(
        title=about.title,
        recipe=about.name,
        licence="AGPL-3.0-or-later",
        pipeline_tag="object-detection",
        dataset=about.dataset,
        dataset_id=about.dataset_id,
        split=about.split,
        metric="mAP50",
        result=result,
        published=about.published,
        source=about.source,
        about=f"{about.about} YOLO11n (Ultralytics 2024), 2.6 million parameters, trained with ultralytics on "
        f"{_learned(trainings)}. mAP50 by class: {each}. mAP50-95: {found.map50_95:.3f}."
        + (_several(told, quick) if "looks" in told else ""),
        limits=about.limits,
    )


def _learned(trainings: Mapping[str, Plan]) -> str:
    """What the networks began with, and the sizes of the pictures that they learned from."""
    first, *others = trainings.values()
    copies = [plan.train_px for plan in others if plan.start in trainings]
    more = [plan.train_px for plan in others if plan.start not in trainings]
    return (
        f"pictures of {first.train_px} px"
        + (f", beginning with our own detector `{first.start}`" if first.start else " from nothing")
        + (f"; copies of it went on with pictures of {_px(copies)}" if copies else "")
        + (f"; {'others' if more[1:] else 'another'} began from nothing at {_px(more)}" if more else "")
    )


def _several(told: dict[str, Any], quick: Measured) -> str:
    looks = told["looks"]
    by = f"by {len(looks['sizes_px'])} networks, " if len(looks["sizes_px"]) > 1 else ""
    sizes_px = "; ".join(_px(sorted(each)) for each in looks["sizes_px"])
    return (
        f" A picture is read {by}at {sizes_px}{_ways(looks['ways'])}, and what they find is fused. Frames of videos "
        f"and webcams are read once, at {told['size_px']} px{_ways(told['ways'])}: mAP50 {quick.map50:.3f}."
    )


def _ways(ways: int) -> str:
    return {1: "", 2: ", each with its mirror image", 4: ", each with its three mirror images"}[ways]


def _px(sizes: Iterable[int]) -> str:
    *most, last = map(str, sizes)
    return f"{', '.join(most)} and {last} px" if most else f"{last} px"
