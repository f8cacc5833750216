"""The published networks on scenes drawn here: words, answers, what these rest on, and what is strange to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backends.search
from backends.scenes.drawing import draw, plain_style
from backends.scenes.scene import Look, Scene, Thing, held_out
from studio.errors import AtelierError
from studio.media.image import Image
from studio.runtime import Runtime
from studio.settings import Settings

PHOTOGRAPH = Path(backends.search.__file__).parent / "examples" / "pictures" / "rocket.jpg"
STAR = Thing(Look("star", "red", "large", "striped"), 0.25, 0.28, 0.18)
CIRCLES = tuple(Thing(Look("circle", "blue", "small"), across, 0.78, 0.1) for across in (0.2, 0.5, 0.8))
SCENE = Scene((STAR, *CIRCLES))


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    made = Runtime(Settings(home=tmp_path_factory.mktemp("home"), device="cpu"))
    yield made
    made.close()


def picture(scene: Scene = SCENE, side_px: int = 96) -> Image:
    style = plain_style(len(scene.things))
    return Image(draw(scene, style, np.random.default_rng(0), side_px), "scene.png", lossless=True)


def described(runtime: Runtime, adapter: str = "scenes", **more: Any) -> Any:
    return runtime.run("scene_description", {"image": picture()} | more, adapter=adapter).outputs


def words_in(said: Any) -> list[str]:
    return list(said.words.frame["word"])


def answer(runtime: Runtime, question: str, image: Image | None = None) -> Any:
    return runtime.run("scene_question", {"image": image or picture(), "question": question}).outputs


@pytest.mark.parametrize("adapter", ["scenes", "scenes_lstm"])
def test_a_combination_that_was_never_learned_is_put_into_words(runtime: Runtime, adapter: str) -> None:
    assert held_out(CIRCLES[0].look)
    said = described(runtime, adapter, beams=3)
    assert said.caption == (
        "Three small blue circles and a large red striped star. "
        "The small blue circles are below the large red striped star."
    )
    assert said.score > 0.9
    assert said.strangeness < 1
    assert len(said.attention) == len(said.words.frame) == len(said.caption.split()) + 2  # full stops


@pytest.mark.parametrize("adapter", ["scenes", "scenes_lstm"])
def test_for_the_word_red_the_network_looks_at_the_red_star(runtime: Runtime, adapter: str) -> None:
    said = described(runtime, adapter)
    bright = np.asarray(said.attention[words_in(said).index("red")].rgb, float).mean(2)
    rows, columns = (np.arange(len(bright)) / len(bright) < 0.5 for _ in range(2))
    assert bright[rows][:, columns].mean() > 1.3 * bright[~rows].mean()


def test_a_word_for_which_nothing_is_looked_at_is_shown_dark(runtime: Runtime) -> None:
    said = described(runtime, "scenes_lstm")
    noun = np.asarray(said.attention[words_in(said).index("star")].rgb, float)
    assert noun.max() < 0.3 * 255  # it knows by then what is large, red and striped there


def test_drawing_words_by_chance_follows_the_seed(runtime: Runtime) -> None:
    told = {"sampling": True, "temperature": 2.0}
    captions = [described(runtime, seed=seed, **told).caption for seed in (1, 1, 2, 3, 4)]
    assert captions[0] == captions[1]
    assert len(set(captions)) > 1


def test_the_network_stops_after_so_many_words(runtime: Runtime) -> None:
    assert len(words_in(described(runtime, most_words=6))) == 6


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many circles are there?", "3"),
        ("How many small blue circles are there?", "3"),
        ("Is there a large red star?", "yes"),
        ("Is there a green heart?", "no"),
        ("Are there more circles than stars?", "yes"),
        ("What color is the star?", "red"),
        ("What pattern has the star?", "striped"),
        ("How large is the star?", "large"),
        ("How many things are below the star?", "3"),
        ("Is there a circle right of the star?", "yes"),
        ("Is there a circle above the large thing?", "no"),
    ],
)
def test_questions(runtime: Runtime, question: str, expected: str) -> None:
    told = answer(runtime, question)
    assert told.answer == expected
    assert told.confidence > 0.5


def test_an_answer_rests_on_the_things_that_were_asked_about(runtime: Runtime) -> None:
    image = picture(side_px=480)
    (box,) = answer(runtime, "What colour is the star?", image).picture.boxes
    left, top, right, bottom = box.xyxy
    assert abs((left + right) / 2 - 0.25 * 480) < 20
    assert abs((top + bottom) / 2 - 0.28 * 480) < 20
    assert 0.6 * 0.36 * 480 < right - left < 1.4 * 0.36 * 480


def test_words_that_were_never_learned_are_named_and_long_questions_refused(runtime: Runtime) -> None:
    told = answer(runtime, "How many zebras are there?")
    assert (told.answer, told.unknown) == ("", ["zebras"])
    with pytest.raises(AtelierError, match="too long"):
        answer(runtime, "Is there a " + "small " * 20 + "star?")


def test_a_photograph_is_strange(runtime: Runtime) -> None:
    photograph = Image.load(PHOTOGRAPH)
    for adapter in ("scenes", "scenes_lstm"):
        assert described(runtime, adapter, image=photograph).strangeness > 1
    assert answer(runtime, "How many stars are there?", photograph).strangeness > 1
