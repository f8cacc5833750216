"""What is in a picture, in sentences; and its colours and light, in figures."""

from __future__ import annotations

from pathlib import Path

from backends.captioning import about
from backends.captioning.fields import CaptionInputs, CaptionOutputs, MeasuresInputs, MeasuresOutputs
from studio.contract import Adapter, Example, Task

_EXAMPLES = Path(__file__).parent / "examples"
_SECTION = "Images"

_OBSERVATIONS = Adapter(
    name="observations",
    title="Observations: only what was measured",
    entry="backends.captioning.measures:Measures",
    memory_mb=5,
    licence="none needed: no model of its own",
    source="https://arxiv.org/abs/2404.00498",
    kind="embedded",
    concurrency=2,
    limits="Says what was measured and nothing else: faces, text, ten kinds of things, blood cells, licence plates, "
    "colours, light. No scenes, actions or relations. English.",
)

BLIP = Adapter(
    name="blip_base",
    title="BLIP base",
    entry="backends.captioning.blip:BlipCaptions",
    weights="blip_base",
    memory_mb=1_200,
    licence="BSD-3-Clause",
    source="https://arxiv.org/abs/2201.12086",
    kind="hub",
    devices=("cuda", "mps", "cpu"),
    quality="not measured here",
    limits="Names, text in pictures, counts, places; it may name what is not there. English.",
)

_FLORENCE = Adapter(
    name="florence_2_base",
    title="Florence-2 base: a sentence to a paragraph",
    entry="backends.captioning.florence:FlorenceCaptions",
    weights="florence_2_base",
    memory_mb=1_100,
    licence="MIT",
    source="https://arxiv.org/abs/2311.06242",
    kind="hub",
    devices=("cuda", "mps", "cpu"),
    quality="not measured here",
    limits="Names, counts; a paragraph may go on beyond what is there. English.",
)

_BLIP_2 = Adapter(
    name="blip2_opt",
    title="BLIP-2 with OPT-2.7B",
    entry="backends.captioning.blip2:Blip2Captions",
    weights="blip2_opt",
    memory_mb=8_000,
    licence="MIT; its language model: Meta's OPT licence, for research",
    commercial=False,
    source="https://arxiv.org/abs/2301.12597",
    kind="hub",
    devices=("cuda", "mps", "cpu"),
    gpu_memory_mb=10_000,
    quality="not measured here",
    limits="Names, counts, places; it may name what is not there. English.",
)

_SCENES = Adapter(
    name="scenes",
    title="Scenes: a network for drawn scenes",
    entry="backends.captioning.scenes:SceneWords",
    memory_mb=5,
    licence="AGPL-3.0-or-later",
    source="https://arxiv.org/abs/1502.03044",
    kind="embedded",
    concurrency=2,
    limits="Drawn scenes of eighteen kinds of things, from the scene editor; of anything else it says that it is "
    "strange. English.",
)

_MEASURES = Adapter(
    name="measures",
    title="Arithmetic",
    entry="backends.captioning.measures:Measures",
    memory_mb=5,
    licence="none needed: no model",
    source="https://doi.org/10.1109/ICPR.2000.903548",
    kind="embedded",
    concurrency=2,
    limits="Colours under coloured light are named as they are in the picture, not as they are in the world.",
)

image_captioning = Task(
    name="image_captioning",
    title="Image captioning",
    section=_SECTION,
    summary="What is in a picture, in sentences, each with the evidence that it rests on.",
    inputs=CaptionInputs,
    outputs=CaptionOutputs,
    examples=(
        Example(title="A sign", values={"image": _EXAMPLES / "sign.png"}),
        Example(title="A cat", values={"image": _EXAMPLES / "cat.jpg"}),
        Example(title="A portrait", values={"image": _EXAMPLES / "astronaut.jpg"}),
        Example(title="A drawn scene", values={"image": _EXAMPLES / "scene.png", "beams": 3}, adapter="scenes"),
        Example(title="A rocket: hardly anything is known of it", values={"image": _EXAMPLES / "rocket.jpg"}),
    ),
    adapters=(_OBSERVATIONS, _SCENES, BLIP, _FLORENCE, _BLIP_2),
    how_it_works=about.CAPTION,
    keywords=("BLIP", "BLIP-2", "Florence-2", "caption", "describe", "alt text", "scene", "what is in the picture"),
)

image_measures = Task(
    name="image_measures",
    title="Colours and light",
    section=_SECTION,
    summary="The colours of a picture by name and share, how bright, how rich in contrast and how sharp it is.",
    inputs=MeasuresInputs,
    outputs=MeasuresOutputs,
    examples=(
        Example(title="A cup of coffee", values={"image": _EXAMPLES / "coffee.jpg"}),
        Example(title="A rocket at dusk", values={"image": _EXAMPLES / "rocket.jpg"}),
    ),
    adapters=(_MEASURES,),
    how_it_works=about.MEASURES,
    keywords=("colour", "color", "palette", "brightness", "contrast", "sharpness", "blur", "exposure", "dominant"),
)

TASKS = (image_captioning, image_measures)
