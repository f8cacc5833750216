"""Plain text in whatever encoding it was written."""

from __future__ import annotations

import codecs

from backends.documents.parsers.parsed import MAX_CHARACTERS, Parsed, Reading, Writer, too_long
from studio.errors import InvalidInput

#: Byte order marks, the longer first: that of UTF-16 begins that of UTF-32.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PROBE_BYTES = 65_536
#: Beyond this share of control characters it is no text.
_MAX_CONTROLS = 0.01


def read_plain(data: bytes, reading: Reading) -> Parsed:
    """The whole text as one page."""
    writer = Writer()
    writer.block(decode(data))
    return Parsed("text", [writer.page()])


def decode(data: bytes) -> str:
    """Bytes as text: by their byte order mark, as UTF-8, or in the encoding that fits best.

    Raises:
        InvalidInput: it is not text.
        TooLarge: it has more characters than a document may have.
    """
    text = _decoded(data).replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > MAX_CHARACTERS:
        raise too_long()
    sample = text[:_PROBE_BYTES]
    controls = sum(c < " " and c not in "\n\t\f\v\x1b" for c in sample) + sample.count("\ufffd")
    if controls > _MAX_CONTROLS * len(sample):
        raise _binary()
    return text


def _decoded(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    if b"\0" in data[:_PROBE_BYTES]:
        return data.decode(_wide_encoding(data[:_PROBE_BYTES]), "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _guessed(data)


def _wide_encoding(sample: bytes) -> str:
    """UTF-16 without its mark: in text of most languages every other byte is often zero."""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    few, many = sorted((even, odd))
    if many < 0.2 * len(sample) / 2 or few > 0.05 * many:
        raise _binary()
    return "utf-16-le" if odd > even else "utf-16-be"


def _guessed(data: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(data[:_PROBE_BYTES]).best()
    if best is None:
        raise _binary()
    return data.decode(best.encoding, "replace")


def _binary() -> InvalidInput:
    return InvalidInput(
        "The file is not text.", expected="text in UTF-8, UTF-16 or another encoding", got="binary data"
    )
