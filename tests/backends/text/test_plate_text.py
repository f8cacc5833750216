"""Plates' texts out of probabilities, on small ones made by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from backends.text.plate_text import ALPHABET, FORMS, Sight, beam, form_of, guesses, log_probability, preference


def sight(*places: dict[str, float]) -> Sight:
    """Places with some characters likely and a blank ("") for the rest."""
    rows = np.full((len(places), len(ALPHABET) + 1), 1e-6, np.float32)
    for row, place in zip(rows, places, strict=True):
        for character, probability in place.items():
            row[ALPHABET.index(character) + 1 if character else 0] = probability
        row /= row.sum()
    return rows


def certain(text: str) -> Sight:
    """Every character at a place of its own, with a blank before it."""
    return sight(*itertools.chain.from_iterable(({"": 1.0}, {character: 1.0}) for character in text))


def by_enumeration(seen: Sight, text: str) -> float:
    """Sum over all ways to place a text: what the forward algorithm must give."""
    total = 0.0
    codes = [0, *(ALPHABET.index(character) + 1 for character in set(text))]
    for path in itertools.product(codes, repeat=len(seen)):
        merged = [code for code, _ in itertools.groupby(path) if code]
        if "".join(ALPHABET[code - 1] for code in merged) == text:
            total += float(np.prod([seen[place, code] for place, code in enumerate(path)]))
    return total


@pytest.mark.parametrize("text", ["A", "AB", "AA", "ABA", "BBA"])
def test_the_probability_of_a_text_is_the_sum_over_its_ways(text: str) -> None:
    rng = np.random.default_rng(3)
    seen = sight(*({"": a, "A": b, "B": c} for a, b, c in rng.dirichlet((1, 1, 1), size=6)))
    assert np.exp(log_probability(seen, text)) == pytest.approx(by_enumeration(seen, text), rel=1e-4)


def test_a_text_that_does_not_fit_is_impossible() -> None:
    assert log_probability(certain("AB"), "AABBAABB") == -np.inf


def test_repeated_characters_need_a_blank() -> None:
    assert beam(certain("5500"))[0] == "5500"
    assert beam(sight({"5": 1.0}, {"5": 1.0}, {"0": 1.0}))[0] == "50"


def test_the_beam_finds_what_the_best_path_misses() -> None:
    # the best path is blank, blank (0.36); but "A" has 0.24 + 0.24 + 0.16 = 0.64 over three ways
    assert beam(sight({"": 0.6, "A": 0.4}, {"": 0.6, "A": 0.4}))[0] == "A"


def test_all_views_vote() -> None:
    one = sight({"A": 1.0}, {"B": 1.0}, {"1": 0.9, "I": 0.1}, {"2": 1.0}, {"": 1.0})
    other = sight({"A": 1.0}, {"B": 1.0}, {"1": 0.05, "I": 0.95}, {"2": 1.0}, {"": 1.0})
    assert guesses([one, other])[0].text == "ABI2"  # 0.1 x 0.95 over 0.9 x 0.05: neither has a known form
    assert guesses([one, one, other])[0].text == "AB12"


def test_a_view_that_shows_nothing_does_not_decide() -> None:
    assert guesses([certain("KLM4711"), certain("KLM4711"), certain("XXXX")])[0].text == "KLM4711"


def test_a_form_of_plates_decides_between_look_alikes() -> None:
    seen = sight(
        *({c: 1.0} for c in "RK34"), {"": 1.0}, {"0": 0.6, "O": 0.4}, {"A": 1.0}, {"": 1.0}, {"0": 0.7, "O": 0.3}
    )
    best = guesses([seen])[0]
    assert (best.text, best.form) == ("RK340AO", "LLDDDLL")
    assert 0.5 < best.score < 1


def test_an_emblem_that_was_taken_for_a_letter_is_left_out() -> None:
    seen = sight(*({c: 1.0} for c in "UH1"), {"L": 0.8, "": 0.2}, *({c: 1.0} for c in "F0F"))
    assert guesses([seen])[0].text == "UH1F0F"  # Missouri's form


def test_a_country_prefers_its_own_forms_alone() -> None:
    assert preference("ABC1D23", "Brazil") > 0
    assert preference("ABC1D23", "Europe") == 0
    assert preference("ABC1D23", "unknown") > 0
    assert form_of("ABCDEFG") == ""
    assert {len(form) for forms in FORMS.values() for form in forms} <= set(range(4, 9))


def test_nothing_to_read() -> None:
    assert guesses([]) == []
    assert guesses([sight({"": 1.0}, {"": 1.0})]) == []
