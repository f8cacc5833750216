"""Questions become programs, or nothing."""

from __future__ import annotations

import pytest

from backends.vqa.questions import Program, looks_english, parse, questions_in


@pytest.mark.parametrize(
    ("question", "program"),
    [
        ("What is the total on this receipt?", Program("total")),
        ("And the grand total?", Program("total")),
        ("How much was paid?", Program("total")),
        ("What is the amount due?", Program("total")),
        ("How much is the Earl Grey?", Program("price", "earl grey")),
        ("What is the price of the lemon cake?", Program("price", "lemon cake")),
        ("What is the date?", Program("date")),
        ("When was it bought?", Program("date")),
        ("Which company is it from?", Program("company")),
        ("What is the name of the shop?", Program("company")),
        ("What is the address?", Program("address")),
        ("Where is the shop?", Program("address")),
        ("What does the sign say?", Program("text")),
        ("Read the text.", Program("text")),
        ("What is written on the wall?", Program("text")),
        ('Does it say "exit"?', Program("says", "exit")),
        ("Does the sign say “No Smoking”?", Program("says", "no smoking")),
        ("Is there any text?", Program("any text")),
        ("How many words are there?", Program("count text", "words")),
        ("What does the licence plate say?", Program("plate")),
        ("What is the number plate?", Program("plate")),
        ("How many people are there?", Program("count people")),
        ("Are there any people in the picture?", Program("any people")),
        ("Where is the face?", Program("where people")),
        ("Who is this?", Program("who")),
        ("How many red cells are there?", Program("count", "red cells")),
        ("How many cars?", Program("count", "cars")),
        ("Where is the dog?", Program("where", "dog")),
        ("What colour is the picture?", Program("colour")),
        ("What colour is it?", Program("colour")),
        ("What color is the left side?", Program("colour", "", "left")),
        ("What colour is the upper half?", Program("colour", "", "top")),
        ("What colour is the car on the left?", Program("colour of", "car", "left")),
        ("What colour is the licence plate?", Program("colour of", "licence plate")),
        ("Is it too dark?", Program("light", "dark")),
        ("Is the picture sharp?", Program("light", "sharp")),
        ("What is the resolution?", Program("size")),
        ("Describe the picture.", Program("describe")),
        ("What do you see?", Program("describe")),
        ("What is in the picture?", Program("describe")),
        ("What is this?", Program("what")),
        ("What animal is this?", Program("what")),
        ("Is it a cat?", Program("is it", "cat")),
    ],
)
def test_known_forms(question: str, program: Program) -> None:
    assert parse(question) == program


@pytest.mark.parametrize(
    "question",
    [
        "Why is the sky blue?",
        "Will she win?",
        "xyzzy",
        "¿Qué dice el letrero?",
        "几个人?",
        "?",
        "Is he happy?",
        "a" * 2_000,
    ],
)
def test_other_forms_are_not_guessed(question: str) -> None:
    assert parse(question) is None


def test_long_questions_are_parsed_at_once() -> None:
    for question in ("how many " * 220, "what is " * 250, "where is the " * 150, 'does it say "' * 150):
        parse(question)


def test_questions_stand_on_lines() -> None:
    assert questions_in(" What is the\ttotal? \n\n  And the date?\n") == ["What is the total?", "And the date?"]


def test_english_is_told_by_its_words() -> None:
    assert looks_english("Why is that so?")
    assert not looks_english("Was steht auf dem Schild?".replace("Was", "Wass"))
    assert not looks_english("几个人?")
