"""The styles that ship: each has its picture, and the code that is shipped with them still draws it."""

from __future__ import annotations

import io
import itertools

import numpy as np
import PIL.Image
import pytest

from backends.style.styles import STYLES
from recipes.paintings.__main__ import PAINTINGS, write
from studio.media.image import Image


def test_every_style_has_a_picture_and_a_painter() -> None:
    assert list(STYLES) == list(PAINTINGS)
    assert len(STYLES) >= 8
    for style in STYLES.values():
        assert Image.open(style.path).resolution_wh == (512, 512), style.name
        assert style.path.stat().st_size < 150_000
        assert style.about


@pytest.mark.parametrize("name", STYLES)
def test_the_code_still_draws_it(name: str) -> None:
    """Written the same way it loses the same; a rounding here or there may differ."""
    written = io.BytesIO()
    write(name, written)
    drawn = np.asarray(PIL.Image.open(written).convert("RGB")).astype(float)
    assert np.abs(drawn - Image.open(STYLES[name].path).rgb).mean() < 1


def test_no_two_look_alike() -> None:
    small = {
        name: np.asarray(Image.open(style.path).pil().resize((32, 32))).astype(float) for name, style in STYLES.items()
    }
    for one, other in itertools.combinations(small, 2):
        assert np.abs(small[one] - small[other]).mean() > 20, (one, other)
