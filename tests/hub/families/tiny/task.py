"""A task with one embedded adapter and one whose weights are at the local hub."""

from __future__ import annotations

from pydantic import Field

from studio.contract import Adapter, Example, Inputs, Outputs, Task


class TinyInputs(Inputs):
    text: str = Field("hello", title="Text", description="Any text.")


class TinyOutputs(Outputs):
    text: str = Field(title="Text")


_FACTS = {"memory_mb": 1, "source": "tests"}

TASKS = (
    Task(
        name="tiny_task",
        title="Tiny",
        section="Specimens",
        summary="Answers with the length of its weights.",
        inputs=TinyInputs,
        outputs=TinyOutputs,
        examples=(Example(title="One word", values={"text": "one"}),),
        adapters=(
            Adapter(
                name="small",
                title="Small one",
                entry="tests.hub.families.tiny.models:Tiny",
                licence="AGPL-3.0-or-later",
                kind="embedded",
                **_FACTS,
            ),
            Adapter(
                name="large",
                title="Large one",
                entry="tests.hub.families.tiny.models:Tiny",
                weights="net",
                licence="MIT",
                kind="hub",
                commercial=False,
                **_FACTS,
            ),
        ),
    ),
)
