"""Photographs painted in the style of another picture: slowly and well, or at once, also live."""

from __future__ import annotations

from pathlib import Path

from backends.style import about
from backends.style.fields import LiveInputs, LiveOutputs, StyleInputs, StyleOutputs
from studio.contract import Adapter, Example, Live, Task

_EXAMPLES = Path(__file__).parent / "examples"

GATYS = Adapter(
    name="gatys",
    title="Painted step by step, with our own encoder",
    entry="backends.style.gatys:Gatys",
    weights="style_encoder",
    memory_mb=900,
    licence="AGPL-3.0-or-later",
    source="https://arxiv.org/abs/1609.03057",
    kind="embedded",
    devices=("cuda", "mps", "cpu"),
    quality="Distance from the style 0.64 of that of a photograph which is only recoloured, seen by another "
    "network, 60 pictures, 4 of them not nearer",
    limits="Large shapes of a style are not followed, only strokes and colours. Small faces, also in styles of two "
    "tones, lose features. A colour that is rare in the style may repeat one stroke. 1,024 px take two minutes on two "
    "cores, and 3.7 GB of memory.",
)

FAST = Adapter(
    name="fast",
    title="At once: strokes taken over piece by piece",
    entry="backends.style.fast:Fast",
    weights="style_encoder",
    memory_mb=300,
    licence="AGPL-3.0-or-later",
    source="https://arxiv.org/abs/1612.04337",
    kind="embedded",
    devices=("cuda", "mps", "cpu"),
    quality="Distance from the style 0.49 of that of a photograph which is only recoloured, seen by another "
    "network, 60 pictures",
    limits="Pieces of the style picture are taken over as they are: a star or a fish of it may turn up. Large shapes "
    "of a style are not followed. Small faces lose their features.",
)

FEED_FORWARD = Adapter(
    name="feed_forward",
    title="At once: a trained network",
    entry="backends.style.feedforward:FeedForward",
    weights="style_painter",
    memory_mb=300,
    licence="AGPL-3.0-or-later",
    source="https://arxiv.org/abs/1703.06868",
    kind="embedded",
    devices=("cuda", "mps", "cpu"),
    quality="Distance from the style 0.64 of that of a photograph which is only recoloured, seen by another "
    "network, 60 pictures, 2 of them not nearer",
    limits="Repeats its strokes, on faces and skies alike; draws no shapes of a style. Styles other than the ten that "
    "come with Atelier come out weaker.",
)

GATYS_RESNET50 = Adapter(
    name="gatys_resnet50",
    title="Optimisation, with ResNet-50",
    entry="backends.style.imagenet:GatysResNet50",
    weights="resnet50",
    memory_mb=1_100,
    licence="BSD-3-Clause",
    source="https://arxiv.org/abs/1512.03385",
    kind="hub",
    devices=("cuda", "mps", "cpu"),
    quality="Not measured here: its weights cannot be fetched where Atelier is made",
    limits="Slower than with our own encoder. It was trained to name things, not to describe strokes.",
)

GATYS_VGG19 = Adapter(
    name="gatys_vgg19",
    title="Optimisation, with VGG19",
    entry="backends.style.imagenet:GatysVgg19",
    weights="vgg19",
    memory_mb=1_400,
    licence="BSD-3-Clause",
    source="https://arxiv.org/abs/1409.1556",
    kind="hub",
    devices=("cuda", "mps", "cpu"),
    quality="Not measured here: its weights cannot be fetched where Atelier is made",
    limits="Much slower than with our own encoder: minutes on a processor. Large shapes of a style are not followed.",
)

DIFFUSION = Adapter(
    name="stable_diffusion",
    title="Stable Diffusion 1.5, shown the style",
    entry="backends.style.diffusion:Diffusion",
    weights="stable_diffusion",
    memory_mb=6_500,
    licence="CreativeML-OpenRAIL-M",
    source="https://arxiv.org/abs/2308.06721",
    kind="hub",
    devices=("cuda", "mps", "cpu"),
    quality="Not measured here: its weights cannot be fetched where Atelier is made",
    limits="Small faces, hands, writing; may paint what is not there. Chooses its brush. Minutes on a processor.",
)

style_transfer = Task(
    name="style_transfer",
    title="Style transfer",
    section="Images",
    summary="A photograph, painted with the strokes and colours of another picture.",
    inputs=StyleInputs,
    outputs=StyleOutputs,
    examples=(
        Example(title="An astronaut in oil", values={"content": _EXAMPLES / "astronaut.jpg", "size": 384}),
        Example(
            title="A cup of coffee as a woodcut",
            values={"content": _EXAMPLES / "coffee.jpg", "painting": "woodcut", "strength": 0.8, "size": 384},
        ),
        Example(
            title="A rocket under a swirling sky, with its own colours",
            values={
                "content": _EXAMPLES / "rocket.jpg",
                "painting": "night sky",
                "keep_colours": True,
                "brush": 1.5,
                "size": 384,
            },
        ),
        Example(
            title="Coffee as its style: a picture of your own",
            values={"content": _EXAMPLES / "astronaut.jpg", "style": _EXAMPLES / "coffee.jpg", "size": 320},
        ),
    ),
    adapters=(GATYS, FAST, FEED_FORWARD, GATYS_VGG19, GATYS_RESNET50, DIFFUSION),
    how_it_works=about.STYLE_TRANSFER,
    keywords=(
        "painting",
        "Gatys",
        "neural style",
        "brush strokes",
        "art",
        "photo to painting",
        "filter",
        "diffusion",
        "IP-Adapter",
    ),
)

live_style = Task(
    name="live_style",
    title="Live style",
    section="Images",
    summary="The webcam, or a video, painted in the style of a picture while you watch.",
    inputs=LiveInputs,
    outputs=LiveOutputs,
    examples=(
        Example(title="A rocket at night", values={"image": _EXAMPLES / "rocket.jpg"}),
        Example(
            title="A cup of coffee, filmed: in mosaic",
            values={"video": _EXAMPLES / "coffee.mp4", "painting": "mosaic"},
        ),
    ),
    adapters=(FAST, FEED_FORWARD),
    how_it_works=about.LIVE_STYLE,
    live=Live(camera="image", show="picture", longest_px=256),
    keywords=("webcam", "camera", "video", "filter", "painting", "real time", "mp4", "style transfer"),
)

TASKS = (style_transfer, live_style)
