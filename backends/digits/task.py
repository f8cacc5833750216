"""Handwritten digits: one task, read by a network of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from studio.contract import Adapter, Example, Inputs, Outputs, Task, Ui
from studio.media.image import Image
from studio.results import Scores

_EXAMPLES = Path(__file__).parent / "examples"

#: The label of what is no digit, among the probabilities.
OTHER_LABEL = "no digit"


class DigitInputs(Inputs):
    """A picture of one digit."""

    image: Annotated[
        Image,
        Field(
            title="Digit",
            description="Draw one digit, large, or upload a picture of one: dark on light or light on dark.",
        ),
        Ui(sketch=True),
    ]


class DigitOutputs(Outputs):
    """The digit, how sure that is, and what the network saw and felt."""

    verdict: Annotated[str, Field(title="Verdict", description="The answer in words.")]
    is_digit: Annotated[bool, Field(title="A digit", description="Whether the picture looks like a digit at all.")]
    digit: Annotated[int | None, Field(title="Digit", description="0 to 9; nothing where the picture is none.")]
    digit_score: Annotated[
        float | None,
        Field(
            title="Likeness to a digit",
            description="Logarithm of how much more probable a digit is than anything else; nothing for blank paper.",
        ),
    ]
    threshold: Annotated[
        float,
        Field(
            title="Least likeness",
            description="Below it a picture is refused; 0.2 % of the digits held out of the training lie below it.",
        ),
    ]
    probabilities: Annotated[
        Scores, Field(title="Probabilities", description="Of the ten digits and of everything else; they sum to 1.")
    ]
    seen: Annotated[
        Image,
        Field(
            title="As the network sees it", description="28 x 28 px, enlarged: cropped, scaled and centred as MNIST."
        ),
    ]
    filters: Annotated[
        Image,
        Field(
            title="Learned filters",
            description="The first layer's 16 filters of 5 x 5 px: light raises the answer, dark lowers it.",
        ),
    ]
    first_maps: Annotated[
        Image,
        Field(title="First layer", description="What each of the 16 filters answers to this very picture, 28 x 28 px."),
    ]
    second_maps: Annotated[
        Image, Field(title="Second layer", description="The 48 answers of the next layer, 7 x 7 px each.")
    ]
    notes: Annotated[list[str], Field(title="Notes", description="What was done to the picture, or is odd about it.")]


_OWN = Adapter(
    name="digits",
    title="Digit reader",
    entry="backends.digits.reader:DigitReader",
    weights="digits",
    memory_mb=20,
    licence="AGPL-3.0-or-later",
    source="https://doi.org/10.1109/5.726791",
    kind="embedded",
    quality="MNIST test, 10,000 digits: accuracy 0.9958, 0.3 % wrongly refused; of letters in type, scribbles, pairs "
    "of digits and photographs 99.4 % or more refused (python -m bench.quality digits)",
    limits="A 1 with a long upstroke or a crossed 7, letters shaped like digits, printed type. One digit at a time.",
)

digit_recognition = Task(
    name="digit_recognition",
    title="Digit recognition",
    section="Images",
    summary="Draw a digit: a small network reads it, shows what it sees, and says when it is none.",
    inputs=DigitInputs,
    outputs=DigitOutputs,
    examples=(
        Example(title="A five, drawn with a pen", values={"image": _EXAMPLES / "five.png"}),
        Example(title="An eight in chalk, off centre", values={"image": _EXAMPLES / "eight_in_chalk.png"}),
        Example(title="Two digits: not one", values={"image": _EXAMPLES / "two_digits.png"}),
        Example(title="A scribble: no digit", values={"image": _EXAMPLES / "scribble.png"}),
    ),
    adapters=(_OWN,),
    how_it_works="""
1. **Find the ink.** The paper is what most of the picture's edge looks like; ink is what differs from it, darker or
   lighter. Faint grain is dropped.
2. **Make it look like MNIST.** The ink is fitted into 20 x 20 px, its proportions kept, and laid into 28 x 28 px with
   its centre of mass in the middle, as the training pictures were ([LeCun et al.
   1998](https://doi.org/10.1109/5.726791)). Fine pens are thickened first. A network that was shown centred digits
   alone reads others badly: most readers on the web fail here.
3. **Read.** Four convolutions and one linear layer, 0.17 million numbers, after LeNet-5 of the same paper. The
   first layer looks for edges of 16 kinds; the next ones combine them into corners, loops and ends of strokes.
4. **Refuse.** An eleventh class was trained on letters, scribbles, shapes, clouds and pairs of digits ([outlier
   exposure, Hendrycks et al. 2019](https://arxiv.org/abs/1812.04606)). Where a digit is not clearly more probable
   than that, the answer is "this doesn't look like a digit". The bound was set on digits held out of the training so
   that it turns away 0.2 % of them.

**What it is bad at.** Its teachers were American census clerks and pupils of the 1990s: a 1 with a long upstroke, a
crossed 7 or a 9 with a curled foot are read less surely. Handwritten letters of a digit's shape (O, l, S, Z, b, q) may
pass for one, as they do for people: refusal was measured on type only, where S and Z pass most often. Digits in type
were not learned.
""",
    keywords=("MNIST", "handwriting", "draw", "LeNet", "convolution", "feature maps", "out of distribution"),
)

TASKS = (digit_recognition,)
