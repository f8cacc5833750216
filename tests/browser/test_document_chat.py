"""A conversation about one's own files: asked, followed to the page, cancelled, kept and thrown away."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from fpdf import FPDF
from playwright.sync_api import Browser, Locator, expect

from surfaces.drawing import ACCENT
from tests.browser.conftest import studio
from tests.browser.profiles import Profiles
from tests.browser.visitor import Visitor

MOONS = "# Moons\n\nMars has two moons, Phobos and Deimos. They were discovered in 1877 by Asaph Hall in Washington.\n"
TEA = "Green tea is steeped for two minutes at 80 degrees. Black tea needs boiling water and four minutes."
WHO = "Who discovered the moons of Mars?"
HOW_LONG = "How long is green tea steeped?"
SLOWLY = "Tell me slowly about tea."
#: what an accordion holds is made when it opens; what is typed in the first moment is lost, and only a test is so quick
_MOUNTED_MS = 700


class SlowModel(BaseHTTPRequestHandler):
    """A language model's server: cites its first passage, and goes on for a minute where it is asked for something."""

    def do_GET(self) -> None:
        """The models there are."""
        self._start("application/json")
        self.wfile.write(json.dumps({"object": "list", "data": [{"id": "slow", "object": "model"}]}).encode())

    def do_POST(self) -> None:
        """A chat completion as server-sent events."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["messages"][-1]["content"]
        self._start("text/event-stream")
        try:
            for number in range(300 if SLOWLY in asked else 5):
                self._say(f"Statement {number} about tea [1]. ")
                time.sleep(0.2)
            self.wfile.write(b"data: [DONE]\n\n")
        except ConnectionError:
            return  # cancelled

    def _start(self, content: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content)
        self.end_headers()

    def _say(self, text: str) -> None:
        choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "slow", "choices": [choice]}
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.flush()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing on the console."""


@contextmanager
def slow_model() -> Iterator[str]:
    """The address of `SlowModel`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), SlowModel)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def profiles(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Profiles]:
    """Profiles at a studio of this module's own, which has a language model to ask."""
    with slow_model() as model, studio(tmp_path_factory.mktemp("studio"), ATELIER_LLM_URL=model) as address:
        made = Profiles(chromium, address)
        yield made
        made.close()


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A Markdown file and a PDF."""
    (tmp_path / "moons.md").write_text(MOONS)
    pdf = FPDF(format="A4")
    pdf.add_page()
    pdf.set_font("Helvetica", size=12)
    pdf.multi_cell(0, 8, TEA)
    pdf.output(str(tmp_path / "tea.pdf"))
    return [tmp_path / "moons.md", tmp_path / "tea.pdf"]


class Chatter:
    """A visitor on the page of the chat."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.visitor.page.goto("/document_chat")
        self.is_ready()

    def is_ready(self) -> None:
        expect(self.visitor.page.locator("iframe.ready")).to_be_visible()
        expect(self.part("ask")).to_be_visible()

    def part(self, name: str) -> Locator:
        """An element of the chat by its id."""
        return self.visitor.demo.locator(f"#chat-{name}")

    def picked(self, name: str) -> Locator:
        """What a picker shows."""
        return self.part(name).locator("input")

    def unfold(self, name: str) -> None:
        """Open what is kept out of the way: "files" or "this"."""
        self.part(name).locator("button").first.click()

    def upload(self, collection: str, files: list[Path]) -> None:
        """Put files into a collection, and wait until they are in it."""
        self.unfold("files")
        into = self.part("into").locator("input, textarea")
        expect(into).not_to_have_value("")
        self.visitor.page.wait_for_timeout(_MOUNTED_MS)
        into.fill(collection)
        into.blur()
        expect(into).to_have_value(collection)
        self.part("upload").locator("input[type=file]").set_input_files(files)
        expect(self.part("told")).to_contain_text(f"{len(files)} files added to {collection}")
        expect(self.picked("topic")).to_have_value(collection)

    def ask(self, question: str) -> None:
        self.part("message").locator("textarea").fill(question)
        self.part("ask").click()

    @property
    def answers(self) -> Locator:
        return self.part("said").locator(".bot.message")

    @property
    def citations(self) -> Locator:
        """The numbers in the answers."""
        return self.part("said").locator("a[href*='#source-']")


