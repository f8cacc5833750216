"""Which characters are Latin ones."""

from __future__ import annotations

import pytest

from backends.text.alphabet import is_latin, mostly_latin


def test_letters_with_accents_digits_and_signs_are() -> None:
    assert all(is_latin(character) for character in "azAZ09 !@#ÄéøşŁž€£“”…½\u2013")


def test_what_only_looks_like_one_is_not() -> None:
    assert not any(
        is_latin(character) for character in ("\u00d7", "÷", "\uff21", "\uff1a", "\u0410", "Ω", "漢", "·", "", "ab")
    )


@pytest.mark.parametrize(
    ("text", "is_mostly"),
    [
        ("Total 3 \u00d7 4.20", True),
        ("", False),
        ("12.50", False),
        ("漢 and so on", True),
        ("漢字漢字 ok", False),
        ("é" * 9 + "漢", True),
    ],
)
def test_a_text_is_latin_if_nearly_all_its_letters_are(text: str, is_mostly: bool) -> None:
    assert mostly_latin(text, 0.8) == is_mostly
