"""What is said about a result in words: how many of what, what the detector knows, what was left out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from backends.detection.detector import Detector, Wanted
from backends.detection.task import DETECTORS
from studio.weights import Shelf


def counted(counts: Counter[str], one: str = "", several: str = "") -> str:
    """How many there are of each class, in a sentence.

    Args:
        one, several: what is counted, where it is more than boxes.
    """
    if not counts:
        return "Nothing found."
    each = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    if not one:
        return f"{counts.total()} found: {each}." if len(counts) > 1 else f"Found: {each}."
    return f"{counts.total()} {one if counts.total() == 1 else several}: {each}."


def knowledge(
    detector: Detector, wanted: Wanted, *, nothing: bool, strange: bool, shown: str = "This picture is"
) -> list[str]:
    """What the user should know about the result: what the detector knows, and what it takes to find more.

    Args:
        nothing: whether nothing was found.
        strange: whether what is shown is unlike the pictures that the detector learned from.
        shown: what that is, with its verb.
    """
    said = []
    if strange:
        said.append(
            f"{shown} unlike those that the detector learned from: what it finds here is a guess, and what it misses "
            "may be there."
        )
    if nothing or strange:
        if detector.specialist:
            said.append(f"It knows {_listed(detector.names)}, and nothing else. {_general()}")
        elif wanted.class_ids is None:
            said.append(f"It knows {len(detector.names)} classes: {', '.join(detector.names)}.")
    if nothing:
        said.append(f"Nothing reached a confidence of {wanted.confidence:g}: lower it to see weaker boxes.")
    return said


def _general() -> str:
    """The first general detector of the catalogue, with what it costs to have it."""
    family = Path(__file__).parent
    adapter = next(adapter for adapter in DETECTORS if adapter.kind == "hub")
    row = Shelf(family).row(family, adapter.weights)
    return (
        f"For people, vehicles, animals and household things choose {adapter.title.split(':')[0]} in the model list: "
        f"{row.total_bytes / 1e6:.0f} MB to download, licence {row.licence}."
    )


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
