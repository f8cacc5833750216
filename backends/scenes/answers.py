"""The answering network's backend."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from safetensors.torch import load_file
from torch import Tensor

from backends.scenes.captions import middle, tensor
from backends.scenes.domain import Domain, network_tensors
from backends.scenes.fields import SceneAnswerOutputs, SceneQuestionInputs
from backends.scenes.net import MOST, THERE, Answerer, Things
from backends.scenes.questions import ANSWERS, LONGEST, WORDS, words_of
from studio.contract import Run
from studio.errors import InvalidInput
from studio.media.image import Image
from studio.results import Box, BoxedImage
from studio.weights import Weights

_SPEAKS = 0.4  # share of the most that the answer must rest on a thing for it to be boxed
_COUNTS = 0.05  # of the answer's probability: where nothing takes more from it, it rests on nothing
_SPELLED = {"color": "colour", "big": "large"}


class SceneAnswers:
    """Answerer with the weights that `python -m recipes scene_questions` made.

    Args:
        weights: file `model`.
    """

    def __init__(self, weights: Weights, device: str) -> None:
        tensors = load_file(weights.path())
        self._net = Answerer(len(WORDS), len(ANSWERS), LONGEST)
        self._net.load_state_dict(network_tensors(tensors))
        self._net.eval().requires_grad_(False).to(device)
        self._domain = Domain.of(tensors)
        self._device = device

    def __call__(self, inputs: SceneQuestionInputs, run: Run) -> SceneAnswerOutputs:
        """The likeliest answer; none where a word was never learned.

        Raises:
            InvalidInput: the question has too many words.
        """
        rgb = tensor(middle(inputs.image.rgb)).to(self._device)
        maps = self._net.encoder.maps(rgb)
        strangeness = round(float(self._domain.strangeness(maps)[0]), 4)
        words = [_SPELLED.get(word, word) for word in words_of(inputs.question)]
        if len(words) > LONGEST:
            expected, got = f"at most {LONGEST} words", f"{len(words)} words"
            raise InvalidInput("The question is too long.", field="question", expected=expected, got=got)
        unknown = [word for word in words if word not in WORDS]
        if unknown or not words:
            picture = BoxedImage(image=inputs.image)
            return SceneAnswerOutputs(
                answer="", confidence=None, unknown=unknown, picture=picture, strangeness=strangeness
            )
        question = torch.tensor([[WORDS.index(word) for word in words]], device=self._device)
        found = answered(self._net, maps, question)
        return SceneAnswerOutputs(
            answer=ANSWERS[found.best],
            confidence=round(found.confidence, 4),
            unknown=[],
            picture=BoxedImage(image=inputs.image, boxes=_boxes(found, inputs.image)),
            strangeness=strangeness,
        )


@dataclass(frozen=True)
class Answered:
    """What the network made of a question.

    Attributes:
        best: number of the likeliest answer.
        confidence: its probability.
        things: what was found in the picture.
        shares: how much the answer rests on each thing, (10), at most 1; all nearly 0 where it rests on none.
    """

    best: int
    confidence: float
    things: Things
    shares: Tensor


@torch.no_grad()
def answered(net: Answerer, maps: Tensor, question: Tensor) -> Answered:
    """Answer a question (1, T) about a picture, from its maps (1, 128, 12, 12).

    What a thing says for the answer is told by leaving it out: how much less likely the answer is without it (as with
    covered parts of a picture in Zeiler and Fergus 2014, https://arxiv.org/abs/1311.2901).
    """
    things = net.encoder.things(maps)
    rows = things.tokens.repeat(1 + MOST, 1, 1)  # the whole picture, then without each thing
    rows[1:] *= 1 - torch.eye(MOST, device=rows.device)[:, :, None]
    likely = net(rows, question.expand(len(rows), -1)).float().softmax(1)
    best = int(likely[0].argmax())
    lost = (likely[0, best] - likely[1:, best]).relu() * (things.sure[0] > THERE)
    return Answered(best, float(likely[0, best]), things, lost / lost.max().clamp_min(_COUNTS))


def _boxes(answer: Answered, image: Image) -> list[Box]:
    """The things that the answer rests on, in pixels of the picture, of whose middle square they are."""
    width, height = image.resolution_wh
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    speaking = answer.shares > _SPEAKS
    boxes = []
    for across, down, half in answer.things.places[0][speaking].tolist():
        edges = (max(0.0, min(1.0, edge)) * side for edge in (across - half, down - half, across + half, down + half))
        x1, y1, x2, y2 = edges
        boxes.append(Box(xyxy=tuple(round(edge, 1) for edge in (left + x1, top + y1, left + x2, top + y2)), label=""))
    return boxes
