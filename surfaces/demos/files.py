"""Media as files in Gradio's own cache folder, the only place from which a demo serves files, and uploads from it."""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from pathlib import Path
from typing import Any

from gradio import processing_utils
from gradio.utils import get_upload_folder

from studio.media.base import Blob, Media


def sweep(folder: Path, older_than_s: float) -> None:
    """Remove what a process that was killed has left there; Gradio itself removes what it made when it ends."""
    before_s = time.time() - older_than_s
    for path in folder.glob("*"):
        if path.stat().st_mtime < before_s:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def to_file(media: Media) -> str:
    """Write a media value into the cache and return the path.

    The folder is named by a keyed digest, as Gradio's own are: whoever knows a file's content could ask for it by its
    plain digest, and learn whether somebody had it here.
    """
    data, _ = media.encode()
    folder = Path(get_upload_folder()) / hashlib.sha256(processing_utils.hash_seed + data).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^\w-]", "_", Path(media.name).stem)[:60] or media.kind
    path = folder / f"{stem}{media.suffix}"
    if not path.exists():
        part = path.with_suffix(".part")
        part.write_bytes(data)
        part.replace(path)
    return str(path)


def upload(payload: Any) -> Any:
    """A component's upload as a Blob, several as a list, none as None.

    The events run without Gradio's own preprocessing, which would open pictures and check bounds before the runtime
    does. Gradio has made sure by then that each path is inside its upload folder.
    """
    if payload is None or payload == []:
        return None
    if isinstance(payload, list):
        return [upload(file) for file in payload]
    url = payload.get("url") or ""
    if url.startswith("data:"):
        return Blob.from_data_url(url, limit_bytes=_CAMERA_FRAME_BYTES)
    path = Path(payload["path"])
    return Blob(name=payload.get("orig_name") or path.name, path=path)


_CAMERA_FRAME_BYTES = 50_000_000
