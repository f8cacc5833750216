"""Which characters a page may be read with."""

from __future__ import annotations

_SIGNS = "–—‘’“”„•…€£¥§©®°™²³½¼¾±«»¿¡ªº"  # noqa: RUF001 - as people write them


def is_latin(character: str) -> bool:
    """Whether a character is one of Latin writing: a letter with or without accents, a digit, a usual sign.

    What only looks like one is not: the multiplication sign, full-width letters, Cyrillic and Greek ones.
    """
    if len(character) != 1:
        return False
    code = ord(character)
    return 0x20 <= code < 0x7F or (0xC0 <= code < 0x180 and character not in "\u00d7\u00f7") or character in _SIGNS


def mostly_latin(text: str, least_share: float = 0.9) -> bool:
    """Whether nearly all letters of a text are Latin ones; false for a text without letters."""
    letters = [character for character in text if character.isalpha()]
    return bool(letters) and sum(is_latin(letter) for letter in letters) >= least_share * len(letters)
