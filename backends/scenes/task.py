"""Drawn scenes: composed by a visitor, described and asked about by small networks of our own."""

from __future__ import annotations

from pathlib import Path

from backends.scenes import about
from backends.scenes.fields import (
    CompositionInputs,
    CompositionOutputs,
    DescriptionInputs,
    DescriptionOutputs,
    SceneAnswerOutputs,
    SceneQuestionInputs,
)
from studio.contract import Adapter, Example, Task

_EXAMPLES = Path(__file__).parent / "examples"
_SECTION = "Images"

_TRANSFORMER = Adapter(
    name="scenes",
    title="Scenes: convolutions and a transformer",
    entry="backends.scenes.captions:SceneCaptions",
    weights="scenes",
    memory_mb=20,
    licence="AGPL-3.0-or-later",
    source="https://arxiv.org/abs/1706.03762",
    kind="embedded",
    devices=("cuda", "mps", "cpu"),
    limits="Drawn scenes of eighteen kinds of things, and nothing else. English.",
)

_LSTM = _TRANSFORMER.model_copy(
    update={
        "name": "scenes_lstm",
        "title": "Scenes: convolutions and LSTM layers",
        "weights": "scenes_lstm",
        "source": "https://arxiv.org/abs/1502.03044",
    }
)

_ANSWERER = Adapter(
    name="scene_questions",
    title="Scenes: a transformer over words and things",
    entry="backends.scenes.answers:SceneAnswers",
    weights="scene_questions",
    memory_mb=20,
    licence="AGPL-3.0-or-later",
    source="https://arxiv.org/abs/1908.03557",
    kind="embedded",
    devices=("cuda", "mps", "cpu"),
    limits="Drawn scenes of eighteen kinds of things, questions of five forms. English.",
)

scene_editor = Task(
    name="scene_editor",
    title="Scene editor",
    section=_SECTION,
    summary="Write down a scene, see it drawn, and watch a network put the drawing into words.",
    inputs=CompositionInputs,
    outputs=CompositionOutputs,
    examples=(
        Example(
            title="A star and three circles",
            values={"things": "a large striped red star, top left\nthree small blue circles"},
        ),
        Example(
            title="Figures, seen askew in noise",
            values={
                "things": "a large white 7\ntwo small orange dotted hearts",
                "ground": "waved",
                "askew": 0.8,
                "noise": 0.8,
            },
        ),
        Example(
            title="A combination that it never saw",
            values={"things": "a large blue circle\ntwo small red hearts"},
        ),
    ),
    adapters=(_TRANSFORMER, _LSTM),
    rerun_on_change=True,
    how_it_works=about.EDITOR,
    keywords=("caption", "compose", "shapes", "CLEVR", "generator", "attention", "compositional"),
)

scene_description = Task(
    name="scene_description",
    title="Description of a drawn scene",
    section=_SECTION,
    summary="The words of a small network for a drawn scene, and how strange the picture is to it.",
    inputs=DescriptionInputs,
    outputs=DescriptionOutputs,
    examples=(Example(title="Hearts and a figure", values={"image": _EXAMPLES / "hearts.png"}),),
    adapters=(_TRANSFORMER, _LSTM),
    how_it_works=about.DESCRIPTION,
    keywords=("caption", "shapes"),
    part_of="scene_editor",
)

scene_question = Task(
    name="scene_question",
    title="Question about a drawn scene",
    section=_SECTION,
    summary="Count, find, compare and name things in a drawn scene.",
    inputs=SceneQuestionInputs,
    outputs=SceneAnswerOutputs,
    examples=(
        Example(
            title="How many?",
            values={"image": _EXAMPLES / "hearts.png", "question": "How many hearts are there?"},
        ),
    ),
    adapters=(_ANSWERER,),
    how_it_works=about.ANSWERING,
    keywords=("VQA", "VisualBERT", "count", "shapes", "CLEVR"),
    part_of="scene_editor",
)

TASKS = (scene_editor, scene_description, scene_question)
