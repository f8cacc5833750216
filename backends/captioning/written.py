"""What networks that write captions share: words with what was looked at for them, and the outputs made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import StoppingCriteria, StoppingCriteriaList

from backends.captioning.facts import Fact
from backends.captioning.fields import CaptionInputs, CaptionOutputs
from studio.contract import Run
from studio.media.attention import spotlights
from studio.media.image import Image
from studio.media.table import Table
from studio.results import BoxedImage

Plane = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Piece:
    """A piece of a word, as networks write them.

    Attributes:
        begins: whether a word begins with it.
        places: how much the network looked at each place of the picture for it, (h, w).
        probability: that the network gave it, 0..1.
    """

    text: str
    begins: bool
    places: Plane
    probability: float


class Watching(StoppingCriteria):
    """Lets a run be cancelled between two words, and shows how far it is."""

    def __init__(self, run: Run, most: int) -> None:
        self._run, self._most, self._done = run, most, 0

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        """Never stops by itself."""
        self._done += 1
        self._run.progress(min(0.9, self._done / self._most), "Writing")
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)


def generated(model: Any, inputs: CaptionInputs, run: Run, **given: Any) -> torch.Tensor:
    """The tokens (1, T) that a network of `transformers` writes in the way that the inputs ask for.

    Args:
        given: what `generate` is told besides: the picture, and what is the model's own.
    """
    with torch.inference_mode(), torch.random.fork_rng():
        torch.manual_seed(inputs.seed)
        tokens: torch.Tensor = model.generate(
            num_beams=1 if inputs.sampling else inputs.beams,
            max_new_tokens=inputs.most_words,
            do_sample=inputs.sampling,
            temperature=inputs.temperature if inputs.sampling else None,
            stopping_criteria=StoppingCriteriaList([Watching(run, inputs.most_words)]),
            **given,
        )
    return tokens


def words_of(pieces: list[Piece]) -> list[tuple[str, Plane]]:
    """Whole words with the mean of what was looked at for their pieces."""
    words: list[tuple[str, list[Plane]]] = []
    for piece in pieces:
        if piece.begins or not words:
            words.append((piece.text, [piece.places]))
        else:
            words[-1] = words[-1][0] + piece.text, [*words[-1][1], piece.places]
    return [(word, np.mean(parts, axis=0)) for word, parts in words]


def outputs(image: Image, caption: str, pieces: list[Piece], task: str) -> CaptionOutputs:
    """A caption with its words' attention.

    Args:
        task: and model that wrote it.
    """
    import pandas

    score = round(float(np.mean([piece.probability for piece in pieces])), 4) if pieces else None
    evidence = "written by a network; the score is the mean probability of its words"
    columns = ["number", "sentence", "evidence", "measured by", "score"]
    return CaptionOutputs(
        caption=caption,
        score=score,
        picture=BoxedImage(image=image),
        sentences=Table(pandas.DataFrame([(1, caption, evidence, task, score)], columns=columns), "sentences.csv"),
        attention=spotlights(image.pil(), words_of(pieces)),
        text="",
        facts=[Fact(kind="caption", sentence=caption, evidence=evidence, task="image_captioning", score=score)],
        notes=["A network wrote this from what it has seen elsewhere: it may name what is not there."],
    )
