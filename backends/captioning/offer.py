"""Names the network from the hub that would say more, with what it costs to have it."""

from __future__ import annotations

from pathlib import Path

from backends.captioning.task import BLIP
from studio.weights import Shelf


def blip_offer() -> str:
    """A sentence for pictures of which nothing was recognised."""
    family = Path(__file__).parent
    row = Shelf(family).row(family, BLIP.weights)
    return (
        f"Observations say only what was measured. {BLIP.title} was trained on captions and may say more, and may be "
        f"wrong: choose it in the model list, {row.total_bytes / 1e6:.0f} MB to download, licence {row.licence}."
    )
