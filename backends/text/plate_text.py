"""From what the recogniser sees in several views of a plate to the text on it.

Each view gives the probability of every character at every place. The likeliest texts of each view are looked for
(prefix beam search, Graves and Jaitly 2014), each of them is weighed by how well all views agree with it (the forward
algorithm of connectionist temporal classification, Graves et al. 2006), and texts of a form that plates have are
preferred.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: What a plate can say; the blank of CTC comes before them.
ALPHABET = string.digits + string.ascii_uppercase

Sight = npt.NDArray[np.float32]
"""Probabilities (places, 37) of the blank and of `ALPHABET`, each row summing to 1."""

#: Forms of common plates, L a letter, D a digit. A text of an unlisted form is read too, only less readily.
FORMS: dict[str, tuple[str, ...]] = {
    "Europe": (
        "LLDDDLL",  # Slovakia, France, Italy
        "DLDDDDD",  # Czechia
        "LLDDLLL",  # United Kingdom
        "DDDDLLL",  # Spain
        "LLLDDD",  # Sweden, Finland, Hungary
        "LLDDDDD",  # Poland, Denmark, Norway
        "LLDDDD",
        "LLLDDDD",  # Poland, Germany
        "LLLLDDD",  # Germany, Hungary
        "LLDDLL",
        "LLDDDL",
    ),
    "United States": (
        "DLLLDDD",  # California
        "LLLDDDD",  # Ohio, Texas, New York, Arizona and more
        "LLLDDD",
        "DDDLLL",
        "LLDLDL",  # Missouri
        "DDDDDDD",
        "LDDDDDD",
        "LLDDDDD",
    ),
    "Brazil": ("LLLDDDD", "LLLDLDD"),
}
UNKNOWN = "unknown"

_BEAM, _KEPT, _LEAST = 8, 6, 1e-4
_LENGTHS = range(4, 9)
_PREFERENCE = 3.0  # as if a text of a known form were exp(3) = 20 times likelier
_WORST = -15.0  # a view that does not show the plate must not outweigh the others


@dataclass(frozen=True)
class Guess:
    """A text that a plate may have.

    Attributes:
        likelihood: mean logarithm of its probability over the views, with the preference for forms.
        score: geometric mean of the probability of a character, 0 to 1.
        form: the form of plates that it has; empty where none.
    """

    text: str
    likelihood: float
    score: float
    form: str


def guesses(sights: Sequence[Sight], country: str = UNKNOWN) -> list[Guess]:
    """The texts that a plate may have, the likeliest first; none where nothing can be read."""
    texts = {text for sight in sights for text in beam(sight)[:_KEPT] if len(text) in _LENGTHS}
    found = []
    for text in texts:
        views = [max(_WORST, log_probability(sight, text)) for sight in sights]
        mean = float(np.mean(views))
        found.append(Guess(text, mean + preference(text, country), float(np.exp(mean / len(text))), form_of(text)))
    return sorted(found, key=lambda guess: -guess.likelihood)


def form_of(text: str) -> str:
    """Letters as L and digits as D, if plates of that form are known; else empty."""
    form = "".join("D" if character in string.digits else "L" for character in text)
    return form if any(form in forms for forms in FORMS.values()) else ""


def preference(text: str, country: str) -> float:
    """What having a known form adds to a text's logarithmic likelihood."""
    form = form_of(text)
    preferred = bool(form) if country == UNKNOWN else form in FORMS[country]
    return _PREFERENCE if preferred else 0.0


def beam(sight: Sight, width: int = _BEAM) -> list[str]:
    """The likeliest texts of one view."""
    beams: dict[str, tuple[float, float]] = {"": (1.0, 0.0)}  # text to probability: ending in a blank, or not
    for place in sight:
        blank = float(place[0])
        likely = [(int(c), float(place[c])) for c in np.flatnonzero(place > _LEAST) if c]
        grown: dict[str, list[float]] = {}
        for text, (after_blank, after_character) in beams.items():
            total = after_blank + after_character
            same = grown.setdefault(text, [0.0, 0.0])
            same[0] += total * blank
            for code, probability in likely:
                character = ALPHABET[code - 1]
                longer = grown.setdefault(text + character, [0.0, 0.0])
                if text.endswith(character):
                    same[1] += after_character * probability
                    longer[1] += after_blank * probability
                else:
                    longer[1] += total * probability
        kept = sorted(grown.items(), key=lambda item: -sum(item[1]))[:width]
        beams = {text: (ends[0], ends[1]) for text, ends in kept}
    return list(beams)


def log_probability(sight: Sight, text: str) -> float:
    """Logarithm of the probability that a view shows that text, over all ways to place its characters."""
    codes = np.zeros(2 * len(text) + 1, np.intp)  # blank, character, blank, character, ..., blank
    codes[1::2] = [ALPHABET.index(character) + 1 for character in text]
    skip = np.zeros(len(codes), bool)  # where the blank before a character may be left out
    skip[3::2] = codes[3::2] != codes[1:-2:2]
    forward = np.zeros(len(codes))
    forward[0] = 1.0
    logarithm = 0.0
    for place in sight:
        reached = forward.copy()
        reached[1:] += forward[:-1]
        reached[2:] += forward[:-2] * skip[2:]
        forward = reached * place[codes]
        total = float(forward.sum())
        if total <= 0:
            return -np.inf
        logarithm += float(np.log(total))
        forward /= total
    end = float(forward[-2:].sum())
    return logarithm + float(np.log(end)) if end > 0 else -np.inf