def test_an_answer_leads_to_its_place_and_the_conversation_is_kept(visitor: Visitor, files: list[Path]) -> None:
    chat = Chatter(visitor)
    chat.upload("Mixed", files)
    chat.ask(WHO)
    expect(chat.answers.last).to_contain_text("by Asaph Hall")
    expect(chat.citations.first).to_have_text("[1]")
    expect(chat.part("message").locator("textarea")).to_have_value("")
    chat.citations.first.click()
    expect(chat.part("place")).to_contain_text("moons.md")
    expect(chat.part("place").locator("strong")).to_contain_text("They were discovered in 1877 by Asaph Hall")
    chat.ask("And when?")
    expect(chat.answers).to_have_count(2)
    expect(chat.answers.last).to_contain_text("1877")
    chat.ask(HOW_LONG)
    expect(chat.answers.last).to_contain_text("two minutes")
    chat.citations.last.click()
    expect(chat.part("place")).to_contain_text("tea.pdf, page 1 of 1")
    assert marked_px(chat) > 100

    visitor.page.reload()
    chat.is_ready()
    expect(chat.answers).to_have_count(3)
    expect(chat.picked("topic")).to_have_value("Mixed")
    expect(chat.picked("thread")).to_have_value(WHO)
    expect(chat.citations.first).to_have_text("[1]")
    chat.citations.first.click()
    expect(chat.part("place")).to_contain_text("moons.md")

    chat.unfold("this")
    chat.part("export").click()
    link = chat.part("exported").locator("a[href]").first
    expect(link).to_be_visible()
    with visitor.page.expect_download() as download:
        link.click()
    exported = download.value.path().read_text()
    for text in (WHO, "by Asaph Hall", "And when?", HOW_LONG, "moons.md", "tea.pdf, page 1"):
        assert text in exported
    chat.part("title").locator("input, textarea").fill("Moons and tea")
    chat.part("retitle").click()
    expect(chat.picked("thread")).to_have_value("Moons and tea")
    chat.part("forget").click()
    chat.part("forget-sure").click()
    expect(chat.answers).to_have_count(0)
    expect(chat.picked("thread")).to_have_value("New chat")
    visitor.page.reload()
    chat.is_ready()
    expect(chat.picked("thread")).to_have_value("New chat")
    expect(chat.answers).to_have_count(0)


#: Puts a link as of a citation into a page and clicks it as soon as there is the button that it is to press.
_CLICK_AT_ONCE = """
new MutationObserver((changes, observer) => {
  if (!document.querySelector("#chat-cited")) return;
  observer.disconnect();
  const link = document.createElement("a");
  link.href = "#source-3-1";
  document.body.append(link);
  link.click();
}).observe(document, {childList: true, subtree: true});
"""


def test_a_click_on_a_citation_is_heard_from_the_first_moment(visitor: Visitor) -> None:
    visitor.page.add_init_script(_CLICK_AT_ONCE)
    chat = Chatter(visitor)
    expect(chat.part("cited")).to_have_count(1)
    expect(visitor.demo.locator("html")).to_have_attribute("data-cited", "3-1")


def marked_px(chat: Chatter) -> int:
    """How many pixels of the page's picture are those of a mark."""
    picture = chat.part("place").locator("img").first
    expect(picture).to_be_visible()
    address = picture.evaluate("image => image.src")
    data = chat.visitor.page.context.request.get(address).body()
    with PIL.Image.open(BytesIO(data)) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    accent = [int(ACCENT[place : place + 2], 16) for place in (1, 3, 5)]
    return int((abs(pixels - accent).max(axis=-1) < 30).sum())


def test_a_file_is_removed_and_the_collection_renamed_and_deleted(visitor: Visitor, files: list[Path]) -> None:
    chat = Chatter(visitor)
    chat.upload("Mixed", files)
    expect(chat.part("listed")).to_contain_text("tea.pdf")
    expect(chat.picked("file")).to_have_value("moons.md")
    chat.part("remove").click()
    expect(chat.part("listed")).not_to_contain_text("moons.md")
    expect(chat.picked("file")).to_have_value("tea.pdf")
    chat.part("new-name").locator("input, textarea").fill("Tea")
    chat.part("rename").click()
    expect(chat.picked("topic")).to_have_value("Tea")
    chat.ask(WHO)
    expect(chat.answers.last).to_contain_text("The documents don't say.")
    chat.part("delete").click()
    chat.part("delete-sure").click()
    expect(chat.picked("topic")).to_have_value("examples")
    expect(chat.part("delete-sure")).to_be_hidden()
    visitor.page.reload()
    chat.is_ready()
    expect(chat.picked("topic")).to_have_value("examples")


def test_a_language_model_is_seen_writing_and_is_cancelled(visitor: Visitor, files: list[Path]) -> None:
    chat = Chatter(visitor)
    visitor.page.get_by_role("combobox").first.click()
    visitor.page.get_by_role("option", name=re.compile("Language model on another server")).click()
    expect(visitor.page.locator("iframe")).to_have_attribute("src", re.compile("adapter=endpoint"))
    chat.is_ready()
    chat.upload("Mixed", files)
    chat.ask(SLOWLY)
    expect(chat.answers.last).to_contain_text("Statement 2")
    expect(chat.part("cancel")).to_be_visible()
    chat.part("cancel").click()
    expect(chat.part("status")).to_contain_text("cancelled")
    expect(chat.part("ask")).to_be_visible()
    expect(chat.answers).to_have_count(0)
    expect(chat.part("message").locator("textarea")).to_have_value(SLOWLY)
    chat.ask(HOW_LONG)
    expect(chat.answers.last).to_contain_text("Statement 4")
    expect(chat.part("ask")).to_be_visible()
    chat.citations.last.click()
    expect(chat.part("place")).to_contain_text("tea.pdf")
