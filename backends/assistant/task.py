"""Many turns about pictures, by a language model that sees."""

from __future__ import annotations

from pathlib import Path

from backends.assistant.fields import AssistantInputs, AssistantOutputs
from studio.contract import Adapter, Example, Task

_EXAMPLES = Path(__file__).parent / "examples"

_QWEN = Adapter(
    name="qwen3_vl_2b",
    title="Qwen3-VL 2B Instruct",
    entry="backends.assistant.qwen:Qwen3Vl",
    weights="qwen3_vl_2b",
    memory_mb=5_500,
    licence="Apache-2.0",
    source="https://arxiv.org/abs/2511.21631",
    kind="hub",
    devices=("cuda", "cpu"),
    gpu_memory_mb=7_000,
    quality="not measured here",
    limits="Says what is likely, not what was measured: it may name what is not there, miscount, and misread small "
    "writing. Slow without a GPU.",
)

visual_assistant = Task(
    name="visual_assistant",
    title="Visual assistant",
    section="Images",
    summary="Many turns about pictures and PDFs. Its model is large and is downloaded first; until then Visual "
    "question answering answers from what the studio can find.",
    inputs=AssistantInputs,
    outputs=AssistantOutputs,
    examples=(
        Example(
            title="A receipt, in three turns",
            values={
                "images": [_EXAMPLES / "receipt.png"],
                "message": "What kind of document is this?\nWhat was the dearest item?\nAdd up the drinks.",
            },
        ),
        Example(
            title="Two pictures compared",
            values={
                "images": [_EXAMPLES / "cat.jpg", _EXAMPLES / "sign.png"],
                "message": "What is in each picture?",
            },
        ),
    ),
    adapters=(_QWEN,),
    how_it_works="""
A network cuts each picture into patches and turns them into vectors, which stand among the words of the conversation; a
language model goes on with it word by word ([Qwen3-VL, Qwen Team 2025](https://arxiv.org/abs/2511.21631)). Each line of
the message is a turn that sees the answers before it. To go on later, send the conversation as the history.

Pages of PDFs are looked at as pictures. Those of more than a million pixels are scaled down. The most likely word is
taken each time, so that the same turns get the same answers.

**What it is bad at.** It knows no evidence: what sounds likely is said, whether or not it is in the picture. Figures
and names have to be checked. Where an answer must rest on something, take *Visual question answering*.
""",
    keywords=("VLM", "Qwen-VL", "chat", "multimodal", "document", "chart", "slide", "image-text-to-text"),
)

TASKS = (visual_assistant,)
