"""Fields asked of receipts: "What is the total on this receipt?", and so on, through the shipped tools.

A total is right if it is the same amount, a date if it is the same day, a company and an address if letters and figures
are the same, without regard to capital letters, spaces and signs. Beside each stands how often the annotated text is in
what was read at all: more than that no rule can find.
"""

from __future__ import annotations

import gzip
import json
import re
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from backends.vqa.dates import parsed_date
from bench.figures import Figure, NoData
from studio.media.base import Blob
from studio.media.image import Image
from studio.runtime import Runtime
from studio.settings import Settings

TARGETS = {"total": 0.80, "date": 0.80, "company": 0.70}
_QUESTIONS = {
    "total": "What is the total on this receipt?",
    "date": "What is the date?",
    "company": "Which company is it from?",
    "address": "What is the address?",
}


def measure(settings: Settings, split: str = "test") -> list[Figure]:
    """The share of each field that is answered right."""
    if settings.data is None or not (settings.data / "sroie_receipts").is_dir():
        raise NoData("set ATELIER_DATA to a folder that has sroie_receipts/")
    folder = settings.data / "sroie_receipts"
    with gzip.open(folder / "annotations.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [row for row in map(json.loads, file) if row["split"] == split]
    right: dict[str, list[bool]] = {name: [] for name in _QUESTIONS}
    there: dict[str, list[bool]] = {name: [] for name in _QUESTIONS}
    with tempfile.TemporaryDirectory() as home, tarfile.open(folder / "images.tar") as tar:
        members = {Path(member.name).name: member for member in tar.getmembers()}
        runtime = Runtime(Settings(home=Path(home), device="cpu"))
        for row in rows:
            opened = tar.extractfile(members[row["file"]])
            assert opened is not None
            image = Image.load(Blob(row["file"], opened.read()))
            question = "\n".join([*_QUESTIONS.values(), "What does it say?"])
            asked: Any = runtime.run("visual_question_answering", {"image": image, "question": question}, "tools")
            answers = [str(answer) for answer in asked.outputs.answers.frame["answer"]]
            for (name, wanted), answer in zip(
                ((name, row["fields"].get(name, "")) for name in _QUESTIONS), answers, strict=False
            ):
                right[name].append(same(name, answer, wanted))
                there[name].append(_bare(wanted) in _bare(answers[-1]))
        runtime.close()
    size = f"{split}, {len(rows)} pictures"
    figures = []
    for name in _QUESTIONS:
        share, read = sum(right[name]) / len(rows), sum(there[name]) / len(rows)
        target = TARGETS.get(name)
        figures.append(
            Figure(
                "SROIE receipts",
                size,
                f"{name} right",
                share,
                f">= {target}" if target else "",
                target is None or share >= target,
                f"the annotated text is among what was read: {read:.4f}",
            )
        )
    return figures


def same(name: str, answer: str, wanted: str) -> bool:
    """Whether an answer is the annotated value."""
    if name == "total":
        return re.sub(r"\D", "", answer) == re.sub(r"\D", "", wanted) != ""
    if name == "date":
        return parsed_date(answer) is not None and parsed_date(answer) == parsed_date(wanted)
    return _bare(answer) == _bare(wanted)


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())
