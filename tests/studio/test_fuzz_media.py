"""Damaged files of every kind: they are read, or refused as what they are; nothing else is ever raised."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

from studio.errors import InvalidInput
from studio.media.archive import Archive
from studio.media.audio import Audio
from studio.media.base import Blob, Limits, Media
from studio.media.image import Image
from studio.media.table import Table
from studio.media.video import Video
from tests.conftest import ROOT
from tests.families.specimens.task import EXAMPLES
from tests.fuzz import ANY_BYTES, damaged, fuzz

#: small enough that a damaged header cannot make a test slow
LIMITS = Limits(
    upload_bytes=4_000_000, image_pixels=2_000_000, audio_s=30, video_s=30, table_rows=10_000, archive_ratio=100
)
KINDS: tuple[type[Media], ...] = (Image, Audio, Video, Table, Archive)


def _picture(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 255, (24, 32, 4), np.uint8)
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).convert("RGB").convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/one.txt", "one " * 50)
        archive.writestr("two.txt", "two")
    return buffer.getvalue()


def _parquet() -> bytes:
    import pandas

    buffer = io.BytesIO()
    pandas.DataFrame({"number": range(20), "text": ["x"] * 20}).to_parquet(buffer)
    return buffer.getvalue()


def _read(path: Path) -> bytes:
    return path.read_bytes()


#: whole files, each of a kind that somebody reads
WHOLE: dict[str, tuple[type[Media], bytes]] = {
    "jpeg": (Image, _picture("JPEG")),
    "jpeg_exif": (Image, _picture("JPEG", exif=PIL.Image.Exif())),
    "png": (Image, _picture("PNG")),
    "png_palette": (Image, _picture("PNG", "P")),
    "webp": (Image, _picture("WEBP")),
    "gif": (Image, _picture("GIF", "P")),
    "bmp": (Image, _picture("BMP")),
    "tiff": (Image, _picture("TIFF", compression="tiff_lzw")),
    "ppm": (Image, _picture("PPM")),
    "wav": (Audio, _read(EXAMPLES / "sound.wav")),
    "mp4": (Video, _read(EXAMPLES / "clip.mp4")),
    "csv": (Table, _read(EXAMPLES / "table.csv")),
    "json_lines": (Table, b'{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n'),
    "parquet": (Table, _parquet()),
    "zip": (Archive, _zip()),
    "text": (Table, _read(ROOT / "README.md")[:2000]),
}

#: Pillow and others say what they doubt in a file and go on
pytestmark = pytest.mark.filterwarnings("ignore")


def use(kind: type[Media], data: bytes) -> None:
    """Read the file and write what was read; only a refusal may be raised."""
    with suppress(InvalidInput):
        value = kind.load(Blob("file", data), LIMITS)
        value.encode()
        assert value.nbytes >= 0
        if isinstance(value, Archive):
            for name in value.names:
                value.read(name)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", WHOLE)
def test_a_damaged_file(name: str) -> None:
    kind, whole = WHOLE[name]

    @seed(11)
    @fuzz
    @given(data=damaged(whole))
    def check(data: bytes) -> None:
        use(kind, data)

    use(kind, whole)
    check()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_any_bytes_at_all(kind: type[Media]) -> None:
    starts = sorted({whole[:16] for _, whole in WHOLE.values()})

    @seed(13)
    @fuzz
    @given(data=st.one_of(ANY_BYTES, st.tuples(st.sampled_from(starts), st.binary()).map(b"".join)))
    def check(data: bytes) -> None:
        use(kind, data)

    check()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_file_of_another_kind(kind: type[Media]) -> None:
    for _, whole in WHOLE.values():
        use(kind, whole)


@seed(17)
@fuzz
@given(url=st.one_of(st.text(max_size=80), st.text(max_size=80).map(lambda text: f"data:{text}")))
def test_any_data_url(url: str) -> None:
    with suppress(InvalidInput):
        Blob.from_data_url(url, 1000)
