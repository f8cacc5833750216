"""The measuring tasks' backend: colours and light by arithmetic, and sentences that say only what was measured."""

from __future__ import annotations

import numpy as np

from backends.captioning.asking import faces, found, text, thing
from backends.captioning.colours import Colour, colours, main_colours
from backends.captioning.facts import Fact, listed
from backends.captioning.fields import CaptionInputs, CaptionOutputs, MeasuresInputs, MeasuresOutputs
from backends.captioning.light import light
from backends.captioning.looks import colour, form, lighting
from backends.captioning.offer import blip_offer
from studio.contract import Inputs, Outputs, Run
from studio.media.image import Image
from studio.media.table import Table
from studio.results import Box, BoxedImage
from studio.weights import Weights

#: Kinds of facts that say what is in the picture, not how it looks.
_CONTENT = ("faces", "text", "thing", "found")
#: Kinds whose boxes are drawn in the accent colour.
_ACCENT = ("faces", "found")


class Measures:
    """No model of its own: measures, and asks other tasks.

    Args:
        weights, device: not used.
    """

    def __init__(self, weights: Weights, device: str) -> None:
        pass

    def __call__(self, inputs: Inputs, run: Run) -> Outputs:
        """Do what the type of the inputs asks for. Raises TypeError for inputs of another family."""
        match inputs:
            case CaptionInputs():
                return observe(inputs.image, run)
            case MeasuresInputs():
                return measure(inputs.image)
        raise TypeError(f"no captioning task has inputs of type {type(inputs).__name__}")


def observe(image: Image, run: Run) -> CaptionOutputs:
    """Sentences about a picture, each with its evidence."""
    run.progress(0.05, "Colours and light")
    measured = light(image.rgb)
    facts = [form(image.resolution_wh), colour(colours(image.rgb))]
    run.progress(0.1, "Looking for faces")
    facts += faces(image, run)
    run.progress(0.3, "Reading text")
    read, all_text = text(image, run)
    facts += read
    run.progress(0.8, "Asking the classifier and the detectors")
    facts += thing(image, run) + found(image, run)
    facts += lighting(measured, image.resolution_wh)
    notes = []
    if not any(fact.kind in _CONTENT for fact in facts):
        facts.insert(
            2,
            Fact(
                kind="nothing",
                sentence="What it shows was not recognised.",
                evidence="no face, no text, and nothing of which the classifier or a detector is sure",
                task="all that were asked",
            ),
        )
        notes.append(blip_offer())
    return CaptionOutputs(
        caption=" ".join(fact.sentence for fact in facts),
        score=None,
        picture=BoxedImage(image=image, boxes=_boxes(facts)),
        sentences=_table(facts),
        attention=[],
        text=all_text,
        facts=facts,
        notes=notes,
    )


def measure(image: Image) -> MeasuresOutputs:
    """Colours, light and sharpness of a picture."""
    named, lit = colours(image.rgb), light(image.rgb)
    main = [each.name for each in main_colours(named)]
    return MeasuresOutputs(
        summary=f"Mostly {listed(main)}." if named[0].share >= 0.5 else f"{listed(main).capitalize()}.",
        names=main,
        lightness=round(lit.lightness, 1),
        contrast=round(lit.contrast, 1),
        sharpness=None if lit.sharpness is None else round(lit.sharpness, 4),
        palette=_palette(named),
        colours=_colour_table(named),
    )


def _boxes(facts: list[Fact]) -> list[Box]:
    return [
        Box(xyxy=box, label=str(number), accent=fact.kind in _ACCENT)
        for number, fact in enumerate(facts, 1)
        for box in fact.boxes
    ]


def _table(facts: list[Fact]) -> Table:
    import pandas

    rows = [
        (number, fact.sentence, fact.evidence, fact.task, None if fact.score is None else round(fact.score, 3))
        for number, fact in enumerate(facts, 1)
    ]
    return Table(
        pandas.DataFrame(rows, columns=["number", "sentence", "evidence", "measured by", "score"]), "sentences.csv"
    )


def _palette(found_colours: list[Colour], width_px: int = 480, height_px: int = 96) -> Image:
    """Stripes as broad as the colours' shares."""
    strip = np.empty((height_px, width_px, 3), np.uint8)
    total, start = sum(each.share for each in found_colours), 0.0
    for each in found_colours:
        end = start + each.share / total * width_px
        strip[:, round(start) : round(end)] = each.rgb
        start = end
    return Image(strip, "palette.png", lossless=True)


def _colour_table(found_colours: list[Colour]) -> Table:
    import pandas

    rows = [(each.name, each.hex, round(each.share, 3)) for each in found_colours]
    return Table(pandas.DataFrame(rows, columns=["colour", "mean", "share"]), "colours.csv")
