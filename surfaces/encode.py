"""Turns a task's outputs into JSON, or into files that other programs open."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from studio.contract import Inputs, Outputs
from studio.jobs import Job
from studio.media.base import Media
from studio.media.image import Image
from studio.results import BoxedImage
from surfaces.drawing import draw


def outputs_json(outputs: Outputs) -> dict[str, Any]:
    """The outputs as JSON values; media are data URLs in their field's own format."""
    return outputs.model_dump(mode="json")


def inputs_json(inputs: Inputs) -> dict[str, Any]:
    """The inputs as JSON values, as a call takes them."""
    return inputs.model_dump(mode="json")


def save_outputs(outputs: Outputs, folder: Path) -> dict[str, Any]:
    """Write the media among the outputs as `<field>.<suffix>`, those in a list as `<field>-<number>.<suffix>`.

    A picture with boxes becomes `<field>.jpg` (or .png) with the boxes drawn, and `<field>.json` with the boxes.

    Returns:
        The outputs as JSON values, with the files' paths in place of the media.

    Raises:
        OSError: the folder cannot be made or written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {name for name in type(outputs).model_fields if _is_file(getattr(outputs, name))}
    values = outputs.model_dump(mode="json", exclude=files)
    return {
        name: _save(getattr(outputs, name), folder / name) if name in files else values[name]
        for name in type(outputs).model_fields
    }


def outputs_zip(outputs: Outputs) -> bytes:
    """The files of `save_outputs` and `result.json`, which names them, in one ZIP archive."""
    buffer = io.BytesIO()
    with tempfile.TemporaryDirectory() as name, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        folder = Path(name)
        saved = json.dumps(save_outputs(outputs, folder), indent=2, ensure_ascii=False)
        archive.writestr("result.json", saved.replace(f"{folder}/", ""))
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    return buffer.getvalue()


def batch_zip(jobs: Iterable[tuple[str, Job]], table: str) -> bytes:
    """`table.csv`, and for each job with a result a folder with the files of `save_outputs` and `result.json`.

    Args:
        jobs: (folder's name, job); read one after the other.
        table: the CSV.
    """
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        packed = root / "batch.zip"
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("table.csv", table)
            for stem, job in jobs:
                if job.outputs is None:
                    continue
                folder = root / stem
                saved = json.dumps(save_outputs(job.outputs, folder), indent=2, ensure_ascii=False)
                archive.writestr(f"{stem}/result.json", saved.replace(f"{folder}/", ""))
                for file in sorted(folder.iterdir()):
                    archive.write(file, f"{stem}/{file.name}")
                shutil.rmtree(folder)
        return packed.read_bytes()


def _is_file(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and all(_is_file(item) for item in value)
    return isinstance(value, Media | BoxedImage)


def _save(value: Any, stem: Path) -> Any:
    if isinstance(value, list | tuple):
        return [_save(item, stem.with_name(f"{stem.name}-{number}")) for number, item in enumerate(value, 1)]
    if isinstance(value, BoxedImage):
        boxes = [box.model_dump(mode="json") for box in value.boxes]
        stem.with_name(f"{stem.name}.json").write_text(json.dumps(boxes, indent=2) + "\n", encoding="utf-8")
        return {"image": _save(Image.from_pil(draw(value)), stem), "boxes": boxes}
    path = stem.with_name(stem.name + value.suffix)
    path.write_bytes(value.encode()[0])
    return str(path)
