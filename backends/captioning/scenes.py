"""Captions of drawn scenes, by the networks of the task `scene_description`."""

from __future__ import annotations

from typing import Any

import pandas as pd

from backends.captioning.facts import Fact
from backends.captioning.fields import CaptionInputs, CaptionOutputs
from backends.captioning.offer import blip_offer
from studio.contract import Run
from studio.media.table import Table
from studio.results import BoxedImage
from studio.weights import Weights

_MOST_WORDS = 42


class SceneWords:
    """Asks `scene_description`. Has no weights of its own.

    Args:
        weights, device: not used: the task that is asked has its own.
    """

    def __init__(self, weights: Weights, device: str) -> None:
        pass

    def __call__(self, inputs: CaptionInputs, run: Run) -> CaptionOutputs:
        """Write a caption; the same seed draws the same words."""
        run.progress(0.1, "Looking at the picture")
        asked = {
            "image": inputs.image,
            "beams": inputs.beams,
            "most_words": min(inputs.most_words, _MOST_WORDS),
            "sampling": inputs.sampling,
            "temperature": inputs.temperature,
            "seed": inputs.seed,
        }
        told: Any = run.call("scene_description", asked, adapter="scenes")
        evidence = "written by a network that knows drawn scenes; the score is the mean probability of its words"
        fact = Fact(
            kind="caption", sentence=told.caption, evidence=evidence, task="scene_description", score=told.score
        )
        columns = ["number", "sentence", "evidence", "measured by", "score"]
        row = (1, fact.sentence, fact.evidence, fact.task, fact.score)
        return CaptionOutputs(
            caption=told.caption,
            score=told.score,
            picture=BoxedImage(image=inputs.image),
            sentences=Table(lambda: pd.DataFrame([row], columns=columns), "sentences.csv"),
            attention=told.attention,
            text="",
            facts=[fact],
            notes=_notes(told.strangeness),
        )


def _notes(strangeness: float) -> list[str]:
    if strangeness <= 1:
        return []
    return [
        "This picture is unlike the drawn scenes that the network knows: what it says here means nothing. "
        f"Observations say what was measured in any picture. {blip_offer()}"
    ]
