"""The detectors' recipe on drawn pictures: data as ultralytics reads them, a few steps of its trainer, a cut, mAP."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
import yaml
from safetensors.torch import save_file

from backends.detection.net import as_told, build, filled, letterboxed, load, torch_runner
from backends.detection.views import mirrored_too
from recipes import boxes, detector_training, detectors
from recipes.average_precision import measure
from recipes.boxed import Scene
from recipes.detector_training import Plan, begin_with, description, fit, measured, write_yolo
from recipes.detectors import About, train_detector
from recipes.reading import Reading
from studio.settings import Settings

PLAN = Plan(names=("dark", "light"), epochs=2, train_px=64, last_plain=1, batch_size=4, measured_every=1)
TRAININGS = {
    "start": PLAN,
    "copy": replace(PLAN, epochs=1, start="start"),
    "own": replace(PLAN, epochs=1, train_px=96, seed=2),
}
READING = Reading(sizes_px=((64, 96), (64,)), overlaps=(0.5,), ways=(1, 2), frame_ways=2)
ABOUT = About("tiny", "Squares", 0.0, "none", "drawn", "drawn", "here", "test", "Finds squares.", "Everything else.")


def scene(number: int, width: int = 96, height: int = 64) -> Scene:
    """A grey picture with a dark square and a light one."""
    rng = np.random.default_rng(number)
    pixels = np.full((height, width, 3), 128, np.uint8)
    found = []
    for level in (0, 255):
        left, top = int(rng.integers(0, width - 24)), int(rng.integers(0, height - 24))
        pixels[top : top + 24, left : left + 24] = level
        found.append((left, top, left + 24, top + 24))
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, "JPEG")
    return Scene(f"s{number}", buffer.getvalue(), np.array(found, np.float64), np.array([0, 1]))


def drawn(split: str) -> list[Scene]:
    first = {"train": 0, "val": 100, "test": 200}[split]
    return [scene(number) for number in range(first, first + (8 if split == "train" else 3))]


def test_the_data_are_written_as_ultralytics_reads_them(tmp_path: Path) -> None:
    told = write_yolo(drawn, PLAN.names, tmp_path)
    assert (told["nc"], told["names"]) == (2, {0: "dark", 1: "light"})
    one = drawn("train")[0]
    assert (tmp_path / "images/train/s0.jpg").read_bytes() == one.jpeg
    row = (tmp_path / "labels/train/s0.txt").read_text().splitlines()[1].split()
    left, top, right, bottom = one.boxes_xyxy[1]
    assert row[0] == "1"
    assert [float(part) for part in row[1:]] == pytest.approx(
        [(left + right) / 2 / 96, (top + bottom) / 2 / 64, 24 / 96, 24 / 64], abs=1e-6
    )
    assert sorted(path.name for path in (tmp_path / "images").iterdir()) == ["train", "val"], (
        "the test split stays away"
    )


@pytest.mark.slow
def test_two_epochs_a_cut_and_the_files_of_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, folder = Settings(home=tmp_path / "home"), tmp_path / "run"

    class CutError(Exception):
        pass

    def cut(spent: detector_training._Spent, trainer: object) -> bool:
        stop = note(spent, trainer)
        if not stop:
            raise CutError
        return stop

    note = detector_training._Spent.note
    monkeypatch.setattr(detector_training._Spent, "note", cut)
    with pytest.raises(CutError):
        fit(PLAN, drawn, settings, folder / "start")
    state = torch.load(folder / "start" / "run" / "weights" / "state.pt", weights_only=True)
    resumed: list[int] = []

    def watch(spent: detector_training._Spent, trainer: Any) -> bool:
        resumed.append(trainer.epoch)
        return note(spent, trainer)

    monkeypatch.setattr(detector_training._Spent, "note", watch)
    published: list[tuple[torch.nn.Module, dict[str, Any]]] = []
    monkeypatch.setattr(detectors, "publish", lambda _family, net, *_, **named: published.append((net, named)))
    result = train_detector(TRAININGS, READING, ABOUT, drawn, settings, folder)
    assert resumed == [1, 0, 0], "the first epoch, numbered 0, was not repeated; then come the others"
    assert [row.epoch for row in result.fitted.history] == [1, 2, 3, 4], "all that was trained"
    assert result.fitted.stopped == "all epochs"
    assert all(torch.isfinite(value).all() for value in state["net"].values())
    [(net, files)] = published
    for name, data in files["beside"].items():
        (tmp_path / name).write_bytes(data)
    save_file({**net.state_dict(), **files["tensors"]}, tmp_path / "model.safetensors")

    def file(name: str) -> Path:
        (found,) = (path for path in tmp_path.iterdir() if path.stem == name)
        return found

    network = load(file, "cpu")
    told = yaml.safe_load(file("network").read_text(encoding="utf-8"))
    assert network.names == ("dark", "light")
    assert [look.size_px for look in network.looks] == [told["size_px"], *({64, 96} - {told["size_px"]}), 64]
    assert network.domain is not None
    assert network.domain.limit > 0
    by_torch = [torch_runner(filled(told, file(name)), "cpu") for name in ("model", "model_2")]
    picture = drawn("test")[0].rgb
    plainly = filled(told, file("model"))
    assert np.allclose(
        network.look(picture)[0],
        mirrored_too(torch_runner(plainly, "cpu"), 2)(letterboxed(picture, told["size_px"]))[0],
        atol=0.05,
    )
    for ours, theirs in zip(network.looks, as_told(told, by_torch.__getitem__).looks, strict=True):
        assert np.allclose(ours(picture)[0], theirs(picture)[0], atol=0.05)
    again = train_detector(TRAININGS, READING, ABOUT, drawn, settings, folder)
    assert again.metric == result.metric, "a finished training is not repeated"
    with pytest.raises(ValueError, match="another plan"):
        fit(replace(PLAN, epochs=3), drawn, settings, folder / "start")


def test_the_metric_against_literal_boxes() -> None:
    one, two = drawn("test")[:2]

    def rows(of: Scene, score: float, shift: float = 0.0) -> np.ndarray:
        return np.array(
            [(*(box + shift), score, kind) for box, kind in zip(of.boxes_xyxy, of.classes, strict=True)], np.float32
        )

    perfect = measure([one, two], [rows(one, 0.9), rows(two, 0.8)], PLAN.names)
    assert perfect.map50 == pytest.approx(1)
    assert perfect.map50_95 == pytest.approx(1)
    half = measure([one, two], [rows(one, 0.9), np.empty((0, 6), np.float32)], PLAN.names)
    assert half.map50 == pytest.approx(51 / 101), "precision 1 up to half of the 101 recalls"
    loose = measure([one, two], [rows(one, 0.9, 4), rows(two, 0.8, 4)], PLAN.names)
    assert loose.map50 == pytest.approx(1)
    assert loose.map50_95 < 0.3
    assert measure([one], [rows(one, 0.9)[:1]], PLAN.names).each == pytest.approx({"dark": 1, "light": 0})
    assert measure([one], [np.empty((0, 6), np.float32)], PLAN.names).map50 == 0


def test_another_network_s_weights_are_taken_where_they_fit(tmp_path: Path) -> None:
    torch.manual_seed(0)
    other = build(description(replace(PLAN, names=("a", "b", "c"))))
    save_file({**other.half().state_dict(), "domain.limit": torch.tensor(1.0)}, tmp_path / "model.safetensors")
    net = build(description(PLAN))
    classes = net.model[-1].cv3[0][-1].weight.clone()
    taken = begin_with(net, tmp_path / "model.safetensors")
    assert taken == len(net.state_dict()) - 6, "all but the last layers of three branches, which tell the classes"
    assert torch.equal(net.model[0].conv.weight, other.model[0].conv.weight.float())
    assert torch.equal(net.model[-1].cv3[0][-1].weight, classes)


def test_measuring_is_rare_at_first_and_dense_at_the_end() -> None:
    plan = replace(PLAN, epochs=24, measured_every=5)
    assert [epoch for epoch in range(24) if measured(epoch, plan)] == [0, 5, 10, 15, 20, 21, 22, 23]


@pytest.mark.parametrize(
    ("load_split", "sizes", "names"),
    [
        (boxes.cells, (205, 87, 72), boxes.CELLS),
        (boxes.steel, (1260, 180, 360), boxes.DEFECTS),
        (boxes.plates, (288, 45, 111), boxes.PLATES),
    ],
)
def test_the_real_data(load_split: object, sizes: tuple[int, int, int], names: tuple[str, ...]) -> None:
    settings = Settings()
    if settings.data is None:
        pytest.skip("ATELIER_DATA is not set")
    splits = [load_split(settings, split) for split in ("train", "val", "test")]  # type: ignore[operator]
    assert tuple(len(split) for split in splits) == sizes
    pictures = [{scene.jpeg for scene in split} for split in splits]
    assert len(set.union(*pictures)) == sum(map(len, pictures)), "no picture is in two splits"
    for split in splits:
        assert {int(kind) for scene in split for kind in scene.classes} == set(range(len(names)))
        for scene in split[:20]:
            height, width = scene.rgb.shape[:2]
            assert (scene.boxes_xyxy[:, :2] >= -0.5).all()
            assert (scene.boxes_xyxy[:, 2:] <= [width + 0.5, height + 0.5]).all()


@pytest.mark.parametrize("able", [True, False])
def test_in_bfloat16_the_loss_is_nearly_that_of_float32(monkeypatch: pytest.MonkeyPatch, able: bool) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": able})
    torch.manual_seed(0)
    plain = detector_training._learner(PLAN)
    quick = detector_training._learner(replace(PLAN, bfloat16=True))
    quick.load_state_dict(plain.state_dict())
    from ultralytics.cfg import get_cfg  # not before the network is built, see `keep_to_itself`

    batch = {
        "img": torch.rand(8, 3, 128, 128),
        "cls": torch.randint(0, 2, (16, 1)).float(),
        "bboxes": 0.3 + 0.3 * torch.rand(16, 4),
        "batch_idx": torch.arange(8.0).repeat_interleave(2),
    }
    losses = []
    for net in (plain, quick):
        net.args = get_cfg()
        losses.append(net.train()(batch)[0].detach())
    assert losses[1].dtype == torch.float32
    assert torch.allclose(*losses, rtol=1e-4) is not able
    assert torch.allclose(*losses, rtol=0.01)
