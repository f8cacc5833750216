"""What all media types share: where the bytes come from, how pydantic reads and writes them, and the limits."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import unquote, unquote_to_bytes

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import core_schema

from studio.errors import InvalidInput, TooLarge
from studio.settings import Settings

_DATA_URL = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?P<parameters>(;[\w.+-]+=[^;,]*)*)(?P<base64>;base64)?,")

_NAME = re.compile(r";name=([^;,]*)")


@dataclass(frozen=True)
class Limits:
    """What an input may be at most; checked before anything is decoded."""

    upload_bytes: int = 64_000_000
    image_pixels: int = 50_000_000
    audio_s: float = 600
    video_s: float = 600
    table_rows: int = 200_000
    archive_ratio: float = 200
    archive_files: int = 5_000
    text_characters: int = 100_000

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """The limits that the operator has set."""
        return cls(
            upload_bytes=int(settings.max_upload_mb * 1e6),
            image_pixels=int(settings.max_image_megapixels * 1e6),
            audio_s=settings.max_audio_s,
            video_s=settings.max_video_s,
            table_rows=settings.max_table_rows,
            archive_ratio=settings.max_archive_ratio,
            archive_files=settings.max_archive_files,
            text_characters=settings.max_text_characters,
        )

    @staticmethod
    def among(context: Any) -> Limits:
        """The limits in a pydantic validation context, or the defaults where it has none."""
        return context["limits"] if isinstance(context, dict) and "limits" in context else Limits()


@dataclass(frozen=True)
class Blob:
    """Bytes that were uploaded, in memory or in a file, with the name their sender gave them.

    The name is for people to read; it is never used as a path.
    """

    name: str = ""
    data: bytes | None = None
    path: Path | None = None

    @property
    def size(self) -> int:
        """The number of bytes, without reading them."""
        if self.data is not None:
            return len(self.data)
        assert self.path is not None
        return self.path.stat().st_size

    def read(self) -> bytes:
        """All the bytes."""
        if self.data is not None:
            return self.data
        assert self.path is not None
        return self.path.read_bytes()

    @classmethod
    def from_data_url(cls, url: str, limit_bytes: int) -> Blob:
        """Decode `data:<type>[;name=<name>][;base64],<data>` (RFC 2397); the name is percent-encoded.

        Raises:
            InvalidInput: it is no data URL, or its base64 is broken.
            TooLarge: it would decode to more than `limit_bytes`.
        """
        head = _DATA_URL.match(url)
        if head is None:
            raise InvalidInput(
                "This is not a data URL.",
                expected="data:<media type>;base64,<data>",
                got=f"text starting with {url[:30]!r}" if url else "an empty text",
                hint="Send the file as multipart/form-data, or its bytes as a base64 data URL.",
            )
        body = url[head.end() :]
        if len(body) * 3 // 4 > limit_bytes:
            raise _too_many_bytes(len(body) * 3 // 4, limit_bytes)
        named = _NAME.search(head["parameters"])
        name = unquote(named[1]) if named else ""
        if not head["base64"]:
            return cls(name, unquote_to_bytes(body))
        try:
            return cls(name, base64.b64decode(body, validate=True))
        except ValueError as fault:  # binascii.Error, or characters beyond ASCII
            raise InvalidInput("The data URL's base64 is broken.", expected="base64", got=str(fault)) from fault


def _too_many_bytes(size: int, limit: int) -> TooLarge:
    return TooLarge(
        f"The file is larger than {limit / 1e6:g} MB.",
        expected=f"at most {limit:,} bytes",
        got=f"{size:,} bytes",
        hint="The operator can raise ATELIER_MAX_UPLOAD_MB.",
    )


def data_url(data: bytes, media_type: str) -> str:
    """The bytes as `data:<media_type>;base64,...`."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


class Media:
    """Base of Image, Audio, Video, Table and File: a value that pydantic fields can hold.

    A field of such a type accepts an instance, a `Blob`, a `pathlib.Path` of a file that the program itself names,
    or a data URL. A plain string is never taken for a path: a caller over the network cannot name files here.
    """

    kind: ClassVar[str]
    accepts: ClassVar[str] = "*/*"
    #: shown in messages: "expected ..."
    noun: ClassVar[str] = "a file"

    @classmethod
    def decode(cls, blob: Blob, limits: Limits) -> Self:
        """Check the limits from the header, then decode. Raises InvalidInput or TooLarge."""
        raise NotImplementedError

    def encode(self) -> tuple[bytes, str]:
        """The value as (bytes, media type), in its own format."""
        raise NotImplementedError

    @property
    def suffix(self) -> str:
        """The file name's ending that goes with `encode`, with its dot."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """The name its sender gave it, for people; may be empty."""
        return getattr(self, "_name", "")

    @property
    def nbytes(self) -> int:
        """Memory that the decoded value takes, in bytes."""
        raise NotImplementedError

    def data_url(self) -> str:
        """The encoded value as a data URL."""
        return data_url(*self.encode())

    @classmethod
    def load(cls, value: Any, limits: Limits | None = None) -> Self:
        """Read a value of this type from an instance, Blob, Path or data URL; see the class."""
        limits = limits or Limits()
        if isinstance(value, cls):
            return value
        blob = cls._blob(value, limits)
        if blob.size == 0:
            raise InvalidInput("The file is empty.", expected=cls.noun, got="0 bytes")
        if blob.size > limits.upload_bytes:
            raise _too_many_bytes(blob.size, limits.upload_bytes)
        return cls.decode(blob, limits)

    @classmethod
    def _blob(cls, value: Any, limits: Limits) -> Blob:
        if isinstance(value, Blob):
            return value
        if isinstance(value, Path):
            if not value.is_file():
                raise InvalidInput("There is no such file.", expected=cls.noun, got=value.name)
            return Blob(name=value.name, path=value)
        if isinstance(value, str):
            return Blob.from_data_url(value, limits.upload_bytes)
        raise InvalidInput(f"This is not {cls.noun}.", expected=cls.noun, got=type(value).__name__)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def validate(value: Any, info: ValidationInfo) -> Media:
            return cls.load(value, Limits.among(info.context))

        return core_schema.with_info_plain_validator_function(
            validate,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda media: media.data_url(), when_used="json"
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "format": "data-url", "contentMediaType": cls.accepts, "x-kind": cls.kind}
