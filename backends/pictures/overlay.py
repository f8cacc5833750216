"""Lays heat over a picture, in colours whose brightness grows evenly with it (viridis)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image

from backends.pictures.gradcam import Heat

RGB = npt.NDArray[np.uint8]
#: left, top, right, bottom, in pixels
Box = tuple[float, float, float, float]

#: The overlay of a larger picture is smaller than it: there is nothing to see at full size.
LONGEST_PX = 1024
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_COLOUR, _FADED = 0.6, 0.55  # how much of the colour; how far what the network did not see is faded to white
_RAMP = 0.3  # share of a part's side over which it fades out


@dataclass(frozen=True)
class Part:
    """Heat over a part of a picture.

    Attributes:
        box_xyxy: the part, in pixels of the picture.
    """

    heat: Heat
    box_xyxy: Box


def overlay(rgb: RGB, parts: list[Part], beside: list[Part] | None = None) -> RGB:
    """The picture in grey under the mean heat of its parts: dark violet for none, yellow for the most.

    What is in none of the parts stays grey and is faded.

    Args:
        rgb: uint8 (H, W, 3).
        beside: the heat of another class, if the colours are to be on its scale where it is the hotter one.
    """
    rgb, scale = _reduced(rgb)
    heat, covered = _canvas(rgb.shape[:2], parts, scale)
    most = max(float(_canvas(rgb.shape[:2], shown, scale)[0].max()) for shown in (parts, beside or parts))
    levels = np.rint(255 * heat / max(most, 1e-9)).astype(np.uint8)
    colours = cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS)[:, :, ::-1]  # OpenCV's is BGR
    grey = (rgb @ _LUMA)[:, :, None]
    inside = (1 - _COLOUR) * grey + _COLOUR * colours
    outside = np.broadcast_to((1 - _FADED) * grey + _FADED * 255, inside.shape)
    return np.rint(np.where(covered[:, :, None], inside, outside)).astype(np.uint8)


def _canvas(size_hw: tuple[int, int], parts: list[Part], scale: float) -> tuple[Heat, npt.NDArray[np.bool_]]:
    """The parts' mean heat, and which places any of them covers. Parts fade into each other."""
    total, weight = np.zeros(size_hw, np.float32), np.zeros(size_hw, np.float32)
    for part in parts:
        left, top, right, bottom = (round(edge * scale) for edge in part.box_xyxy)
        right, bottom = min(max(right, left + 1), size_hw[1]), min(max(bottom, top + 1), size_hw[0])
        smooth = PIL.Image.fromarray(part.heat).resize((right - left, bottom - top), PIL.Image.Resampling.BICUBIC)
        rows = _ramps(bottom - top, first=top > 0, last=bottom < size_hw[0])
        columns = _ramps(right - left, first=left > 0, last=right < size_hw[1])
        inner = rows[:, None] * columns
        total[top:bottom, left:right] += inner * np.asarray(smooth, np.float32).clip(0)
        weight[top:bottom, left:right] += inner
    return np.asarray(total / np.maximum(weight, 1e-9), np.float32), weight > 0


def _ramps(length: int, *, first: bool, last: bool) -> Heat:
    """Weights along one side of a part: 1, falling towards those ends that lie inside the picture."""
    place = (np.arange(length, dtype=np.float32) + 0.5) / length
    rise = np.minimum(place / _RAMP, 1) if first else np.ones(length, np.float32)
    fall = np.minimum((1 - place) / _RAMP, 1) if last else np.ones(length, np.float32)
    return np.asarray(rise * fall, np.float32)


def _reduced(rgb: RGB) -> tuple[RGB, float]:
    """The picture with at most `LONGEST_PX` on its longer side, and its scale."""
    height, width = rgb.shape[:2]
    scale = LONGEST_PX / max(height, width)
    if scale >= 1:
        return rgb, 1.0
    size_wh = max(1, round(width * scale)), max(1, round(height * scale))
    reduced = PIL.Image.fromarray(rgb).resize(size_wh, PIL.Image.Resampling.BOX)
    return np.asarray(reduced, np.uint8), scale
