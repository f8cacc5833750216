"""The peer of the start-up and memory figures: Streamlit with a mounted Gradio hello, and nothing else.

Run as `ATELIER_PORT=... python bench/peers/hello.py`.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import gradio as gr
import streamlit as st
from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route


def greet(name: str) -> str:
    """The hello of Gradio's own first page."""
    return f"Hello {name}!"


demo = gr.mount_gradio_app(FastAPI(), gr.Interface(greet, "text", "text"), path="/demo")


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Enter the mounted application's lifespan, as its queue needs."""
    async with demo.router.lifespan_context(demo):
        yield


async def ready(request: object) -> PlainTextResponse:
    """Answers as soon as the process serves."""
    return PlainTextResponse("ready")


app = st.App(
    Path(__file__).with_name("hello_page.py"),
    routes=[Route("/readyz", ready), Mount("/gradio", demo)],
    lifespan=lifespan,
)

if __name__ == "__main__":
    port = int(os.environ["ATELIER_PORT"])
    app.run(config={"server.port": port, "server.address": "127.0.0.1", "browser.gatherUsageStats": False})
