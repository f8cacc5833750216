"""The peer of the throughput figure: a Gradio app as one writes it around the same model, with Gradio's own defaults.

Run as `ATELIER_PORT=... python bench/peers/embedding.py FOLDER_OF_THE_MODEL`.
"""

from __future__ import annotations

import os
import sys

import gradio as gr
import uvicorn
from fastapi import FastAPI
from sentence_transformers import SentenceTransformer
from starlette.responses import PlainTextResponse

model = SentenceTransformer(sys.argv[1])


def embed(text: str) -> list[float]:
    """The vector of one text."""
    return [float(x) for x in model.encode(text, normalize_embeddings=True)]


app = FastAPI()


@app.get("/readyz")
def ready() -> PlainTextResponse:
    """Answers as soon as the process serves."""
    return PlainTextResponse("ready")


if __name__ == "__main__":
    gr.mount_gradio_app(app, gr.Interface(embed, "text", "json", api_name="embed"), path="/gradio")
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["ATELIER_PORT"]), log_level="error")
