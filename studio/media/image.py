"""Pictures: read whatever people's cameras and programs write, hold them as 8-bit RGB."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageOps

from studio.errors import InvalidInput, TooLarge
from studio.media.base import Blob, Kept, Limits, Media

#: What is accepted. A JPEG may turn out to be an MPO, of phones with several views: its first view is taken.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")

#: What Pillow raises on bytes that are not, or no longer, a picture.
_DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    struct.error,
    zlib.error,
)

#: What a JPEG may carry beside its pixels; one that carries any of it is written anew.
_METADATA = {"exif", "xmp", "comment", "photoshop", "icc_profile"}

RGB = npt.NDArray[np.uint8]


class Image(Media):
    """A still picture.

    The orientation in its EXIF data is applied, transparency is laid over white, 16-bit, palette, grey and CMYK
    pictures become 8-bit RGB.

    Args:
        rgb: uint8 array of shape (height, width, 3).
        name: the name its sender gave it.
        lossless: whether `encode` must keep each pixel (PNG); otherwise a large one is written as JPEG.
    """

    kind: ClassVar[str] = "image"
    accepts: ClassVar[str] = "image/*"
    noun: ClassVar[str] = "a JPEG, PNG, WebP, BMP, TIFF or GIF picture"

    def __init__(self, rgb: RGB, name: str = "", *, lossless: bool = False) -> None:
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
            raise ValueError(f"expected uint8 of shape (height, width, 3), got {rgb.dtype} of shape {rgb.shape}")
        self.rgb = np.ascontiguousarray(rgb)
        self.lossless = lossless
        self._name = name
        self._encoded: tuple[bytes, str] | None = None
        self._as_it_came = False  # whether decoding `_encoded` gives these very pixels

    @property
    def resolution_wh(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.rgb.shape[1], self.rgb.shape[0]

    @property
    def nbytes(self) -> int:
        """Bytes of the pixels and of the encoded picture, where that is kept."""
        return self.rgb.nbytes + (len(self._encoded[0]) if self._encoded else 0)

    def pil(self) -> PIL.Image.Image:
        """The picture as a PIL image of mode RGB."""
        return PIL.Image.fromarray(self.rgb)

    @classmethod
    def from_pil(cls, picture: PIL.Image.Image, name: str = "", *, lossless: bool = False) -> Self:
        """From a PIL image of any mode."""
        return cls(np.asarray(_to_rgb(picture), dtype=np.uint8), name, lossless=lossless)

    @classmethod
    def open(cls, path: Path, limits: Limits | None = None) -> Self:
        """Read a picture file that the program itself names."""
        return cls.load(path, limits)

    @classmethod
    def decode(cls, blob: Blob, limits: Limits) -> Self:
        """Check format, frames and pixels from the header, then decode; see `Media.decode`."""
        source: Any = blob.path if blob.data is None else io.BytesIO(blob.data)
        PIL.Image.init()  # Pillow knows most formats only after this; it works once
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
                picture = PIL.Image.open(source, formats=FORMATS)
        except PIL.Image.DecompressionBombError as fault:
            raise _too_many_pixels(str(fault), limits) from fault
        except _DAMAGE as fault:
            raise InvalidInput(
                "The file is not a picture that can be read.",
                expected=cls.noun,
                hint="Open it in a picture viewer and save it as JPEG or PNG.",
            ) from fault
        with picture:
            try:
                _check_header(picture, limits)
                plain = picture.format == "JPEG" and picture.mode == "RGB" and not _METADATA & picture.info.keys()
                PIL.ImageOps.exif_transpose(picture, in_place=True)
                image = cls.from_pil(picture, blob.name)
                if plain and image.suffix == ".jpg":  # handed back as it came: no loss, no work, nothing to strip
                    image._encoded, image._as_it_came = (blob.read(), "image/jpeg"), True
                return image
            except InvalidInput:
                raise
            except _DAMAGE as fault:
                raise InvalidInput(
                    "The picture is damaged or cut off.", expected="a complete picture", got=str(fault)
                ) from fault

    def encode(self) -> tuple[bytes, str]:
        """PNG where it is asked for or small, else JPEG at quality 92 without chroma subsampling.

        A JPEG that was read and carries no metadata is returned byte for byte.
        """
        if self._encoded is None:
            buffer = io.BytesIO()
            if self.suffix == ".png":
                self.pil().save(buffer, "PNG", compress_level=4)
            else:
                self.pil().save(buffer, "JPEG", quality=92, subsampling=0)
            self._encoded = buffer.getvalue(), "image/png" if self.suffix == ".png" else "image/jpeg"
        return self._encoded

    @property
    def suffix(self) -> str:
        """`.png` or `.jpg`; see `encode`."""
        return ".png" if self.lossless or self.rgb.size <= 64 * 64 * 3 else ".jpg"

    def kept(self) -> tuple[bytes, str, dict[str, Any]]:
        """The JPEG that it came as, or else a PNG: no pixel changes. The fact is whether it is `lossless`."""
        if self._encoded is not None and self._as_it_came:
            return self._encoded[0], ".jpg", {}
        buffer = io.BytesIO()
        self.pil().save(buffer, "PNG", compress_level=1)
        return buffer.getvalue(), ".png", {"lossless": self.lossless}

    @classmethod
    def restored(cls, kept: Kept) -> Self:
        """See `Media.restored`."""
        image = super().restored(kept)
        image.lossless = bool(kept.facts.get("lossless"))
        return image


def _check_header(picture: PIL.Image.Image, limits: Limits) -> None:
    width, height = picture.size
    if width * height > limits.image_pixels:
        raise _too_many_pixels(f"{width:,} x {height:,} pixels", limits)
    frames = getattr(picture, "n_frames", 1)
    if frames > 1 and picture.format != "MPO":
        raise InvalidInput(
            "The picture is animated or has several pages.",
            expected="a still picture",
            got=f"{frames} frames ({picture.format})",
            hint="Save one frame as PNG or JPEG.",
        )


def _too_many_pixels(got: str, limits: Limits) -> TooLarge:
    return TooLarge(
        f"The picture has more than {limits.image_pixels / 1e6:g} million pixels.",
        expected=f"at most {limits.image_pixels:,} pixels",
        got=got,
        hint="Scale it down, or ask the operator to raise ATELIER_MAX_IMAGE_MEGAPIXELS.",
    )


def _to_rgb(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Any PIL mode to RGB: transparency over white, more than 8 bits scaled down."""
    if picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
        return PIL.Image.fromarray(_to_8_bit(np.asarray(picture))).convert("RGB")
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        rgba = picture.convert("RGBA")
        white = PIL.Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return PIL.Image.alpha_composite(white, rgba).convert("RGB")
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _to_8_bit(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """(H, W) of 16-bit integers, or floats in 0..1 or 0..255, to uint8."""
    grey = np.nan_to_num(values.astype(np.float64))
    if np.issubdtype(values.dtype, np.floating):
        scale = 255.0 if grey.max(initial=0) <= 1 else 1.0
    else:
        scale = 1 / 257 if grey.max(initial=0) > 255 else 1.0
    return np.clip(np.rint(grey * scale), 0, 255).astype(np.uint8)
