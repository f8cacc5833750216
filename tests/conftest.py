"""Fixtures for all tests: settings in a temporary home, and a runtime over the real and the specimen families."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.catalogue import Catalogue
from studio.runtime import Runtime
from studio.settings import Settings

ROOT = Path(__file__).parent.parent
PACKAGES = ("backends", "tests.families")
KEPT = ("ATELIER_DATA",)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--model-server ADDRESS`: the contract's runs compute there."""
    parser.addoption("--model-server", default="", help="address of a model server for the contract tests")


def pytest_configure() -> None:
    """Let Ctrl-C reach the processes that tests start.

    A shell starts what it puts into the background with SIGINT ignored, and ignored signals are inherited.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of whoever runs the tests reaches them, and nothing is written to their home."""
    for name in os.environ:
        if name.startswith("ATELIER_") and name not in KEPT:
            monkeypatch.delenv(name)
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path / "home"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings as they are by default, but with a home of the test's own."""
    return Settings(home=tmp_path / "home", device="cpu", workers=2)


@pytest.fixture
def make_runtime(settings: Settings) -> Iterator[Callable[..., Runtime]]:
    """A function that makes a runtime over the real and the specimen families, with changed settings if wished."""
    made: list[Runtime] = []

    def make(catalogue: Catalogue | None = None, **changes: Any) -> Runtime:
        runtime = Runtime(settings.model_copy(update=changes), catalogue or Catalogue.discover(PACKAGES))
        made.append(runtime)
        return runtime

    yield make
    for runtime in made:
        runtime.close(grace_s=2)


@pytest.fixture
def runtime(make_runtime: Callable[..., Runtime]) -> Runtime:
    """A runtime over the real and the specimen families."""
    return make_runtime()
