"""How the pages put things into words: sizes, times, kinds of model and of input."""

from __future__ import annotations

import zoneinfo
from datetime import datetime

import streamlit as st

from studio.contract import Adapter, Task
from studio.errors import WeightsUnavailable
from studio.fields import describe
from studio.runtime import Runtime
from studio.stock import StockRow

#: kinds of input that the gallery filters by, with their words
INPUT_KINDS = {
    "image": "Picture",
    "audio": "Sound",
    "video": "Video",
    "text": "Text",
    "table": "Table",
    "file": "File",
}
ADAPTER_KINDS = {
    "embedded": "in this repository",
    "package": "inside a package",
    "hub": "from its publisher",
    "endpoint": "on another server",
}
#: what the adapter's kind means for whoever runs it, in a sentence
ADAPTER_KIND_HELP = {
    "embedded": "Its weights are part of this repository: nothing is downloaded.",
    "package": "Its weights came with an installed Python package: nothing is downloaded.",
    "hub": "Its weights are downloaded when you ask for them, and kept.",
    "endpoint": "It runs on another server: inputs leave this machine.",
}
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six")


def input_kinds(task: Task) -> tuple[str, ...]:
    """The kinds among INPUT_KINDS that a task takes, required fields first, each once."""
    specs = sorted(describe(task.inputs), key=lambda spec: not spec.required)
    main = [spec for spec in specs if spec.required] or specs
    return tuple(dict.fromkeys(spec.kind for spec in main if spec.kind in INPUT_KINDS))


def takes(task: Task) -> str:
    """What a task takes, in few words: "two pictures", "a sound and a text"."""
    specs = [spec for spec in describe(task.inputs) if spec.required and spec.kind in INPUT_KINDS]
    phrases = []
    for kind in dict.fromkeys(spec.kind for spec in specs):
        same = [spec for spec in specs if spec.kind == kind]
        noun = INPUT_KINDS[kind].lower()
        if any(spec.many for spec in same):
            phrases.append(f"{noun}s")
        elif len(same) == 1:
            phrases.append(f"a {noun}")
        else:
            count = _NUMBERS[len(same)] if len(same) < len(_NUMBERS) else str(len(same))
            phrases.append(f"{count} {noun}s")
    return " and ".join(phrases) or "a few settings"


def size(count: float) -> str:
    """Bytes in the unit that suits them, decimal: "990 MB", "1.2 GB"."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            value = count / scale
            return f"{value:.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"
    return f"{count:.0f} B"


def duration(seconds: float) -> str:
    """A time span: "48 ms", "1.24 s", "3 min 20 s"."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"


def moment(seconds: float, now_s: float) -> str:
    """When something was, on the visitor's own clock: "15:05", "yesterday 15:05", "12 Nov 15:05", "12 Nov 2025"."""
    try:
        zone = zoneinfo.ZoneInfo(st.context.timezone or "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        zone = zoneinfo.ZoneInfo("UTC")
    then, now = datetime.fromtimestamp(seconds, zone), datetime.fromtimestamp(now_s, zone)
    days = (now.date() - then.date()).days
    if days <= 1:
        return f"{then:%H:%M}" if days <= 0 else f"yesterday {then:%H:%M}"
    return f"{then.day} {then:%b %H:%M}" if then.year == now.year else f"{then.day} {then:%b %Y}"


def initials(title: str) -> str:
    """Two letters for a plate: "FV" for Face verification, "T" for Translation."""
    words = title.split()
    return "".join(word[0].upper() for word in (words[0], *words[1:][-1:]))


def weights_bytes(runtime: Runtime, task: Task, adapter: Adapter) -> int | None:
    """Size of an adapter's weight files; None where it has none or they are not listed."""
    if not adapter.weights:
        return None
    try:
        return runtime.shelf.row(runtime.catalogue.entry(task.name).family, adapter.weights).total_bytes
    except WeightsUnavailable:
        return None


def state(row: StockRow) -> str:
    """How it stands with a model: "loaded", "ready", "to download", "downloading 42 %, 12 MB/s, 40 s left"."""
    now = row.state
    match now.name:
        case "absent":
            return "to download"
        case "downloading":
            rate = [f"{size(now.bytes_per_s)}/s"] if now.bytes_per_s >= 1 else []
            left = [f"{duration(max(1.0, round(now.seconds_left)))} left"] if now.seconds_left is not None else []
            return ", ".join([f"downloading {now.fraction:.0%}".replace("%", " %"), *rate, *left])
        case "paused":
            return f"paused at {now.fraction:.0%}".replace("%", " %")
        case "failed":
            return f"not ready: {now.reason}"
        case "ready":
            return f"loaded on {row.resident.device.upper()}" if row.resident else "ready"


def plain(text: str) -> str:
    """A text that is shown as it is: what Markdown or Streamlit would take for markup is escaped."""
    return "".join(f"\\{mark}" if mark in r"\`*_{}[]()<>#+-.!|~$:" else mark for mark in text)
