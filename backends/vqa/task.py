"""Questions about pictures."""

from __future__ import annotations

from pathlib import Path

from backends.vqa import about
from backends.vqa.fields import QuestionInputs, QuestionOutputs
from studio.contract import Adapter, Example, Task

_EXAMPLES = Path(__file__).parent / "examples"

_TOOLS = Adapter(
    name="tools",
    title="Tools: programs over other tasks",
    entry="backends.vqa.tool_answers:ToolAnswers",
    memory_mb=5,
    licence="none needed: no model of its own",
    source="https://arxiv.org/abs/1511.02799",
    kind="embedded",
    concurrency=2,
    quality=about.QUALITY,
    limits="Knows some twenty forms of questions, in English, and only what other tasks here can find: text, receipts, "
    "faces, licence plates, blood cells, ten kinds of things, colours, light.",
)

_SCENES = Adapter(
    name="scenes",
    title="Scenes: a network for drawn scenes",
    entry="backends.vqa.scenes:SceneReplies",
    memory_mb=5,
    licence="AGPL-3.0-or-later",
    source="https://arxiv.org/abs/1908.03557",
    kind="embedded",
    concurrency=2,
    limits="Drawn scenes of eighteen kinds of things, from the scene editor; five forms of questions, in English.",
)

_BLIP = Adapter(
    name="blip_vqa_base",
    title="BLIP base, trained on questions",
    entry="backends.vqa.blip:BlipAnswers",
    weights="blip_vqa_base",
    memory_mb=1_700,
    licence="BSD-3-Clause",
    source="https://arxiv.org/abs/2201.12086",
    kind="hub",
    devices=("cuda", "mps", "cpu"),
    quality="not measured here",
    limits="Answers every question, also where it cannot know; no evidence is shown. Text in pictures, large counts, "
    "figures. English.",
)

visual_question_answering = Task(
    name="visual_question_answering",
    title="Visual question answering",
    section="Images",
    summary="Ask about a picture and see what the answer rests on: the text, the boxes, the colours, the steps.",
    inputs=QuestionInputs,
    outputs=QuestionOutputs,
    examples=(
        Example(
            title="A receipt: total, date and company",
            values={
                "image": _EXAMPLES / "receipt.png",
                "question": "What is the total on this receipt?\nWhat is the date?\nWhich company?",
            },
        ),
        Example(
            title="What does the sign say?",
            values={"image": _EXAMPLES / "sign.png", "question": "What does the sign say?"},
        ),
        Example(
            title="How many people?", values={"image": _EXAMPLES / "two_people.jpg", "question": "How many people?"}
        ),
        Example(
            title="Something that it cannot know",
            values={"image": _EXAMPLES / "two_people.jpg", "question": "What colour is the car on the left?"},
        ),
        Example(
            title="A drawn scene",
            values={
                "image": _EXAMPLES / "scene.png",
                "question": "How many hearts are there?\nWhat colour is the star?\nIs there a heart below the star?",
            },
            adapter="scenes",
        ),
    ),
    adapters=(_TOOLS, _SCENES, _BLIP),
    how_it_works=about.ANSWERING,
    keywords=("VQA", "ask", "receipt", "BLIP", "question", "document", "total", "key information extraction"),
)

TASKS = (visual_question_answering,)
