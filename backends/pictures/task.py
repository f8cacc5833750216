"""What is on a picture: one task, with a small network of our own for ten kinds of things and two large ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from backends.pictures.embedding_fields import PictureEmbeddingInputs, PictureEmbeddingOutputs
from studio.contract import Adapter, Example, Inputs, Live, Outputs, Task, Ui
from studio.media.image import Image
from studio.results import Scores

_EXAMPLES = Path(__file__).parent / "examples"


class ClassificationInputs(Inputs):
    """A picture, and which class to explain."""

    image: Annotated[
        Image,
        Field(title="Picture", description="A photograph of any size. One thing that fills most of it is read best."),
    ]
    explain: Annotated[
        str,
        Field(
            title="Explain",
            description="The class whose evidence is shown; the most likely one where this is empty.",
            max_length=100,
        ),
        Ui(placeholder="the most likely class"),
    ] = ""
    top_k: Annotated[
        int,
        Field(title="Classes to list", description="How many of the most likely classes.", ge=1, le=10),
        Ui(advanced=True),
    ] = 5


class ClassificationOutputs(Outputs):
    """The most likely classes, and where in the picture the evidence for one of them lies."""

    verdict: Annotated[str, Field(title="Verdict", description="The answer in words.")]
    label: Annotated[str, Field(title="Most likely", description="The class with the highest score.")]
    score: Annotated[float, Field(title="Its score", description="0..1; the scores of all classes sum to 1.")]
    likely: Annotated[
        bool,
        Field(title="Likely", description="Whether the picture looks like something that the model knows at all."),
    ]
    familiarity: Annotated[
        float | None,
        Field(
            title="Familiarity",
            description="Logarithm of the summed evidence for all classes (energy score); nothing where the model has "
            "no bound for it.",
        ),
    ]
    least_familiarity: Annotated[
        float | None,
        Field(
            title="Least familiarity",
            description="Below it the picture is taken for none of the classes: 5 % of the pictures held out of the "
            "training lie below it.",
        ),
    ]
    explained: Annotated[str, Field(title="Explained", description="The class that the overlay is about.")]
    overlay: Annotated[
        Image,
        Field(
            title="Where the evidence lies",
            description="Grad-CAM: yellow places speak most for the explained class, violet ones not at all; what "
            "is grey and faded the model did not see.",
        ),
    ]
    seen: Annotated[
        Image, Field(title="As the network sees it", description="The picture cut and scaled as the model takes it.")
    ]
    scores: Annotated[Scores, Field(title="Scores", description="The most likely classes, best first.")]
    notes: Annotated[list[str], Field(title="Notes", description="What was done to the picture, or is odd about it.")]


_LIKENESS = (
    "CIFAR-10 test, 5,000 pictures: 0.885 of the ten nearest are of the same class (python -m bench.quality search)"
)
_OWN = Adapter(
    name="pictures",
    title="Picture classifier",
    entry="backends.pictures.classifier:PictureClassifier",
    weights="pictures",
    memory_mb=65,
    licence="AGPL-3.0-or-later",
    source="https://arxiv.org/abs/2404.00498",
    kind="embedded",
    quality="CIFAR-10 test, 10,000 pictures: accuracy 0.9216, calibration error 0.019, 5 % wrongly refused",
    limits="Knows ten kinds of things only. Learned from pictures of 32 x 32 px that one thing fills: small or several "
    "things are read badly; cut the picture to the thing.",
)

CONVNEXT = Adapter(
    name="convnext",
    title="ConvNeXt-T (1,000 classes)",
    entry="backends.pictures.imagenet:ConvNext",
    weights="convnext",
    memory_mb=300,
    licence="Apache-2.0",
    source="https://arxiv.org/abs/2201.03545",
    kind="hub",
    devices=("cuda", "mps", "cpu"),
    quality="ImageNet-1k validation 84.2 % as published by timm; not measured here",
    limits="ImageNet's 1,000 classes: many breeds of dogs, no people. The middle square of the picture only.",
)

_VIT = Adapter(
    name="vit",
    title="ViT-B/16 (1,000 classes)",
    entry="backends.pictures.imagenet:Vit",
    weights="vit",
    memory_mb=700,
    licence="Apache-2.0",
    source="https://arxiv.org/abs/2106.10270",
    kind="hub",
    devices=("cuda", "mps", "cpu"),
    quality="ImageNet-1k validation 85.1 % as published by timm; not measured here",
    limits="ImageNet's 1,000 classes: many breeds of dogs, no people. The middle square of the picture only.",
)

#: The smallest model that knows 1,000 classes, and the size of its download.
LARGER, LARGER_MB = CONVNEXT, 114

image_classification = Task(
    name="image_classification",
    title="Image classification",
    section="Images",
    summary="What is on a picture, how sure that is, and which part of it speaks for the answer.",
    inputs=ClassificationInputs,
    outputs=ClassificationOutputs,
    examples=(
        Example(title="A cat", values={"image": _EXAMPLES / "cat.jpg"}),
        Example(title="A horse in outline", values={"image": _EXAMPLES / "horse.png"}),
        Example(title="The same, but where is a dog?", values={"image": _EXAMPLES / "horse.png", "explain": "dog"}),
        Example(title="A rocket: none of the ten", values={"image": _EXAMPLES / "rocket.jpg"}),
    ),
    adapters=(_OWN, CONVNEXT, _VIT),
    how_it_works="""
