"""The picture classifier with its shipped weights, on the example pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from backends.pictures.classifier import PictureClassifier
from backends.pictures.examples import make
from backends.pictures.task import LARGER, LARGER_MB, ClassificationOutputs, image_classification
from studio.catalogue import Catalogue
from studio.errors import InvalidInput
from studio.media.image import Image
from studio.runtime import EMBEDDED, Runtime
from studio.settings import Settings
from studio.weights import Shelf

EXAMPLES = Path(make.__file__).parent
FAMILY = EXAMPLES.parent
TEN = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    made = Runtime(Settings(home=tmp_path_factory.mktemp("home"), device="cpu"), Catalogue.discover())
    yield made
    made.close(grace_s=2)


@pytest.fixture(scope="module")
def model() -> PictureClassifier:
    return PictureClassifier(Shelf(EMBEDDED).resolve(FAMILY, "pictures"), "cpu")


def told(runtime: Runtime, image: object, **more: object) -> ClassificationOutputs:
    outputs = runtime.run("image_classification", {"image": image, **more}).outputs
    assert isinstance(outputs, ClassificationOutputs)
    return outputs


def test_the_weight_file_is_small_and_knows_the_ten(model: PictureClassifier) -> None:
    row = Shelf(EMBEDDED).row(FAMILY, "pictures")
    assert row.total_bytes <= 9_000_000
    assert list(model.labels) == TEN
    assert 0.1 < model.temperature < 2


@pytest.mark.parametrize(("name", "label"), [("cat.jpg", "cat"), ("horse.png", "horse")])
def test_the_examples_are_known(runtime: Runtime, name: str, label: str) -> None:
    outputs = told(runtime, EXAMPLES / name)
    assert (outputs.verdict, outputs.likely, len(outputs.notes)) == (f"This is a {label}.", True, 1)
    assert (outputs.label, outputs.explained) == (label, label)
    assert outputs.score >= 0.8
    assert outputs.familiarity is not None
    assert outputs.least_familiarity is not None
    assert outputs.familiarity > outputs.least_familiarity
    with PIL.Image.open(EXAMPLES / name) as picture:
        assert outputs.overlay.resolution_wh == picture.size


def test_what_it_does_not_know_is_said_and_the_larger_model_offered(runtime: Runtime) -> None:
    outputs = told(runtime, EXAMPLES / "rocket.jpg")
    assert (outputs.verdict, outputs.likely) == ("None of the ten things that I know looks likely.", False)
    assert outputs.notes[0] == (
        f"This network knows ten kinds of things: {', '.join(TEN)}. One that knows 1,000 is one download away: "
        "ConvNeXt-T (1,000 classes), 114 MB, licence Apache-2.0."
    )


def test_the_offer_is_what_the_table_says() -> None:
    row = Shelf(EMBEDDED).row(FAMILY, LARGER.weights)
    assert round(row.total_bytes / 1e6) == LARGER_MB
    assert row.licence == LARGER.licence
    sizes = {Shelf(EMBEDDED).row(FAMILY, a.weights).total_bytes: a for a in image_classification.adapters[1:]}
    assert sizes[min(sizes)] is LARGER


def test_the_scores_are_probabilities(runtime: Runtime) -> None:
    scores = list(told(runtime, EXAMPLES / "cat.jpg", top_k=10).scores.root.values())
    assert len(scores) == 10
    assert sum(scores) == pytest.approx(1)
    assert scores == sorted(scores, reverse=True)


def test_size_does_not_matter(runtime: Runtime) -> None:
    with PIL.Image.open(EXAMPLES / "horse.png") as picture:
        for size_wh in ((64, 54), (1300, 1000)):
            resized = Image.from_pil(picture.convert("RGB").resize(size_wh), lossless=True)
            assert told(runtime, resized).verdict == "This is a horse."


@pytest.mark.parametrize("size_wh", [(1, 1), (700, 2), (32, 32)])
def test_any_picture_is_answered(runtime: Runtime, size_wh: tuple[int, int]) -> None:
    outputs = told(runtime, Image.from_pil(PIL.Image.new("RGB", size_wh, "white"), lossless=True))
    assert outputs.overlay.resolution_wh == size_wh
    assert outputs.label in TEN


def test_another_class_has_another_overlay(runtime: Runtime) -> None:
    best, other = told(runtime, EXAMPLES / "cat.jpg"), told(runtime, EXAMPLES / "cat.jpg", explain="Truck")
    assert (best.explained, other.explained) == ("cat", "truck")
    assert other.verdict == best.verdict
    assert not np.array_equal(best.overlay.rgb, other.overlay.rgb)


def test_a_class_it_does_not_know_is_an_error_of_the_field(runtime: Runtime) -> None:
    with pytest.raises(InvalidInput, match="knows no 'zebra'") as caught:
        told(runtime, EXAMPLES / "cat.jpg", explain="zebra")
    assert caught.value.field == "explain"


@pytest.mark.parametrize("quarter", [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("step_px", [2, 4, 8])
def test_the_heat_lies_where_the_thing_is(model: PictureClassifier, quarter: tuple[int, int], step_px: int) -> None:
    """A small horse in a quarter of a white picture: most of its heat is in that quarter."""
    with PIL.Image.open(EXAMPLES / "horse.png") as picture:
        horse = np.asarray(picture.convert("RGB").resize((18, 16)))
    row, column = quarter
    pixels = np.full((1, 32, 32, 3), 255, np.uint8)
    pixels[0, 16 * row : 16 * row + 16, 14 * column : 14 * column + 18] = horse
    heat = model.heat(pixels, TEN.index("horse"), step_px)[0]
    half = 16 // step_px
    quarters = heat.reshape(2, half, 2, half).sum((1, 3))
    assert np.unravel_index(quarters.argmax(), (2, 2)) == quarter


def test_a_webcam_frame_is_looked_at_once(model: PictureClassifier) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    assert len(model.look(frame, quick=True).explain(0)) == 1
    assert len(model.look(frame).explain(0)) == 4
