"""What was found as a table, and as the files that annotation and training programs read.

The formats are supervision's writers; COCO and CSV keep the scores, for which the other two have no place.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd

from backends.detection.detector import class_names
from studio.media.file import File
from studio.media.image import Image
from studio.media.table import Table

if TYPE_CHECKING:
    import supervision as sv

_COLUMNS = ("class", "score", "left", "top", "right", "bottom")


def as_table(found: sv.Detections) -> Table:
    """A row for each box, in pixels."""
    assert found.confidence is not None
    rows = [
        (name, round(score, 4), *(round(edge, 1) for edge in box))
        for name, score, box in zip(class_names(found), found.confidence.tolist(), found.xyxy.tolist(), strict=True)
    ]
    return Table(pd.DataFrame(rows, columns=list(_COLUMNS)), "detections.csv")


def as_files(found: sv.Detections, names: tuple[str, ...], image: Image) -> list[File]:
    """COCO json, YOLO txt with its list of classes, Pascal VOC xml, CSV."""
    csv, _ = as_table(found).encode()
    classes = "".join(f"{name}\n" for name in names)
    return [
        File(_coco(found, names, image).encode(), "detections.coco.json"),
        File(_yolo(found, image).encode(), "detections.yolo.txt"),
        File(classes.encode(), "classes.txt"),
        File(_voc(found, names, image).encode(), "detections.voc.xml"),
        File(csv, "detections.csv"),
    ]


def _coco(found: sv.Detections, names: tuple[str, ...], image: Image) -> str:
    """A whole COCO file of one picture; each annotation with its score."""
    from supervision.dataset.formats.coco import classes_to_coco_categories, detections_to_coco_annotations

    assert found.confidence is not None
    width, height = image.resolution_wh
    annotations, _ = detections_to_coco_annotations(found, image_id=1, annotation_id=1)
    whole = {
        "images": [{"id": 1, "file_name": image.name or "picture.jpg", "width": width, "height": height}],
        "categories": classes_to_coco_categories(list(names)),
        "annotations": [
            {**annotation, "score": round(score, 4)}
            for annotation, score in zip(annotations, found.confidence.tolist(), strict=True)
        ],
    }
    return json.dumps(whole, indent=1, default=lambda number: number.item())  # NumPy's own


def _yolo(found: sv.Detections, image: Image) -> str:
    """Class, centre, width and height as shares of the picture, one line for each box."""
    from supervision.dataset.formats.yolo import detections_to_yolo_annotations

    return "".join(f"{line}\n" for line in detections_to_yolo_annotations(found, image.rgb.shape[:2]))


def _voc(found: sv.Detections, names: tuple[str, ...], image: Image) -> str:
    from supervision.dataset.formats.pascal_voc import detections_to_pascal_voc

    height, width = image.rgb.shape[:2]
    text = detections_to_pascal_voc(found, list(names), image.name or "picture.jpg", (height, width, 3))
    return text.replace("<database>roboflow.ai</database>", "<database>Unknown</database>")  # it is not from there
