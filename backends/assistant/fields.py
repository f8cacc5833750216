"""What the visual assistant takes and answers."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from studio.contract import Inputs, Outputs, Ui
from studio.errors import InvalidInput, TooLarge
from studio.media.document import Document
from studio.results import Kind, Markdown, Message

MOST_TURNS = 10
#: Pictures and pages that are looked at together.
MOST_PAGES = 6


def turns_in(text: str) -> list[str]:
    """What is said, one turn a line."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def _some(text: str) -> str:
    said = turns_in(text)
    if not said:
        raise InvalidInput("Say something.", expected="a question or a request", got="nothing")
    if len(said) > MOST_TURNS:
        raise TooLarge(
            "These are too many turns for one run.",
            expected=f"at most {MOST_TURNS}, one a line",
            got=f"{len(said)}",
        )
    return text


class AssistantInputs(Inputs):
    """Pictures and documents, and what is said about them."""

    images: Annotated[
        list[Document],
        Field(
            title="Pictures and PDFs",
            description="Photographs, receipts, charts, slides; the assistant sees all of them throughout, in all at "
            f"most {MOST_PAGES} pictures and pages.",
            min_length=1,
            max_length=4,
        ),
    ]
    message: Annotated[
        str,
        Field(
            title="Message",
            description=f"Each line is a turn, which sees the answers before it; at most {MOST_TURNS}.",
            min_length=1,
            max_length=4_000,
        ),
        AfterValidator(_some),
        Ui(lines=4, placeholder="What is shown here?"),
    ]
    history: Annotated[
        list[Message] | None,
        Field(
            title="History",
            description="The turns before: the conversation of an earlier answer, to go on with it.",
            max_length=40,
        ),
        Kind("json"),
        Ui(advanced=True),
    ] = None
    most_tokens: Annotated[
        int,
        Field(title="Longest answer", description="An answer stops after so many word pieces.", ge=16, le=1_024),
        Ui(unit="tokens", advanced=True),
    ] = 256


class AssistantOutputs(Outputs):
    """The conversation with its answers."""

    answer: Annotated[Markdown, Field(title="Answer", description="To the last turn.")]
    conversation: Annotated[
        list[Message], Field(title="Conversation", description="All turns; send it as the history to go on.")
    ]
    notes: Annotated[
        list[str],
        Field(title="Notes", description="What was scaled down or left out, and what to mind."),
    ]
