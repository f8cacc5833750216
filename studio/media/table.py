"""Tables: CSV, TSV, JSON lines and Parquet in, CSV out."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

from studio.errors import InvalidInput, TooLarge
from studio.media.base import UNLIMITED, Blob, Kept, Limits, Media

if TYPE_CHECKING:
    import pandas

#: What pandas and Arrow raise on bytes that are not, or no longer, a table.
_DAMAGE = (ValueError, OSError, LookupError, TypeError, ArithmeticError, NotImplementedError, MemoryError)


class Table(Media):
    """Rows with named columns, as a pandas DataFrame.

    Args:
        frame: the rows, or what makes them once somebody asks; the index is not part of the table.
        name: the name its sender gave it.
    """

    kind: ClassVar[str] = "table"
    accepts: ClassVar[str] = "text/csv"
    noun: ClassVar[str] = "a CSV, TSV, JSON lines or Parquet table"

    def __init__(self, frame: pandas.DataFrame | Callable[[], pandas.DataFrame], name: str = "") -> None:
        self._given = frame
        self._name = name

    def __getstate__(self) -> dict[str, Any]:
        """The rows themselves: what makes them may be unable to travel to another process."""
        return {"_given": self.frame, "_name": self._name}

    @cached_property
    def frame(self) -> pandas.DataFrame:
        """The rows."""
        return self._given() if callable(self._given) else self._given

    @classmethod
    def decode(cls, blob: Blob, limits: Limits) -> Self:
        """Read at most one row more than the limit, by the format that the bytes show; see `Media.decode`."""
        try:
            frame = _read(blob.read(), limits.table_rows)
        except _DAMAGE as fault:
            raise InvalidInput("The file is not a table that can be read.", expected=cls.noun) from fault
        if len(frame) > limits.table_rows:
            raise TooLarge(
                f"The table has more than {limits.table_rows:,} rows.",
                expected=f"at most {limits.table_rows:,} rows",
                hint="The operator can raise ATELIER_MAX_TABLE_ROWS.",
            )
        if frame.shape[1] == 0 or len(frame) == 0:
            raise InvalidInput("The table has no rows.", expected=cls.noun, got=f"{frame.shape[0]} rows")
        return cls(frame, blob.name)

    @property
    def nbytes(self) -> int:
        """Bytes of the columns, texts included."""
        return sum(int(column.memory_usage(index=False, deep=True)) for _, column in self.frame.items())

    def encode(self) -> tuple[bytes, str]:
        """CSV with a header, UTF-8."""
        return self.frame.to_csv(index=False).encode(), "text/csv"

    @property
    def suffix(self) -> str:
        """`.csv`."""
        return ".csv"

    def kept(self) -> tuple[bytes, str, dict[str, Any]]:
        """Parquet, which keeps the types of the columns; CSV for what Parquet has no type for."""
        try:
            return self.frame.to_parquet(index=False), ".parquet", {}
        except (ValueError, TypeError):  # Arrow's own errors are among these: columns of mixed types, or named twice
            return super().kept()

    @classmethod
    def restored(cls, kept: Kept) -> Self:
        """See `Media.restored`."""
        return cls(_read(kept.path.read_bytes(), UNLIMITED.table_rows - 1), kept.name)


def _read(data: bytes, max_rows: int) -> pandas.DataFrame:
    import pandas

    if data[:4] == b"PAR1":
        import pyarrow.parquet

        file = pyarrow.parquet.ParquetFile(io.BytesIO(data))
        rows: int = file.metadata.num_rows
        return file.read().to_pandas() if rows <= max_rows else pandas.DataFrame({"rows": range(max_rows + 1)})
    if b"\0" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError("binary data")
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    if data.lstrip()[:1] == b"{":
        return pandas.read_json(io.BytesIO(data), lines=True, nrows=max_rows + 1, encoding=encoding)
    separator = _separator(data.decode(encoding).lstrip("\r\n").split("\n", 1)[0])
    return pandas.read_csv(io.BytesIO(data), sep=separator, nrows=max_rows + 1, encoding=encoding)


def _separator(header: str) -> str:
    """What separates the columns: the most frequent candidate in the header, the comma where it has none."""
    return max(",\t;|", key=header.count)
