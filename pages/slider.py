"""Two pictures over each other with a slider between them: left of it the one, right of it the other."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import PIL.Image
import streamlit as st

_LONGEST_PX = 1200
_CSS = """
.pair { position: relative; max-width: 760px; }
.pair img { display: block; width: 100%; border-radius: var(--st-base-radius); }
.pair .over { position: absolute; inset: 0; height: 100%; clip-path: inset(0 0 0 var(--cut)); }
.pair .line { position: absolute; inset: 0 auto 0 var(--cut); width: 2px; background: var(--st-primary-color); }
.names { display: flex; justify-content: space-between; max-width: 760px; font: var(--st-font);
  font-size: 0.875rem; color: var(--st-text-color); }
input { width: 100%; max-width: 760px; accent-color: var(--st-primary-color); margin: 0.5rem 0; display: block; }
"""
_HTML = """
<div class="pair" style="--cut:50%"><img class="under" alt=""><img class="over" alt=""><div class="line"></div></div>
<input type="range" min="0" max="100" value="50" aria-label="How much of the first picture is shown">
<div class="names"><span></span><span></span></div>
"""
_JS = """
export default function ({ data, parentElement }) {
  const pair = parentElement.querySelector(".pair");
  const range = parentElement.querySelector("input");
  const names = parentElement.querySelectorAll(".names span");
  const show = () => pair.style.setProperty("--cut", range.value + "%");
  [".under", ".over"].forEach((which, index) => {
    const image = pair.querySelector(which);
    if (image.src !== data.pictures[index]) image.src = data.pictures[index];
    image.alt = names[index].textContent = data.names[index];
  });
  range.oninput = show;
  show();
}
"""


def show_slider(first: PIL.Image.Image, second: PIL.Image.Image, names: Sequence[str], key: str) -> None:
    """Draw them; the second is brought to the size of the first.

    Args:
        names: what the two are, for people.
        key: the same as long as it is the same pair.
    """
    component = st.components.v2.component("atelier_slider", html=_HTML, css=_CSS, js=_JS)
    pictures = [_url(first, first.size), _url(second, first.size)]
    component(data={"pictures": pictures, "names": list(names)}, key=key, height="content")


def _url(picture: PIL.Image.Image, size: tuple[int, int]) -> str:
    scale = min(1.0, _LONGEST_PX / max(size))
    shown = picture.resize((max(1, round(size[0] * scale)), max(1, round(size[1] * scale))))
    buffer = io.BytesIO()
    shown.save(buffer, "WEBP", quality=90)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
