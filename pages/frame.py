"""The frame around a demo: an iframe as tall as its content, which is neither reloaded nor resized by surprise.

`st.iframe` gives an address a fixed height. The demos are on the same origin, so this component measures them, and
switches their light and dark mode in place instead of loading them again, which would lose what was entered.
"""

from __future__ import annotations

import streamlit as st

_CSS = """
.frame { position: relative; color: var(--st-text-color); transition: color 1ms; }
iframe { display: block; width: 100%; border: 0; background: transparent; opacity: 0; transition: opacity 150ms; }
iframe.ready { opacity: 1; }
.wait { position: absolute; inset: 0 0 auto; color: var(--st-text-color); opacity: 0.6; font: var(--st-font); }
@media (prefers-reduced-motion: reduce) { iframe { transition: none; } }
"""
_HTML = '<div class="frame"><p class="wait" role="status">Opening the demo …</p></div>'
_JS = r"""
function follow(iframe, least, opened) {
  const page = iframe.contentDocument;
  // Gradio stretches its own containers to the frame's height: only what lies inside them tells how tall it is.
  const main = () => page.querySelector(".gradio-container main");
  const fit = () => {
    const boxes = [...(main()?.children ?? [])].map((part) => part.getBoundingClientRect());
    const bottom = Math.max(0, ...boxes.filter((box) => box.width > 0).map((box) => box.bottom));
    if (bottom === 0) return;  // not drawn yet, or hidden behind another tab: its size means nothing
    opened();
    iframe.style.height = Math.max(Math.ceil(bottom + iframe.contentWindow.scrollY) + 8, least) + "px";
  };
  const sizes = new ResizeObserver(fit);
  let parts = [];
  const watch = () => {
    const now = [...(main()?.children ?? [])];
    if (now.length === parts.length && now.every((part, index) => part === parts[index])) return;
    sizes.disconnect();
    parts = now;
    parts.forEach((part) => sizes.observe(part));
    fit();
  };
  const nodes = new MutationObserver(watch);
  nodes.observe(page.body, { childList: true, subtree: true });
  watch();
  return () => { sizes.disconnect(); nodes.disconnect(); };
}

// The page's text colour tells its mode, whoever chose it: light text stands on a dark ground.
function mode(frame) {
  const [red, green, blue] = getComputedStyle(frame).color.match(/[\d.]+/g).map(Number);
  return red + green + blue > 382 ? "dark" : "light";
}

export default function ({ data, parentElement }) {
  const frame = parentElement.querySelector(".frame");
  const wait = parentElement.querySelector(".wait");
  let iframe = frame.querySelector("iframe");
  if (!iframe) {
    const opened = () => {
      iframe.classList.add("ready");
      wait.hidden = true;
    };
    iframe = document.createElement("iframe");
    iframe.allow = "camera; microphone; clipboard-read; clipboard-write; autoplay; fullscreen";
    iframe.style.height = data.height + "px";
    iframe.addEventListener("load", () => {
      iframe.release?.();
      setTimeout(opened, 5000);  // an answer that is no demo, an error say, is shown too
      iframe.release = follow(iframe, 240, opened);
    });
    frame.append(iframe);
    frame.addEventListener("transitionend", (event) => {  // the text colour has changed: the mode has
      if (event.target === frame) iframe.contentDocument?.body?.classList.toggle("dark", mode(frame) === "dark");
    });
  }
  iframe.title = data.title;
  if (iframe.dataset.source !== data.source) {
    iframe.dataset.source = data.source;
    iframe.classList.remove("ready");
    wait.hidden = false;
    const address = new URL(data.source, window.location.href);
    address.searchParams.set("__theme", mode(frame));
    iframe.src = address;
  }
}
"""


def demo_frame(source: str, *, title: str, height: int = 640, key: str) -> None:
    """Show a demo of this studio.

    Args:
        source: path and query on this origin, "/demos/face_verification/?adapter=dlib".
        title: the frame's accessible name.
        height: pixels kept free until the demo's own height is known.
        key: the same as long as it is the same demo.
    """
    component = st.components.v2.component("atelier_demo_frame", html=_HTML, css=_CSS, js=_JS)
    component(data={"source": source, "title": title, "height": height}, key=key, height="content")
