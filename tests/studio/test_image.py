"""Pictures from every camera and program become 8-bit RGB; what is none is refused by name."""

from __future__ import annotations

import base64
import io
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from studio.errors import InvalidInput, TooLarge
from studio.media.base import Blob, Limits
from studio.media.image import Image

RED = (200, 30, 40)


def saved(picture: PIL.Image.Image, kind: str, **options: Any) -> Blob:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return Blob(name=f"x.{kind.lower()}", data=buffer.getvalue())


def png_header(width: int, height: int) -> bytes:
    """A PNG that states a size and has no pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
def test_each_format_is_read(kind: str) -> None:
    image = Image.load(saved(PIL.Image.new("RGB", (40, 30), RED), kind))
    assert image.rgb.shape == (30, 40, 3)
    assert image.rgb.dtype == np.uint8
    assert np.abs(image.rgb[15, 20].astype(int) - RED).max() <= 4
    assert image.resolution_wh == (40, 30)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "corner_yx"),
    [(1, (0, 0)), (2, (0, -1)), (3, (-1, -1)), (4, (-1, 0)), (5, (0, 0)), (6, (0, -1)), (7, (-1, -1)), (8, (-1, 0))],
)
def test_exif_orientation_is_applied(kind: str, orientation: int, corner_yx: tuple[int, int]) -> None:
    picture = PIL.Image.new("RGB", (64, 32), "white")
    picture.paste((0, 0, 0), (0, 0, 16, 16))  # the stored upper left corner is black
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    image = Image.load(saved(picture, kind, exif=exif))
    assert image.resolution_wh == ((32, 64) if orientation >= 5 else (64, 32))
    corners = {yx: image.rgb[yx].mean() for yx in [(0, 0), (0, -1), (-1, 0), (-1, -1)]}
    assert min(corners, key=lambda yx: corners[yx]) == corner_yx


def test_transparency_is_laid_over_white() -> None:
    picture = PIL.Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    picture.putpixel((1, 0), (*RED, 255))
    assert Image.load(saved(picture, "PNG")).rgb.tolist() == [[[255, 255, 255], list(RED)]]


def test_palette_with_transparency() -> None:
    picture = PIL.Image.new("P", (2, 1))
    picture.putpalette([0, 0, 0, *RED])
    picture.putpixel((1, 0), 1)
    assert Image.load(saved(picture, "PNG", transparency=0)).rgb.tolist() == [[[255, 255, 255], list(RED)]]


def test_grey_with_alpha() -> None:
    picture = PIL.Image.new("LA", (1, 1), (10, 128))
    assert abs(int(Image.load(saved(picture, "PNG")).rgb[0, 0, 0]) - 132) <= 2


def test_16_bits_are_scaled() -> None:
    values = np.array([[0, 32768, 65535]], dtype=np.uint16)
    assert Image.load(saved(PIL.Image.fromarray(values), "PNG")).rgb[0, :, 0].tolist() == [0, 128, 255]


def test_float_tiff_is_scaled() -> None:
    values = np.array([[0.0, 0.5, 1.0]], dtype=np.float32)
    assert Image.load(saved(PIL.Image.fromarray(values), "TIFF")).rgb[0, :, 2].tolist() == [0, 128, 255]


def test_bilevel() -> None:
    assert Image.load(saved(PIL.Image.new("1", (3, 2), 1), "PNG")).rgb.min() == 255


def test_cmyk_becomes_rgb() -> None:
    red, green, blue = Image.load(saved(PIL.Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG")).rgb[8, 8]
    assert red > 200
    assert max(green, blue) < 60


def test_an_mpo_gives_its_first_view() -> None:
    first, second = PIL.Image.new("RGB", (32, 32), RED), PIL.Image.new("RGB", (32, 32), "blue")
    image = Image.load(saved(first, "MPO", save_all=True, append_images=[second]))
    assert np.abs(image.rgb[16, 16].astype(int) - RED).max() <= 4


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_several_frames_are_refused(kind: str) -> None:
    frames = [PIL.Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    with pytest.raises(InvalidInput, match="animated") as caught:
        Image.load(saved(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert caught.value.got == f"2 frames ({kind})"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_a_cut_off_picture_is_refused(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    data = saved(PIL.Image.fromarray(noise), kind).read()
    with pytest.raises(InvalidInput):
        Image.load(Blob(data=data[: len(data) // 2]))


@pytest.mark.parametrize(
    "data", [b"just words", b"\xff\xd8\xff\xe0broken", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\0" * 99]
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        Image.load(Blob(name="photo.jpg", data=data))


@pytest.mark.parametrize("side", [8000, 30_000])
def test_a_huge_header_is_refused_without_decoding(side: int) -> None:
    with pytest.raises(TooLarge) as caught:
        Image.load(Blob(data=png_header(side, side)))
    assert "50 million pixels" in caught.value.message
    assert "ATELIER_MAX_IMAGE_MEGAPIXELS" in (caught.value.hint or "")


def test_an_empty_file_and_one_beyond_the_limit() -> None:
    with pytest.raises(InvalidInput, match="empty"):
        Image.load(Blob(data=b""))
    with pytest.raises(TooLarge, match="larger than 0.001 MB"):
        Image.load(Blob(data=b"x" * 1001), Limits(upload_bytes=1000))


def test_a_string_is_never_a_path(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    PIL.Image.new("RGB", (4, 4)).save(path)
    assert Image.load(path).resolution_wh == (4, 4)
    with pytest.raises(InvalidInput, match="not a data URL"):
        Image.load(str(path))
    with pytest.raises(InvalidInput, match="no such file"):
        Image.load(tmp_path / "missing.png")


@pytest.mark.parametrize("value", [3, None, [1], {"a": 1}, b"raw"])
def test_other_types_are_refused(value: Any) -> None:
    with pytest.raises(InvalidInput, match="This is not"):
        Image.load(value)


def test_data_urls() -> None:
    data = saved(PIL.Image.new("RGB", (5, 4), RED), "PNG").read()
    url = f"data:image/png;name=a.png;base64,{base64.b64encode(data).decode()}"
    assert Image.load(url).resolution_wh == (5, 4)
    assert Blob.from_data_url("data:,a%20b", 100).read() == b"a b"
    with pytest.raises(TooLarge):
        Image.load(url, Limits(upload_bytes=10))


@pytest.mark.parametrize("body", ["@@@", "AAA", "é" * 8, "A A="])
def test_broken_base64_is_refused(body: str) -> None:
    with pytest.raises(InvalidInput, match="base64"):
        Image.load(f"data:image/png;base64,{body}")


def test_encode_keeps_a_lossless_picture() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (100, 90, 3), dtype=np.uint8)
    image = Image(noise, lossless=True)
    assert (image.suffix, image.encode()[1]) == (".png", "image/png")
    assert (Image.load(image.data_url()).rgb == noise).all()
    assert (Image(noise).suffix, Image(noise).encode()[1]) == (".jpg", "image/jpeg")


def test_the_array_must_be_rgb() -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        Image(np.zeros((4, 4), dtype=np.uint8))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
@pytest.mark.filterwarnings("ignore")  # Pillow warns of each damage
def test_random_damage_is_read_or_refused(kind: str) -> None:
    chance = random.Random(kind)
    noise = np.random.default_rng(2).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    whole = saved(PIL.Image.fromarray(noise), kind).read()
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.choice([1, 3, 10])):
            data[chance.randrange(min(len(data), chance.choice([20, 200, 100_000])))] = chance.randrange(256)
        try:
            Image.load(Blob(data=bytes(data)), Limits(image_pixels=1_000_000))
        except InvalidInput:
            continue


def test_a_plain_jpeg_is_handed_back_byte_for_byte() -> None:
    blob = saved(PIL.Image.effect_noise((200, 100), 60).convert("RGB"), "JPEG", quality=70)
    assert Image.load(blob).encode() == (blob.data, "image/jpeg")


def test_metadata_is_not_handed_back() -> None:
    exif = PIL.Image.Exif()
    exif[0x010F] = "a camera"
    blob = saved(PIL.Image.effect_noise((200, 100), 60).convert("RGB"), "JPEG", exif=exif)
    again, _ = Image.load(blob).encode()
    assert b"a camera" in blob.read()
    assert b"a camera" not in again
