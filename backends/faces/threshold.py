"""The threshold that suits a person's own pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from backends.faces.fields import ThresholdInputs, ThresholdOutputs
from backends.faces.model import FaceModel, Vector, portrait
from backends.faces.pairs import PAIRS_FORMAT, Pair, read_pairs
from backends.faces.roc import Roc, rates, roc_plot
from studio.contract import Run
from studio.errors import InvalidInput
from studio.media.archive import Archive
from studio.media.base import Blob
from studio.media.image import Image
from studio.media.table import Table
from studio.results import Plot


@dataclass(frozen=True)
class _Measured:
    """Pairs with their distances (N,) and whether each is of one person (N,)."""

    pairs: list[Pair]
    distances: Vector
    same: npt.NDArray[np.bool_]


def choose_threshold(model: FaceModel, inputs: ThresholdInputs, run: Run) -> ThresholdOutputs:
    """Measure every pair, draw the curve, take the largest threshold within the wished rate.

    Raises:
        InvalidInput: no usable pairs of one person, or none of different people.
    """
    pairs, skipped = read_pairs(inputs.pairs)
    measured, unusable = _measure(model, inputs.pairs, pairs, run)
    skipped += unusable
    _check_both_kinds(measured, skipped)
    roc = Roc.of(measured.distances, measured.same)
    threshold = roc.threshold_at(inputs.false_accept_rate)
    true_accept_rate, false_accept_rate = rates(measured.distances, measured.same, threshold)
    return ThresholdOutputs(
        threshold=threshold,
        true_accept_rate=true_accept_rate,
        false_accept_rate=false_accept_rate,
        equal_error_rate=roc.equal_error_rate,
        same_pairs=int(measured.same.sum()),
        different_pairs=int((~measured.same).sum()),
        roc=Plot(roc_plot(roc, (false_accept_rate, true_accept_rate))),
        distances=_table(measured, threshold),
        skipped=skipped,
        notes=_notes(model, measured, inputs.false_accept_rate),
    )


def _measure(model: FaceModel, archive: Archive, pairs: list[Pair], run: Run) -> tuple[_Measured, list[str]]:
    """Embed each picture once, then take the pairs' distances; in words, the pairs left out."""
    names = sorted({name for pair in pairs for name in (pair.first, pair.second)})
    embeddings: dict[str, Vector] = {}
    faults: dict[str, str] = {}
    for index, name in enumerate(names):
        run.progress(0.95 * index / len(names), f"Picture {index + 1} of {len(names)}")
        try:
            image = Image.load(Blob(name=name, data=archive.read(name)), archive.limits)
        except InvalidInput as fault:
            faults[name] = fault.message
            continue
        embedding = portrait(model, image.rgb).embedding
        if embedding is None:
            faults[name] = "No face was found in it."
        else:
            embeddings[name] = embedding
    usable = [pair for pair in pairs if pair.first in embeddings and pair.second in embeddings]
    unusable = [_fault(pair, faults) for pair in pairs if pair.first in faults or pair.second in faults]
    distances = [float(model.distances(embeddings[p.first], embeddings[p.second][None])[0]) for p in usable]
    return _Measured(usable, np.array(distances), np.array([p.same for p in usable], dtype=bool)), unusable


def _fault(pair: Pair, faults: dict[str, str]) -> str:
    at_fault = pair.first if pair.first in faults else pair.second
    return f"{pair.first[:60]} and {pair.second[:60]}: {at_fault[:60]}: {faults[at_fault]}"


def _check_both_kinds(measured: _Measured, skipped: list[str]) -> None:
    same = int(measured.same.sum())
    different = len(measured.pairs) - same
    if same == 0 or different == 0:
        raise InvalidInput(
            f"No usable pairs of {'one person' if same == 0 else 'different people'}.",
            field="pairs",
            expected=PAIRS_FORMAT,
            got=f"{same} usable pairs of one person, {different} of different people, {len(skipped)} skipped",
            hint=f"The first one skipped: {skipped[0]}" if skipped else "Add pairs of both kinds.",
        )


def _table(measured: _Measured, threshold: float) -> Table:
    import pandas

    frame = pandas.DataFrame(
        {
            "first": [pair.first for pair in measured.pairs],
            "second": [pair.second for pair in measured.pairs],
            "same": measured.same,
            "distance": measured.distances.round(4),
            "accepted": measured.distances <= threshold,
        }
    )
    return Table(frame.sort_values("distance", kind="stable").reset_index(drop=True), "distances.csv")


def _notes(model: FaceModel, measured: _Measured, wished: float) -> list[str]:
    """What the number of pairs can support, and how the shipped threshold does on them."""
    different = int((~measured.same).sum())
    provable = 3 / different
    notes = []
    if wished < provable:
        needed = f" For {wished:.2%} about {3 / wished:,.0f} are needed." if wished > 0 else ""
        notes.append(
            f"{different:,} pairs of different people are too few for the wished rate: even if none of them is "
            f"accepted, the true rate may be up to {min(provable, 1.0):.1%} (rule of three, 95 % confidence).{needed}"
        )
    true_rate, false_rate = rates(measured.distances, measured.same, model.threshold)
    notes.append(
        f"The threshold shipped with {model.name} ({model.threshold:g}) accepts {true_rate:.1%} of your pairs of one "
        f"person and {false_rate:.1%} of those of different people."
    )
    notes.append(
        "The threshold was chosen on the same pairs that it is measured on: expect more errors on new pictures."
    )
    return notes
