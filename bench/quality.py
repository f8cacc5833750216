"""Prints how good the models are, measured on this machine, beside what was published.

Usage:
    ATELIER_DATA=<folder of data sets> python -m bench.quality [names]

Without names one table over all models.

Exits with 1 if a figure misses its target, with 2 for an unknown name or missing data.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable

from bench.figures import Figure, NoData
from studio.settings import Settings

#: Name to module and function; each is called as `measure(settings) -> list[Figure]`.
BENCHMARKS = {
    "faces": "bench.faces_quality:measure",
    "digits": "bench.digits_quality:measure",
    "pictures": "bench.pictures_quality:measure",
    "cells": "bench.detection_quality:cells",
    "steel": "bench.detection_quality:steel",
    "plates": "bench.detection_quality:plates",
    "text": "bench.text_quality:measure",
    "retrieval": "bench.documents_quality:measure_retrieval",
    "answers": "bench.documents_quality:measure_answers",
    "chorale": "bench.music_quality:measure",
    "search": "bench.search_quality:measure",
    "receipts": "bench.receipts_quality:measure",
    "scenes": "bench.scenes_quality:measure",
    "vqa": "bench.scenes_quality:measure_answers",
    "style": "bench.style_quality:measure",
}


def main(arguments: list[str]) -> int:
    """Measure what is asked for and print one table; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description="Measured quality of the models.")
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"what to measure: {', '.join(BENCHMARKS)}; without it all"
    )
    figures: list[Figure] = []
    names = parser.parse_args(arguments).names or list(BENCHMARKS)
    for name in names:
        if name not in BENCHMARKS:
            parser.error(f"there is no {name!r}: choose from {', '.join(BENCHMARKS)}")
        module, _, function = BENCHMARKS[name].partition(":")
        measure: Callable[[Settings], list[Figure]] = getattr(importlib.import_module(module), function)
        try:
            figures += measure(Settings())
        except NoData as fault:
            print(f"{name}: {fault}", file=sys.stderr)
            return 2
    print(table(figures))
    for figure in figures:
        if figure.detail:
            print(f"{figure.data}, {figure.metric}: {figure.detail}")
    return 0 if all(figure.met for figure in figures) else 1


def table(figures: list[Figure]) -> str:
    """The figures as a Markdown table."""
    rows = [("data", "split", "metric", "ours", "target", "published reference")]
    rows += [
        (f.data, f.split, f.metric, f"{f.ours:.4f}", f"{f.target}{'' if f.met else ' MISSED'}", f.reference)
        for f in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
