"""Vectors of pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.pictures.classifier import PictureClassifier
from backends.pictures.embedding import embed
from backends.pictures.embedding_fields import PictureEmbeddingInputs
from bench.bare import BareRun
from studio.media.image import Image
from studio.runtime import EMBEDDED
from studio.weights import Shelf
from tests.backends.pictures.test_classifier import EXAMPLES, FAMILY


@pytest.fixture(scope="module")
def model() -> Any:
    return PictureClassifier(Shelf(EMBEDDED).resolve(FAMILY, "pictures"), "cpu")


def test_vectors_have_length_one_and_tell_pictures_apart(model: Any) -> None:
    cat = Image.open(EXAMPLES / "cat.jpg")
    smaller = cat.pil().resize((180, 120))
    images = [cat, Image.from_pil(smaller, "small.jpg"), Image.open(EXAMPLES / "rocket.jpg")]
    outputs = embed(model, PictureEmbeddingInputs(images=images), BareRun())
    vectors = np.array(outputs.vectors)
    assert vectors.shape == (3, outputs.dimensions) == (3, 576)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    assert vectors[0] @ vectors[1] > 0.95 > 0.8 > vectors[0] @ vectors[2]
    assert outputs.similarity is not None
    assert list(outputs.similarity.frame["picture"]) == ["cat.jpg", "small.jpg", "rocket.jpg"]
    assert outputs.similarity.frame["cat.jpg"][0] == 1


def test_a_mirrored_picture_has_the_same_vector(model: Any) -> None:
    rgb = Image.open(EXAMPLES / "horse.png").rgb[:370, :370]
    assert np.allclose(model.features(rgb), model.features(np.ascontiguousarray(rgb[:, ::-1])), atol=0.01)
