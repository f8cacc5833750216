"""Trains a model of our own: `python -m recipes digits`.

Goes on where an interrupted training ended; `--fresh` starts again. Exits with 1 if the metric that the recipe asks for
is not reached; nothing is published then, unless the recipe names a lesser one that will do for the time being.
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import sys

from studio.settings import Settings

#: Name to module and function `(settings, folder)`, whose result has metric, reach, reached, publishable and stopped.
RECIPES = {
    "cells": "recipes.cells:train",
    "chorale": "recipes.chorale:train",
    "chorale_lstm": "recipes.chorale:train_lstm",
    "digits": "recipes.digits:train",
    "documents": "recipes.documents:train",
    "pictures": "recipes.pictures:train",
    "plates": "recipes.plates:train",
    "scene_questions": "recipes.scene_questions:train",
    "scenes": "recipes.scenes:train",
    "scenes_lstm": "recipes.scenes:train_lstm",
    "steel": "recipes.steel:train",
    "style_encoder": "recipes.style_encoder:train",
    "style_painter": "recipes.style_painter:train",
    "style_witness": "recipes.style_witness:train",
}


def main(arguments: list[str]) -> int:
    """Train what is asked for; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m recipes", description="Train a model of our own.")
    parser.add_argument("name", choices=sorted(RECIPES), help="what to train")
    parser.add_argument("--fresh", action="store_true", help="forget an earlier, unfinished training")
    asked = parser.parse_args(arguments)
    settings = Settings()
    folder = settings.home / "recipes" / asked.name
    if asked.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    module, _, function = RECIPES[asked.name].partition(":")
    result = getattr(importlib.import_module(module), function)(settings, folder)
    verdict = "published" if result.publishable else "NOT published"
    print(f"{asked.name}: {result.metric:.4f}, asked for {result.reach:g}: {verdict} ({result.stopped})")
    return 0 if result.reached else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