1. **Cut and scale.** Our own networks know pictures of 32 x 32 px. They get the middle square of yours; of an oblong
   one also the squares at both ends and the whole, squeezed. Each is looked at six times, shifted by a pixel and
   mirrored, and the mean counts. The two large models take the middle square in 224 x 224 px, as their publishers
   prepare it.
2. **Read.** Three networks, each of convolutions in three stages and one linear layer, 2 to 2.5 million numbers: two
   with two convolutions a stage ([Jordan 2024](https://arxiv.org/abs/2404.00498)), one with three and a shortcut over
   the last ([He et al. 2016](https://arxiv.org/abs/1512.03385)). They learned from 48,000 pictures of
   [CIFAR-10](https://www.cs.toronto.edu/~kriz/cifar.html) and differ in what they saw when, and so in their mistakes:
   their mean is right more often than any of them ([Lakshminarayanan et al.
   2017](https://arxiv.org/abs/1612.01474)). ConvNeXt ([Liu et al.
   2022](https://arxiv.org/abs/2201.03545)) is a convolutional network of today, ViT ([Dosovitskiy et al.
   2021](https://arxiv.org/abs/2010.11929)) cuts the picture into patches and reads them like words.
3. **Say how sure.** The scores of our networks are divided by a temperature ([Guo et al.
   2017](https://arxiv.org/abs/1706.04599)), so that of the answers with a score of 0.8 about 80 % are right on pictures
   like CIFAR-10's. What they have never learned is told by the energy score ([Liu et al.
   2020](https://arxiv.org/abs/2010.03759)): where the evidence for all ten kinds together is weaker than for 95 % of
   the pictures they know, the answer is "none of the ten".
4. **Explain.** Grad-CAM ([Selvaraju et al. 2017](https://arxiv.org/abs/1610.02391)) asks which places of the last maps
   raise the score of a class: yellow ones most, violet ones not at all. Our networks' last maps have a place
   every 8 px only, so four displaced windows fill the gaps: 8 x 8 places. ConvNeXt's maps have 7 x 7, ViT's 14 x 14.
   Type another class into "Explain" to see what would speak for that one: its colours are on the scale of the most
   likely class. That scale is stretched to each picture, so compare colours within one picture only.

**What it is bad at.** Our networks take much of what they do not know for one of their ten kinds: of everyday
photographs without any of them, about two in five pass as known. A small dog in a large scene is lost in 32 x 32 px:
cut the picture to the thing, or take a large model.
""",
    live=Live(camera="image", show="overlay"),
    keywords=("CIFAR-10", "ImageNet", "Grad-CAM", "ConvNeXt", "ViT", "recognise", "explain", "photo", "webcam"),
)

image_embedding = Task(
    name="image_embedding",
    title="Image embedding",
    section="Images",
    summary="Pictures as vectors: those that show the same kind of thing lie close together.",
    inputs=PictureEmbeddingInputs,
    outputs=PictureEmbeddingOutputs,
    examples=(
        Example(
            title="A cat, a horse in outline, a rocket",
            values={"images": [_EXAMPLES / "cat.jpg", _EXAMPLES / "horse.png", _EXAMPLES / "rocket.jpg"]},
        ),
    ),
    adapters=tuple(
        adapter.model_copy(update={"quality": quality})
        for adapter, quality in ((_OWN, _LIKENESS), (CONVNEXT, ""), (_VIT, ""))
    ),
    how_it_works="""
A classifier's last step compares a picture's features with what is typical of each class. Here that step is left out
and the features themselves are the answer, at length 1: the cosine of two of them, their scalar product, says how much
alike the pictures are to the model. That is known to carry over to pictures and classes that the model was not trained
on ([Donahue et al. 2014, "DeCAF"](https://arxiv.org/abs/1310.1531)), the better the more the model has seen.

Our own networks' features are the largest values of the last maps of the first two, averaged over the views of the
picture and their mirror images: 576 numbers. ConvNeXt and ViT give 768.

**What it is bad at.** Our networks know ten kinds of things at 32 x 32 px: what is none of them is compared by its
rough look.
""",
    keywords=("vectors", "features", "similarity", "search", "nearest neighbours", "ConvNeXt", "ViT"),
)

TASKS = (image_classification, image_embedding)
