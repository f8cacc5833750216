"""A webcam's frames as the server meets them; the camera itself is tested in the browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.catalogue import Catalogue
from studio.media.image import Image
from studio.runtime import Runtime
from studio.settings import Settings
from surfaces.demos.live import Looking
from tests.families.specimens.task import EXAMPLES

FRAME = Image.open(EXAMPLES / "picture.png").data_url()


@pytest.fixture
def looking(tmp_path: Path) -> Iterator[Looking]:
    runtime = Runtime(Settings(home=tmp_path, device="cpu"), Catalogue.discover(["tests.families"]))
    yield Looking(runtime, runtime.catalogue.task("specimen_live"), [])
    runtime.close()


def test_a_frame_is_answered_with_what_was_seen_in_it(looking: Looking) -> None:
    session = looking.settle("anna", None, [])
    answer = looking.at({"session": session, "frame": FRAME}, "anna")
    assert answer["picture"].startswith("data:image/")
    assert answer["picture"] != FRAME
    assert "Brightness" in answer["readout"]


def test_nobody_uses_what_another_has_chosen(looking: Looking) -> None:
    session = looking.settle("anna", None, [])
    assert looking.at({"session": session, "frame": FRAME}, "bert") == {"unknown": True}


@pytest.mark.parametrize("asked", [{}, {"session": "", "frame": FRAME}, {"session": "gone", "frame": FRAME}])
def test_a_session_that_is_not_known_is_said_so(looking: Looking, asked: dict[str, Any]) -> None:
    assert looking.at(asked, "anna") == {"unknown": True}


@pytest.mark.parametrize("frame", ["", "data:,", "data:image/jpeg;base64,AAAA", "/etc/hostname", None, 7])
def test_what_is_no_picture_is_refused_in_words(looking: Looking, frame: Any) -> None:
    session = looking.settle("anna", None, [])
    answer = looking.at({"session": session, "frame": frame}, "anna")
    assert answer.get("picture") is None
    assert "class=" in answer["readout"]
    assert "root:" not in answer["readout"]


def test_a_frame_that_is_far_too_large_is_not_decoded(looking: Looking) -> None:
    session = looking.settle("anna", None, [])
    answer = looking.at({"session": session, "frame": "data:image/jpeg;base64," + "A" * 8_000_000}, "anna")
    assert answer["failed"]


def test_the_last_256_forms_are_remembered(looking: Looking) -> None:
    first, *_, last = [looking.settle("anna", None, []) for _ in range(257)]
    assert looking.at({"session": first, "frame": FRAME}, "anna") == {"unknown": True}
    assert "picture" in looking.at({"session": last, "frame": FRAME}, "anna")
