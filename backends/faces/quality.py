"""Notes on faces that are harder to compare than others: too small, blurred, turned away, too dark, too bright.

All bounds but that for turned faces were set where the miss rate at the shipped threshold (dlib, ORL pictures, one
degraded against clean ones) has clearly risen from its 0.3 %; `python -m bench.faces_quality` repeats the measurement.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PIL import Image

from backends.faces.model import RGB, Face

#: At 46 px 0.5 % of the pairs are missed, at 31 px 2.5 %, at 23 px 12 %.
SMALL_PX = 40
#: Sharpness of the face's crop. At a median of 0.028 1.3 % are missed, at 0.011 7.5 %, at 0.006 19 %.
BLURRED = 0.02
#: Nose off the middle between the eyes, in eye distances. Set by eye: the 6 most turned of the 400 pictures are beyond.
TURNED = 0.2
#: Mean grey level of the face. At 27 1.5 % are missed, at 13 6 %.
DARK = 30
#: At 226 3.8 % are missed, at 245 29 %.
BRIGHT = 220

_SIDE_PX = 80


def face_notes(rgb: RGB, face: Face) -> list[str]:
    """What is wrong with a face, each as the end of a sentence that starts with "The face"; empty if nothing is.

    Args:
        rgb: the whole picture, uint8 of shape (H, W, 3).
    """
    grey = face_crop(rgb, face)
    notes = []
    if face.width_px < SMALL_PX:
        notes.append(f"is small ({face.width_px:.0f} px wide; {SMALL_PX} px or more are better)")
    elif sharpness(grey) < BLURRED:
        notes.append("is blurred")
    if abs(turn(face)) > TURNED:
        notes.append("is turned away from the camera")
    if grey.mean() < DARK:
        notes.append("is too dark")
    elif grey.mean() > BRIGHT:
        notes.append("is too bright")
    return notes


def face_crop(rgb: RGB, face: Face) -> npt.NDArray[np.float64]:
    """The face's box, as far as it is in the picture, in grey levels (0..255) of shape (80, 80)."""
    height, width = rgb.shape[:2]
    left, top, right, bottom = face.box_xyxy
    x0, y0 = max(0, min(int(left), width - 1)), max(0, min(int(top), height - 1))
    x1, y1 = min(width, max(math.ceil(right), x0 + 1)), min(height, max(math.ceil(bottom), y0 + 1))
    crop = Image.fromarray(np.ascontiguousarray(rgb[y0:y1, x0:x1])).convert("L")
    return np.asarray(crop.resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BILINEAR), dtype=np.float64)


def sharpness(grey: npt.NDArray[np.float64]) -> float:
    """Variance of the Laplacian over the variance of the grey levels: the same in weak and in strong light.

    The variance of the Laplacian as a focus measure: Pech-Pacheco et al., ICPR 2000.
    """
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    return float(laplacian.var() / max(grey.var(), 1.0))


def turn(face: Face) -> float:
    """How far the nose is off the middle between the eyes, along the line of the eyes, in eye distances.

    0 is frontal, positive is turned to the right of the picture; a turn in the picture's plane does not count.
    """
    left, right, nose = (np.array(p) for p in (face.left_eye_xy, face.right_eye_xy, face.nose_xy))
    eyes = right - left
    length_squared = float(eyes @ eyes)
    return float((nose - (left + right) / 2) @ eyes) / length_squared if length_squared > 0 else 0.0
