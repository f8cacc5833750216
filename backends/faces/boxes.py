"""Faces as the boxes that the studio draws over a picture."""

from __future__ import annotations

from collections.abc import Sequence

from backends.faces.model import Face
from studio.media.image import Image
from studio.results import Box, BoxedImage


def boxed(image: Image, faces: Sequence[Face], labels: Sequence[str], accents: Sequence[bool]) -> BoxedImage:
    """The picture with a box, its landmarks and a label for each face; the three sequences go together."""
    boxes = [
        Box(xyxy=face.box_xyxy, label=label, points=list(face.landmarks_xy), accent=accent)
        for face, label, accent in zip(faces, labels, accents, strict=True)
    ]
    return BoxedImage(image=image, boxes=boxes)
