"""Makes the pictures of the gallery and of the README: `python -m docs.pictures.make [tasks]`, without names all.

Runs a task's first example in a studio of its own and keeps a picture of the result as
`backends/<family>/examples/<task>.webp`: the pictures among the outputs side by side, of a chat the page that it cites,
or, where there are none, the first plot or table as the demo shows it. Needs Chromium for those and for `gallery.png`.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from io import BytesIO
from pathlib import Path

import PIL.Image
import PIL.ImageOps
from playwright.sync_api import Browser, sync_playwright

from bench.servers import ROOT, studio
from studio.contract import Chat, Outputs, Task
from studio.errors import AtelierError
from studio.fields import describe
from studio.results import BoxedImage
from studio.runtime import Runtime
from studio.settings import Settings
from surfaces.drawing import draw
from surfaces.theme import LIGHT

SIZE_WH = (768, 512)
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def main() -> None:
    """Make those of the tasks that the command line names, and the gallery."""
    parser = argparse.ArgumentParser(prog="python -m docs.pictures.make", description="Make the gallery's pictures.")
    parser.add_argument("tasks", nargs="*", help="their names; without any all")
    wanted = parser.parse_args().tasks
    with tempfile.TemporaryDirectory() as home, studio() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_ARGUMENTS)
        runtime = Runtime(Settings(home=Path(home)))
        for task in runtime.catalogue:
            if task.part_of is None and (not wanted or task.name in wanted):
                picture = of_outputs(runtime, task) or of_demo(browser, server.address, task)
                path = runtime.catalogue.entry(task.name).family / "examples" / f"{task.name}.webp"
                PIL.ImageOps.pad(picture, SIZE_WH, color=LIGHT.background).save(path, quality=86)
                print(path.relative_to(ROOT))
        runtime.close()
    with studio() as server, sync_playwright() as playwright:  # which has the new pictures
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(server.address)
        page.get_by_text("Face verification").last.wait_for()
        page.wait_for_load_state("networkidle")
        page.screenshot(path=ROOT / "docs" / "pictures" / "gallery.png")


def of_outputs(runtime: Runtime, task: Task) -> PIL.Image.Image | None:
    """The pictures of the first example's result side by side, each cut to the same height; None without any."""
    for part in runtime.catalogue.parts(task.name):
        for example in part.examples:  # what the parts keep (people, documents) is there for the result
            try:
                runtime.run(part.name, example.values)
            except AtelierError as error:
                print(f"{part.name}: {error}", file=sys.stderr)
    outputs = runtime.run(task.name, task.examples[0].values).outputs
    assert outputs is not None
    if task.chat is not None:
        return of_source(runtime, task.chat, outputs)
    pictures = [
        draw(value) if isinstance(value, BoxedImage) else value.pil()
        for spec in describe(task.outputs)
        if spec.kind in ("image", "boxed_image") and not spec.many and (value := getattr(outputs, spec.name))
    ]
    if not pictures:
        return None
    return side_by_side(pictures) if len(pictures) <= 3 else tiles(pictures)


def of_source(runtime: Runtime, chat: Chat, outputs: Outputs) -> PIL.Image.Image:
    """The part of a page that an answer comes from, the passage marked on it; the first source has to have a page."""
    place = runtime.run(chat.place, getattr(outputs, chat.sources)[0].place).outputs
    page = next(value for value in vars(place).values() if isinstance(value, BoxedImage))
    picture = draw(page)
    height_px = picture.width * SIZE_WH[1] // SIZE_WH[0]
    top_px = max(0, round(min(box.xyxy[1] for box in page.boxes)) - height_px // 3)
    return picture.crop((0, top_px, picture.width, top_px + height_px))


def side_by_side(pictures: list[PIL.Image.Image]) -> PIL.Image.Image:
    """Photographs in one row that fills the picture."""
    size_wh = SIZE_WH[0] // len(pictures), SIZE_WH[1]
    whole = PIL.Image.new("RGB", SIZE_WH)
    for number, picture in enumerate(pictures):
        whole.paste(PIL.ImageOps.fit(picture, size_wh, centering=(0.5, 0.35)), (number * size_wh[0], 0))
    return whole


def tiles(pictures: list[PIL.Image.Image], gap_px: int = 16) -> PIL.Image.Image:
    """The first picture large, two more uncut beside it."""
    large_px, small_px = SIZE_WH[1] - 2 * gap_px, (SIZE_WH[1] - 3 * gap_px) // 2
    whole = PIL.Image.new("RGB", SIZE_WH, LIGHT.background)
    whole.paste(PIL.ImageOps.contain(pictures[0], (large_px, large_px), PIL.Image.Resampling.NEAREST), (gap_px, gap_px))
    for number, picture in enumerate(pictures[1:3]):
        place = large_px + 2 * gap_px, gap_px + number * (small_px + gap_px)
        whole.paste(PIL.ImageOps.contain(picture, (small_px, small_px)), place)
    return whole


def of_demo(browser: Browser, address: str, task: Task) -> PIL.Image.Image:
    """The first plot, or else the read-out, of the first example's result, as the demo shows it."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000}, device_scale_factor=2)
    page.goto(f"{address}/demos/{task.name}/")
    page.locator("button.example").first.click()
    page.locator(".status.done").wait_for(timeout=120_000)
    plots = [spec.name for spec in describe(task.outputs) if spec.kind == "plot"]
    shown = page.locator(f"#output-{plots[0]} .vega-embed" if plots else "#readout").first
    shown.wait_for()
    page.wait_for_load_state("networkidle")
    picture = PIL.Image.open(BytesIO(shown.screenshot())).convert("RGB")
    page.close()
    return picture


if __name__ == "__main__":
    main()
