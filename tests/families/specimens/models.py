"""The backends of the specimen tasks: real code paths without a model."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from studio.contract import Outputs, Run
from studio.errors import InvalidInput
from studio.results import Box, BoxedImage, Plot, Scores
from studio.weights import Weights
from tests.families.specimens.task import (
    EchoInputs,
    EchoOutputs,
    FailureInputs,
    LiveInputs,
    LiveOutputs,
    StreamInputs,
    StreamOutputs,
    TogetherInputs,
    TogetherOutputs,
)


class Echo:
    def __init__(self, weights: Weights, device: str) -> None:
        self.device = device

    def __call__(self, inputs: EchoInputs, run: Run) -> EchoOutputs:
        run.progress(0.5, "Copying")
        run.note("This is a specimen.")
        width, height = inputs.image.resolution_wh
        box = Box(xyxy=(1, 1, width / 2, height / 2), label="half", score=0.75, points=[(width / 4, height / 4)])
        return EchoOutputs(
            image=inputs.image,
            boxed=BoxedImage(image=inputs.image, boxes=[box]),
            scores=Scores({"yes": 0.75, "no": 0.25}),
            text=inputs.text.upper() if inputs.loud else inputs.text,
            markdown=f"**{inputs.text}**",
            audio=inputs.audio,
            video=inputs.video,
            table=inputs.table,
            file=inputs.file,
            files=inputs.files,
            images=inputs.images,
            plot=Plot(
                {
                    "mark": "bar",
                    "data": {"values": [{"x": word, "y": len(word)} for word in inputs.words]},
                    "encoding": {
                        "x": {"field": "x", "type": "nominal"},
                        "y": {"field": "y", "type": "quantitative"},
                    },
                }
            ),
            count=inputs.count,
            length_s=inputs.length_s,
            loud=inputs.loud,
            mode=inputs.mode,
            words=inputs.words,
            details={"grade": inputs.grade.value, "window": inputs.window.model_dump(), "limits": inputs.limits},
            portrait=inputs.portrait,
        )


class EchoTwin(Echo):
    """The same under another entry, for comparisons."""


class Stream:
    def __init__(self, weights: Weights, device: str) -> None:
        self.device = device

    def __call__(self, inputs: StreamInputs, run: Run) -> Iterator[StreamOutputs]:
        for step in range(1, inputs.steps + 1):
            run.progress(step / inputs.steps, f"Step {step} of {inputs.steps}")
            time.sleep(inputs.pause_s)
            yield StreamOutputs(text=" ".join(str(number) for number in range(1, step + 1)), step=step)


class Together:
    def __init__(self, weights: Weights, device: str) -> None:
        self.device = device

    def __call__(self, inputs: TogetherInputs, run: Run) -> TogetherOutputs:
        run.note("alone")
        return self._squares([inputs])[0]

    def many(self, inputs: Sequence[TogetherInputs], runs: Sequence[Run]) -> list[TogetherOutputs]:
        outputs = self._squares(inputs)
        for place, run in enumerate(runs, 1):
            run.note(f"{place} of {len(runs)} together")
        return outputs

    def _squares(self, inputs: Sequence[TogetherInputs]) -> list[TogetherOutputs]:
        time.sleep(0.05)
        for each in inputs:
            if not each.number:
                raise InvalidInput("Zero cannot be squared here.", field="number", got="0")
        return [TogetherOutputs(square=each.number**2) for each in inputs]


class Failing:
    def __init__(self, weights: Weights, device: str) -> None:
        self.device = device

    def __call__(self, inputs: FailureInputs, run: Run) -> Outputs | Iterator[Any]:
        if inputs.way == "crash":
            raise RuntimeError("secret detail of /some/internal/path")
        if inputs.way == "memory":
            raise MemoryError
        if inputs.way == "own":
            raise InvalidInput("The model cannot use this.", field="way", expected="another way", got=inputs.way)
        if inputs.way == "wrong_type":
            return LiveInputs.model_construct()  # type: ignore[return-value]
        if inputs.way == "nothing":
            return iter(())
        return StreamOutputs(text="fine", step=0)


class Unloadable:
    def __init__(self, weights: Weights, device: str) -> None:
        raise RuntimeError("cannot be loaded")


class Brightest:
    def __init__(self, weights: Weights, device: str) -> None:
        self.device = device

    def __call__(self, inputs: LiveInputs, run: Run) -> LiveOutputs:
        grey = inputs.frame.rgb.mean(axis=2)  # (H, W)
        y, x = np.unravel_index(int(grey.argmax()), grey.shape)
        box = Box(xyxy=(float(x) - 2, float(y) - 2, float(x) + 2, float(y) + 2), label="brightest")
        return LiveOutputs(boxes=BoxedImage(image=inputs.frame, boxes=[box]), brightness=float(grey.mean()))
