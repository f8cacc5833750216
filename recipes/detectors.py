"""What the detectors' recipes share: train, choose how to read, measure, publish with a graph for ONNX Runtime."""

from __future__ import annotations

import copy
import io
import itertools
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from backends.detection.net import DEEPEST, Domain, Network, mirrored_too, onnx_runner
from recipes.average_precision import Measured, evaluate
from recipes.boxed import Scenes
from recipes.detector_training import Plan, Splits, description, fit
from recipes.publish import Card, Result, publish
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


def train_detector(plan: Plan, about: About, splits: Splits, settings: Settings, folder: Path) -> Result:
    """Train, choose the reading size on the validation split, measure the test split, publish what is good."""
    fitted = fit(plan, splits, settings, folder)
    graph = folder / "graph.onnx"
    export(fitted.net, graph)
    run = onnx_runner(graph)  # as the studio reads it
    runs = {ways: mirrored_too(run, ways) for ways in plan.read_ways}
    readings = {
        (px, ways): evaluate(Network(runs[ways], plan.names, px), splits("val"))
        for px, ways in itertools.product(plan.read_px, runs)
    }
    for (px, ways), found in readings.items():
        print(_told("val", px, ways, found))
    size_px, ways = max(readings, key=lambda way: readings[way].map50)
    network = Network(runs[ways], plan.names, size_px)
    found = evaluate(network, splits("test"))
    print(_told("test", size_px, ways, found))
    result = Result(found.map50, about.reach, fitted, about.least)
    if result.publishable:
        read = {"size_px": size_px, "ways": ways}
        told = yaml.safe_dump({**description(plan), **read}, sort_keys=False, default_flow_style=None)
        kind = domain(network, splits("train"), splits("val"))
        tensors = {
            "domain.mean": torch.from_numpy(kind.mean),
            "domain.precision": torch.from_numpy(kind.precision),
            "domain.limit": torch.tensor(kind.limit),
        }
        beside = {"network.yaml": told.encode(), "graph.onnx": graph.read_bytes()}
        publish(
            "detection",
            fitted.net.half(),
            {},
            _card(about, result, found, plan, ways=ways),
            beside=beside,
            tensors=tensors,
        )
    return result


def _told(split: str, px: int, ways: int, found: Measured) -> str:
    how = f"{px} px" + (f", {ways} ways" if ways > 1 else "")
    return f"{split} at {how}: mAP50 {found.map50:.4f}  mAP50-95 {found.map50_95:.4f}"


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


def _card(about: About, result: Result, found: Measured, plan: Plan, *, ways: int) -> Card:
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
        f"pictures of {plan.train_px} px"
        + (f", beginning with our own detector `{plan.start}`" if plan.start else " from nothing")
        + (f", each read with {ways - 1} of its mirror images" if ways > 1 else "")
        + f". mAP50 by class: {each}. mAP50-95: {found.map50_95:.3f}.",
        limits=about.limits,
    )
