"""Photographs painted in the style of another picture: slowly and well, or at once, also live."""

from __future__ import annotations

from pathlib import Path

from backends.style import about
from backends.style.fields import StyleInputs, StyleOutputs
from studio.contract import Adapter, Example, Task

_EXAMPLES = Path(__file__).parent / "examples"

GATYS = Adapter(
    name="gatys",
    title="Optimisation, with our own encoder",
    entry="backends.style.gatys:Gatys",
    weights="style_encoder",
    memory_mb=900,
    licence="AGPL-3.0-or-later",
    source="https://arxiv.org/abs/1508.06576",
    kind="embedded",
    devices=("cuda", "mps", "cpu"),
)

style_transfer = Task(
    name="style_transfer",
    title="Style transfer",
    section="Images",
    summary="A photograph, painted with the strokes and colours of another picture.",
    inputs=StyleInputs,
    outputs=StyleOutputs,
    examples=(Example(title="An astronaut in oil", values={"content": _EXAMPLES / "astronaut.jpg"}),),
    adapters=(GATYS,),
    how_it_works=about.STYLE_TRANSFER,
    keywords=("painting", "Gatys", "neural style", "brush strokes", "art", "photo to painting", "filter"),
)

TASKS = (style_transfer,)
