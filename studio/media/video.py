"""Video: the container is probed here, its frames are decoded by the task one at a time."""

from __future__ import annotations

import io
from typing import ClassVar, Self

from studio.errors import InvalidInput, TooLarge
from studio.media.audio import DAMAGE, open_container, too_long
from studio.media.base import Blob, Limits, Media


class Video(Media):
    """A video, kept as its file's bytes.

    Args:
        data: the container's bytes.
        name: the name its sender gave it.
        resolution_wh: (width, height) in pixels as stored, before any rotation.
        duration_s: length in seconds as the container states it, or None.
    """

    kind: ClassVar[str] = "video"
    accepts: ClassVar[str] = "video/*"
    noun: ClassVar[str] = "an MP4, WebM, MOV, MKV or AVI video"

    def __init__(
        self, data: bytes, name: str = "", *, resolution_wh: tuple[int, int], duration_s: float | None = None
    ) -> None:
        self.data = data
        self.resolution_wh = resolution_wh
        self.duration_s = duration_s
        self._name = name

    @classmethod
    def decode(cls, blob: Blob, limits: Limits) -> Self:
        """Check the stated length and that a first frame can be decoded; see `Media.decode`."""
        import av

        source = str(blob.path) if blob.data is None else io.BytesIO(blob.data)
        try:
            with open_container(source) as container:
                if not container.streams.video:
                    raise InvalidInput("The file has no pictures in it.", expected=cls.noun)
                duration_s = container.duration / 1e6 if container.duration else None
                if duration_s and duration_s > limits.video_s:
                    raise too_long("video", duration_s, limits.video_s, "ATELIER_MAX_VIDEO_S")
                frame = container.streams.video[0]
                if frame.width * frame.height > limits.image_pixels:
                    raise TooLarge(
                        f"The video's frames have more than {limits.image_pixels / 1e6:g} million pixels.",
                        expected=f"at most {limits.image_pixels:,} pixels",
                        got=f"{frame.width:,} x {frame.height:,} pixels",
                        hint="Scale it down, or ask the operator to raise ATELIER_MAX_IMAGE_MEGAPIXELS.",
                    )
                first = next(iter(container.decode(video=0)), None)
        except InvalidInput:
            raise
        except (av.FFmpegError, *DAMAGE) as fault:
            raise InvalidInput("The file is not a video that can be read.", expected=cls.noun) from fault
        if first is None:
            raise InvalidInput("The video has no frames.", expected=cls.noun, got="0 frames")
        return cls(blob.read(), blob.name, resolution_wh=(first.width, first.height), duration_s=duration_s)

    @property
    def nbytes(self) -> int:
        """Bytes of the file."""
        return len(self.data)

    def encode(self) -> tuple[bytes, str]:
        """The file's bytes."""
        return self.data, {".webm": "video/webm", ".mov": "video/quicktime"}.get(self.suffix, "video/mp4")

    @property
    def suffix(self) -> str:
        """The ending of the name it came with, or `.mp4`."""
        ending = f".{self.name.rpartition('.')[2].lower()}" if "." in self.name else ".mp4"
        return ending if ending in (".mp4", ".webm", ".mov", ".mkv", ".avi") else ".mp4"
