"""The digit reader with its shipped weights, on pictures drawn here."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest

from backends.digits.examples import make
from backends.digits.net import DigitNet
from backends.digits.task import OTHER_LABEL, DigitOutputs, digit_recognition
from backends.digits.tiles import tiled
from studio.catalogue import Catalogue
from studio.media.image import Image
from studio.runtime import EMBEDDED, Runtime
from studio.settings import Settings
from studio.weights import Shelf

EXAMPLES = Path(make.__file__).parent


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    return Runtime(Settings(home=tmp_path_factory.mktemp("home"), device="cpu"), Catalogue.discover())


def read(runtime: Runtime, image: object) -> DigitOutputs:
    outputs = runtime.run("digit_recognition", {"image": image}).outputs
    assert isinstance(outputs, DigitOutputs)
    return outputs


def picture(drawn: PIL.Image.Image) -> Image:
    return Image.from_pil(drawn, lossless=True)


def ring() -> PIL.Image.Image:
    canvas = PIL.Image.new("L", (280, 280), 255)
    PIL.ImageDraw.Draw(canvas).ellipse((90, 50, 190, 230), outline=0, width=20)
    return canvas


def bar() -> PIL.Image.Image:
    canvas = PIL.Image.new("L", (280, 280), 255)
    PIL.ImageDraw.Draw(canvas).line((150, 50, 130, 230), fill=0, width=20)
    return canvas


def test_the_weight_file_is_small_and_is_the_one_in_the_table() -> None:
    family = Catalogue.discover().entry("digit_recognition").family
    row = Shelf(EMBEDDED).row(family, "digits")
    path = Shelf(EMBEDDED).resolve(family, "digits").path()
    assert path.stat().st_size == row.files["model"].bytes <= 1_000_000
    assert hashlib.sha256(path.read_bytes()).hexdigest() == row.files["model"].sha256
    assert sum(value.numel() for value in DigitNet().parameters()) == 172_635
    assert "accuracy 0.99" in row.card
    assert "python -m recipes digits" in (path.parent / "card.md").read_text()


@pytest.mark.parametrize(
    ("drawn", "digit"),
    [(ring(), 0), (bar(), 1), (make.drawn(make.FIVE, 14), 5), (make.drawn(make.EIGHT, 14), 8),
     (make.drawn(make.FOUR, 14), 4), (make.drawn(make.TWO, 14), 2)],
)  # fmt: skip
def test_drawn_digits_are_read(runtime: Runtime, drawn: PIL.Image.Image, digit: int) -> None:
    for shown in (drawn, PIL.Image.eval(drawn, lambda level: 255 - level), drawn.resize((60, 60))):
        outputs = read(runtime, picture(shown))
        assert (outputs.is_digit, outputs.digit) == (True, digit)
        assert outputs.verdict == f"This is {'an' if digit == 8 else 'a'} {digit}."
        assert next(iter(outputs.probabilities.root)) == str(digit)
        assert sum(outputs.probabilities.root.values()) == pytest.approx(1)
        assert list(outputs.probabilities.root.values()) == sorted(outputs.probabilities.root.values(), reverse=True)


def test_place_and_size_do_not_matter(runtime: Runtime) -> None:
    small = make.drawn(make.TWO, 24).resize((100, 100), PIL.Image.Resampling.LANCZOS)
    scores = []
    for place in ((10, 10), (500, 20), (20, 500), (480, 490)):
        canvas = PIL.Image.new("L", (600, 600), 255)
        canvas.paste(small, place)
        outputs = read(runtime, picture(canvas))
        assert outputs.digit == 2
        scores.append(outputs.digit_score)
    assert max(scores) - min(scores) < 3  # of about 20: the reduction to 512 px falls on other pixels


@pytest.mark.parametrize("name", ["two_digits.png", "scribble.png"])
def test_what_is_no_digit_is_told_apart(runtime: Runtime, name: str) -> None:
    outputs = read(runtime, EXAMPLES / name)
    assert (outputs.is_digit, outputs.digit) == (False, None)
    assert outputs.verdict == "This doesn't look like a digit."
    assert outputs.digit_score is not None
    assert outputs.digit_score < outputs.threshold
    assert next(iter(outputs.probabilities.root)) == OTHER_LABEL


@pytest.mark.parametrize("name", ["camera", "coins", "chelsea", "brick"])
def test_a_photograph_is_no_digit(runtime: Runtime, name: str) -> None:
    import skimage.data

    photograph = PIL.Image.fromarray(getattr(skimage.data, name)())
    assert not read(runtime, picture(photograph)).is_digit


@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_paper(runtime: Runtime, level: int) -> None:
    outputs = read(runtime, picture(PIL.Image.new("L", (320, 320), level)))
    assert outputs.verdict == "There is nothing on this picture."
    assert (outputs.is_digit, outputs.digit, outputs.digit_score) == (False, None, None)
    assert outputs.probabilities.root[OTHER_LABEL] == 1


def test_notes_say_what_was_done(runtime: Runtime) -> None:
    chalk = read(runtime, EXAMPLES / "eight_in_chalk.png")
    assert (chalk.digit, len(chalk.notes)) == (8, 1)
    assert "turned round" in chalk.notes[0]
    cut = read(runtime, picture(ring().crop((100, 0, 280, 280))))
    assert any("edge" in note for note in cut.notes)


def test_it_shows_what_it_saw_and_felt(runtime: Runtime) -> None:
    outputs = read(runtime, picture(ring()))
    other = read(runtime, picture(bar()))
    assert outputs.seen.resolution_wh == (28 * 12 + 8, 28 * 12 + 8)
    assert outputs.filters.resolution_wh == (4 * 112 + 12, 4 * 112 + 12)  # 16 of 5 x 5
    assert outputs.first_maps.resolution_wh == (4 * 116 + 4, 4 * 116 + 4)  # 16 of 28 x 28
    assert outputs.second_maps.resolution_wh == (7 * 60 + 4, 7 * 60 + 4)  # 48 of 7 x 7
    assert np.array_equal(outputs.filters.rgb, other.filters.rgb)
    for name in ("seen", "first_maps", "second_maps"):
        assert not np.array_equal(getattr(outputs, name).rgb, getattr(other, name).rgb)


def test_tiles_against_literal_pixels() -> None:
    planes = np.array([[[0, 1]], [[2, -1]]], np.float32)  # two planes of 1 x 2
    assert tiled(planes, 2, 1, gap_px=3).tolist() == [
        [255] * 13, [255] * 13, [255] * 13,
        [255, 255, 255, 0, 128, 255, 255, 255, 255, 0, 255, 255, 255],
        [255] * 13, [255] * 13, [255] * 13,
    ]  # fmt: skip
    signed = tiled(planes, 2, 1, signed=True, gap_px=3)[3]
    assert signed.tolist() == [255, 255, 255, 128, 255, 255, 255, 255, 255, 64, 255, 255, 255]


def test_the_examples_are_what_make_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make, "_FOLDER", tmp_path)
    make.main()
    for file in tmp_path.glob("*.png"):
        with PIL.Image.open(file) as made, PIL.Image.open(EXAMPLES / file.name) as shipped:
            assert np.abs(np.asarray(made, int) - np.asarray(shipped, int)).max() <= 1
    named = {example.values["image"].name for example in digit_recognition.examples}
    assert named == {file.name for file in tmp_path.glob("*.png")}
