"""What a visitor does: opens pages, fills in forms, presses buttons and reads the answers."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import FrameLocator, Locator, Page, expect

FACES = Path(__file__).parents[2] / "backends" / "faces" / "examples"


class Visitor:
    """Somebody at a browser.

    Attributes:
        page: their one tab.
        demo: the frame with the task's form, on a task's page.
    """

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def demo(self) -> FrameLocator:
        return self.page.frame_locator("iframe")

    def open_gallery(self) -> None:
        self.page.goto("/")
        expect(self.cards.first).to_be_visible()

    @property
    def cards(self) -> Locator:
        return self.page.locator('[class*="st-key-card-"]')

    def open_task(self, name: str, tab: str = "") -> None:
        """Open a task's page, and one of the demo's own tabs."""
        self.page.goto(f"/{name}")
        self.demo_is_ready()
        if tab:
            self.choose_tab(tab)

    def demo_is_ready(self) -> None:
        """Wait for the form."""
        expect(self.page.locator("iframe.ready")).to_be_visible()
        expect(self.run_button).to_be_visible()

    def choose_tab(self, title: str) -> None:
        self.demo.get_by_role("tab", name=title, exact=True).click()
        expect(self.demo.get_by_role("tab", name=title, exact=True)).to_have_attribute("aria-selected", "true")

    def field(self, name: str) -> Locator:
        return self.demo.locator(f"[id$='input-{name}']").locator("visible=true")

    def give(self, name: str, *files: Path) -> None:
        """Upload files into a field, by its button for uploads where another source is chosen."""
        field = self.field(name)
        button = field.get_by_label("Upload file")
        if button.count():
            button.click()
        field.locator("input[type=file]").set_input_files(files)

    def give_picture(self, name: str, file: Path) -> None:
        """Upload a picture and wait until it is shown."""
        self.give(name, file)
        expect(self.field(name).locator("img").locator("visible=true")).to_have_count(1)

    def write(self, name: str, text: str) -> None:
        self.field(name).locator("input, textarea").first.fill(text)

    def type(self, name: str, text: str) -> None:
        """Write, the last letter by its key: Gradio tells of input only after keys."""
        area = self.field(name).locator("input, textarea").first
        area.fill(text[:-1])
        area.press_sequentially(text[-1])

    def set_number(self, name: str, value: float) -> None:
        number = self.field(name).locator("input[type=number]")
        number.fill(str(value))
        number.blur()

    @property
    def run_button(self) -> Locator:
        return self.demo.get_by_role("button", name="Run", exact=True).locator("visible=true")

    @property
    def cancel_button(self) -> Locator:
        return self.demo.get_by_role("button", name="Cancel", exact=True).locator("visible=true")

    @property
    def status(self) -> Locator:
        """The line that says how the run is going, or the error."""
        return self.demo.locator(".status").locator("visible=true")

    @property
    def download_link(self) -> Locator:
        """Where the result is to be had; each run has its own."""
        return self.demo.get_by_role("link", name="Download the result").locator("visible=true")

    @property
    def readout(self) -> Locator:
        return self.demo.locator(".readout-body").locator("visible=true")

    def run(self) -> None:
        """Press Run and wait for its result, which is not the one that may still be shown."""
        before = self.download_link.get_attribute("href") if self.download_link.count() else ""
        self.run_button.click()
        expect(self.download_link).not_to_have_attribute("href", before or "")
        self.page.wait_for_timeout(300)  # Gradio takes no second run before it has heard the end of the first

    def run_into_error(self) -> Locator:
        """Press Run and wait for the error."""
        self.run_button.click()
        alert = self.demo.get_by_role("alert").locator("visible=true")
        expect(alert).to_be_visible()
        return alert

    def text(self) -> str:
        """All that is to be read in the demo."""
        return self.demo.locator("body").inner_text()
