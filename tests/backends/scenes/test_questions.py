"""Questions about scenes have the answers that a person would give."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from backends.scenes.questions import ANSWERS, FORMS, WORDS, Question, asked, words_of
from backends.scenes.scene import Look, Scene, Thing, drawn

SCENE = Scene(
    (
        Thing(Look("star", "red", "small"), 0.15, 0.2, 0.09),
        Thing(Look("star", "red", "small"), 0.4, 0.2, 0.09),
        Thing(Look("ring", "blue", "large", "striped"), 0.75, 0.6, 0.17),
        Thing(Look("7", "white", "large"), 0.25, 0.75, 0.17),
    )
)
#: What a person answers.
KNOWN = {
    "How many red stars are there?": "2",
    "How many things are there?": "4",
    "How many large things are there?": "2",
    "Is there a ring?": "yes",
    "Is there a blue star?": "no",
    "What colour is the ring?": "blue",
    "What pattern has the blue thing?": "striped",
    "How large is the 7?": "large",
    "What shape is the blue thing?": "ring",
    "Are there more stars than rings?": "yes",
    "Are there fewer stars than rings?": "no",
    "Are there as many rings as 7s?": "yes",
    "How many things are left of the ring?": "3",
    "How many things are below the ring?": "1",
    "Is there a star above the 7?": "yes",
    "Is there a ring left of the 7?": "no",
}


def everything(scene: Scene, count: int, seed: int = 0) -> list[Question]:
    rng = np.random.default_rng(seed)
    found = [asked(rng, scene, form) for _ in range(count) for form in FORMS]
    return [question for question in found if question is not None]


@pytest.fixture(scope="module")
def of_the_scene() -> list[Question]:
    """Thousands of questions about one scene."""
    return everything(SCENE, 6_000)


def test_answers_are_those_of_a_person(of_the_scene: list[Question]) -> None:
    answers = {question.text: question.answer for question in of_the_scene}
    assert {text: answers.get(text) for text in KNOWN} == KNOWN


def test_one_question_has_one_answer(of_the_scene: list[Question]) -> None:
    answers = Counter((question.text, question.answer) for question in of_the_scene)
    assert len({text for text, _ in answers}) == len(answers)


def test_all_words_and_answers_are_listed() -> None:
    rng = np.random.default_rng(1)
    for _ in range(150):
        for question in everything(drawn(rng), 1, int(rng.integers(1 << 30))):
            assert question.answer in ANSWERS
            assert set(words_of(question.text)) <= set(WORDS)


def test_yes_is_as_frequent_as_no() -> None:
    rng = np.random.default_rng(2)
    answers = [question for _ in range(400) for question in everything(drawn(rng), 1, int(rng.integers(1 << 30)))]
    for form in ("exist", "compare"):
        said = Counter(question.answer for question in answers if question.form == form)
        assert said["yes"] / said.total() == pytest.approx(0.5, abs=0.09)


def test_what_it_rests_on(of_the_scene: list[Question]) -> None:
    rests = {question.text: set(question.rests_on) for question in of_the_scene}
    assert rests["How many red stars are there?"] == {0, 1}
    assert rests["Is there a star above the 7?"] == {0, 1, 3}
