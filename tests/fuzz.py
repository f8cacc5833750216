"""Damaged files, the same ones in each run of a test."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

#: decorates a test of one kind of file
fuzz = settings(
    max_examples=150, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)

ANY_BYTES = st.binary(max_size=400)


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """The file with bytes changed, cut off, doubled, moved or put in."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.sampled_from(("change", "head", "cut", "insert", "drop", "repeat"))):
            case "change":
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=4))
            case "head":  # sizes and counts stand in the first bytes
                at %= 64
                data[at : at + 4] = draw(st.sampled_from((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff")))
            case "cut":
                del data[at:]
            case "insert":
                data[at:at] = draw(st.binary(max_size=16))
            case "drop":
                del data[at : at + draw(st.integers(1, 32))]
            case "repeat":
                data[at:at] = data[at : at + 64]
    return bytes(data)
