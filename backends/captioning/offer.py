"""Names the network from the hub that would say more, with what it costs to have it."""

from __future__ import annotations


def blip_offer() -> str:
    """A sentence for pictures of which nothing was recognised."""
    return (
        "Observations say only what was measured. A network that was trained on captions, such as BLIP, may say more, "
        "and may be wrong: it can be chosen in the model list where the studio has it."
    )
