"""Answers about drawn scenes, by the network of the task `scene_question`."""

from __future__ import annotations

from typing import Any

from backends.vqa.answer import Answer, refused
from backends.vqa.fields import QuestionInputs, QuestionOutputs
from backends.vqa.questions import questions_in
from backends.vqa.telling import outputs
from studio.contract import Run
from studio.media.image import Image
from studio.weights import Weights

_MOST_LETTERS, _MOST_WORDS = 200, 22
_SURE = 0.6  # a less likely answer is told as a refusal
_BECAUSE = "a network that knows drawn scenes; the confidence is its probability of the answer"
_FORMS = (
    "How many red things are there? Is there a small star? Are there more rings than hearts? What colour is the large "
    "diamond? Is there a heart left of the 7?"
)


class SceneReplies:
    """Asks `scene_question`. Has no weights of its own.

    Args:
        weights, device: not used: the task that is asked has its own.
    """

    def __init__(self, weights: Weights, device: str) -> None:
        pass

    def __call__(self, inputs: QuestionInputs, run: Run) -> QuestionOutputs:
        """Answer each question on its own, or refuse it where a word was never learned or the picture is strange."""
        questions = questions_in(inputs.question)
        answers, steps = [], []
        for number, question in enumerate(questions, 1):
            run.progress((number - 1) / len(questions), question[:80])
            answers.append(_answered(inputs.image, question, run))
            steps.append((number, "ask the network for drawn scenes", answers[-1].text))
        return outputs(inputs.image, questions, answers, steps)


def _answered(image: Image, question: str, run: Run) -> Answer:
    if len(question) > _MOST_LETTERS or len(question.split()) > _MOST_WORDS:
        most = f"at most {_MOST_WORDS} words, {_MOST_LETTERS} letters"
        return refused("The question is too long for this network.", most)
    told: Any = run.call("scene_question", {"image": image, "question": question})
    if told.strangeness > 1:
        return refused(
            "This picture is unlike the drawn scenes that this network knows.",
            f"{told.strangeness:.1f} times as far from them as 99 % of them are; choose Tools for photographs and text",
        )
    if told.unknown:
        return refused("This network never learned these words.", f"{', '.join(told.unknown[:6])}. It knows: {_FORMS}")
    if told.confidence < _SURE:
        least = f"it would say {told.answer}, with probability {told.confidence:.2f}"
        return refused("The network is not sure of the answer.", least)
    boxes = [box.xyxy for box in told.picture.boxes]
    return Answer(told.answer, confidence=told.confidence, because=_BECAUSE, boxes=boxes)
