"""A scanned PDF asked for what is written on it: two families, with their real models."""

from __future__ import annotations

from pathlib import Path

import pytest

import backends.text
from backends.documents.fields import ChatOutputs, IndexOutputs, PageOutputs
from studio.catalogue import Catalogue
from studio.runtime import Runtime
from studio.settings import Settings

SCAN = Path(backends.text.__file__).parent / "examples" / "scan.pdf"


@pytest.mark.slow
def test_a_scan_is_read_asked_and_shown(tmp_path: Path) -> None:
    runtime = Runtime(Settings(home=tmp_path, device="cpu"), Catalogue.discover())
    try:
        added = runtime.run("document_index", {"collection": "letters", "files": [SCAN]}).outputs
        question = "How many litres of white paint have been ordered?"
        told = runtime.run("document_chat", {"collection": "letters", "question": question}).outputs
        assert isinstance(added, IndexOutputs)
        assert isinstance(told, ChatOutputs)
        assert told.found
        assert "Three hundred litres of white" in told.answer
        cited = told.citations[0]
        start, end = cited.span
        place = {"document": cited.document, "page_index": cited.page_index, "start": start, "end": end}
        page = runtime.run("document_page", {"collection": "letters", **place}).outputs
        assert isinstance(page, PageOutputs)
        assert page.page is not None
        assert "litres of white" in page.text.replace("**", "")
    finally:
        runtime.close(grace_s=2)
