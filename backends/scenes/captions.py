"""The captioners' backend: what is in a drawn scene; and scenes that a visitor composes."""

from __future__ import annotations

from collections import Counter
from statistics import fmean
from typing import Literal, cast

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
import PIL.Image
import torch

from backends.scenes.composing import composed
from backends.scenes.domain import Domain, network_tensors
from backends.scenes.drawing import SIDE_PX, Style, draw
from backends.scenes.fields import CompositionInputs, CompositionOutputs, DescriptionInputs, DescriptionOutputs
from backends.scenes.net import Captioner
from backends.scenes.scene import Scene
from backends.scenes.sentences import caption, described, listing, prose, understood
from backends.scenes.words import NUMBERS, article
from backends.scenes.writing import Manner, Written, write
from studio.contract import Inputs, Outputs, Run
from studio.media.attention import spotlights
from studio.media.image import Image
from studio.media.table import Table
from studio.tensors import read
from studio.weights import Weights

_SHOWN_PX = 480
#: The side of the pictures that show what was looked at.
ATTENTION_PX = 160
_MOST_NOISE, _MOST_ASKEW = 0.05, 0.045  # of what the networks learned from


class SceneCaptions:
    """Captioner with the weights that `python -m recipes scenes` made.

    Args:
        weights: file `model`, which says in its metadata what decoder it has.
    """

    def __init__(self, weights: Weights, device: str) -> None:
        tensors, facts = read(weights.path())
        self._net = Captioner(cast(Literal["lstm", "transformer"], facts["decoder"]))
        self._net.load_state_dict(network_tensors(tensors))
        self._net.eval().requires_grad_(False).to(device)
        self._domain = Domain.of(tensors)
        self._device = device

    def __call__(self, inputs: Inputs, run: Run) -> Outputs:
        """Do what the type of the inputs asks for. Raises TypeError for inputs of another family."""
        match inputs:
            case DescriptionInputs():
                return self._describe(inputs)
            case CompositionInputs():
                return self._compose(inputs)
        raise TypeError(f"no task about scenes has inputs of type {type(inputs).__name__}")

    def _describe(self, inputs: DescriptionInputs) -> DescriptionOutputs:
        manner = Manner(inputs.beams, inputs.most_words, inputs.temperature if inputs.sampling else 0.0, inputs.seed)
        square = middle(inputs.image.rgb)
        rgb = tensor(square).to(self._device)
        maps = self._net.encoder.maps(rgb)
        written = write(self._net, maps, manner)
        shown, looks = PIL.Image.fromarray(square), np.asarray(written.looks.cpu().numpy(), np.float32)
        return DescriptionOutputs(
            caption=prose(" ".join(written.words)),
            score=round(fmean(written.scores), 4) if written.words else None,
            words=_words(written),
            attention=spotlights(shown, list(zip(written.words, looks, strict=True)), ATTENTION_PX),
            strangeness=round(float(self._domain.strangeness(maps)[0]), 4),
        )

    def _compose(self, inputs: CompositionInputs) -> CompositionOutputs:
        rng = np.random.default_rng(inputs.seed)
        scene = composed(inputs.things, rng)
        style = _style(inputs, scene, rng)
        seen = draw(scene, style, np.random.default_rng(inputs.seed))
        rgb = tensor(seen).to(self._device)
        maps = self._net.encoder.maps(rgb)
        written = write(self._net, maps, Manner())
        text = " ".join(written.words)
        truth = Counter({look: len(things) for look, things in scene.groups.items()})
        wrong = [
            f"In the picture, not in the network's words: {NUMBERS[number]} x {described(look)}."
            for look, number in (truth - understood(text).groups).items()
        ]
        wrong += [
            f"In the network's words, not in the picture: {article(described(look))}."
            for look in understood(text).groups - truth
        ]
        strangeness = float(self._domain.strangeness(maps)[0])
        strange = [f"The network finds this picture strange: {strangeness:.1f} times the limit."]
        return CompositionOutputs(
            picture=Image(draw(scene, style, np.random.default_rng(inputs.seed), _SHOWN_PX), "scene.png"),
            caption=prose(text),
            truth=prose(caption(scene) or listing(scene)),
            right=not wrong,
            words=_words(written),
            notes=wrong + (strange if strangeness > 1 else []),
        )


def middle(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The middle square of a picture, as the networks see it: (96, 96, 3)."""
    height, width = rgb.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = rgb[top : top + side, left : left + side]
    how = cv2.INTER_AREA if side > SIDE_PX else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(square, (SIDE_PX, SIDE_PX), interpolation=how), np.uint8)


def tensor(square: npt.NDArray[np.uint8]) -> torch.Tensor:
    """(96, 96, 3) as float32 (1, 3, 96, 96) in 0..1."""
    return torch.from_numpy(np.ascontiguousarray(square.transpose(2, 0, 1))).float().div(255)[None]


def _words(written: Written) -> Table:
    rows = [(word, round(score, 4)) for word, score in zip(written.words, written.scores, strict=True)]
    return Table(lambda: pd.DataFrame(rows, columns=["word", "probability"]), "words.csv")


def _style(inputs: CompositionInputs, scene: Scene, rng: np.random.Generator) -> Style:
    light, dark = (0.7, 0.7, 0.68), (0.52, 0.53, 0.55)
    return Style(
        ground=(light, light if inputs.ground == "plain" else dark),
        waves=5.0 if inputs.ground == "waved" else 0.0,
        wave_deg=35.0,
        askew=(rng.uniform(-1, 1, (4, 2)) * _MOST_ASKEW * inputs.askew).astype(np.float32),
        light=(1.0, 1.0),
        noise=_MOST_NOISE * inputs.noise,
        blur_px=0.0,
        tints=np.zeros((len(scene.things), 3), np.float32),
    )
