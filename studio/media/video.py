"""Video: the container is probed here, its frames are decoded one at a time when somebody asks for them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from studio.errors import InvalidInput, TooLarge
from studio.media.audio import DAMAGE, open_container, too_long
from studio.media.base import Blob, Limits, Media


@dataclass(frozen=True)
class Frame:
    """A picture of a video, upright.

    Attributes:
        rgb: uint8 (H, W, 3); of one size throughout a video.
        time_s: when it is shown, from the video's beginning.
    """

    rgb: npt.NDArray[np.uint8]
    time_s: float


class Video(Media):
    """A video, kept as its file's bytes.

    Args:
        data: the container's bytes.
        name: the name its sender gave it.
        resolution_wh: (width, height) in pixels as it is shown: a phone's rotation is applied.
        duration_s: length in seconds as the container states it, else as its packets have it, or None.
        frame_count: how many frames there are at most; 0 if that is not known.
    """

    kind: ClassVar[str] = "video"
    accepts: ClassVar[str] = "video/*"
    noun: ClassVar[str] = "an MP4, WebM, MOV, MKV or AVI video"

    def __init__(
        self,
        data: bytes,
        name: str = "",
        *,
        resolution_wh: tuple[int, int],
        duration_s: float | None = None,
        frame_count: int = 0,
    ) -> None:
        self.data = data
        self.resolution_wh = resolution_wh
        self.duration_s = duration_s
        self.frame_count = frame_count
        self._name = name

    @classmethod
    def decode(cls, blob: Blob, limits: Limits) -> Self:
        """Check the length, which the header and the packets state, and that a first frame can be decoded.

        See `Media.decode`.
        """
        import av

        try:
            with _opened(blob) as container:
                stated_s = _checked_header(container, limits)
                length_s, packets = _scanned(container, limits)
            with _opened(blob) as container:
                first = next(iter(container.decode(video=0)), None)
        except InvalidInput:
            raise
        except (av.FFmpegError, *DAMAGE) as fault:
            raise InvalidInput("The file is not a video that can be read.", expected=cls.noun) from fault
        if first is None:
            raise InvalidInput("The video has no frames.", expected=cls.noun, got="0 frames")
        lying = _quarter_turns(first) % 2
        return cls(
            blob.read(),
            blob.name,
            resolution_wh=(first.height, first.width) if lying else (first.width, first.height),
            duration_s=stated_s or length_s,
            frame_count=packets,
        )

    def frames(self) -> Iterator[Frame]:
        """Its frames in order, one in memory at a time.

        Raises:
            InvalidInput: it is damaged from here on.
        """
        import av

        with _opened(Blob(data=self.data)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            usual_s = 1 / float(stream.average_rate or 25)
            size: dict[str, int] = {}
            begun_s, time_s = None, -usual_s
            try:
                for frame in container.decode(stream):
                    size = size or {"width": frame.width, "height": frame.height}
                    stated_s = time_s + usual_s if frame.time is None else frame.time
                    begun_s = stated_s if begun_s is None else begun_s
                    time_s = max(time_s, stated_s - begun_s)
                    rgb = np.rot90(frame.to_ndarray(format="rgb24", **size), _quarter_turns(frame))
                    yield Frame(np.ascontiguousarray(rgb, np.uint8), time_s)
            except (av.FFmpegError, *DAMAGE) as fault:
                raise InvalidInput("The video is damaged.", expected="a complete video", got=str(fault)[:80]) from fault

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


def _opened(blob: Blob) -> Any:
    return open_container(str(blob.path) if blob.data is None else io.BytesIO(blob.data))


def _checked_header(container: Any, limits: Limits) -> float | None:
    """The stated length in seconds. Raises InvalidInput or TooLarge for what the header already tells."""
    if not container.streams.video:
        raise InvalidInput("The file has no pictures in it.", expected=Video.noun)
    stated_s = float(container.duration) / 1e6 if container.duration else None
    if stated_s and stated_s > limits.video_s:
        raise too_long("video", stated_s, limits.video_s, "ATELIER_MAX_VIDEO_S")
    stream = container.streams.video[0]
    if stream.width * stream.height > limits.image_pixels:
        raise TooLarge(
            f"The video's frames have more than {limits.image_pixels / 1e6:g} million pixels.",
            expected=f"at most {limits.image_pixels:,} pixels",
            got=f"{stream.width:,} x {stream.height:,} pixels",
            hint="Scale it down, or ask the operator to raise ATELIER_MAX_IMAGE_MEGAPIXELS.",
        )
    return stated_s


def _scanned(container: Any, limits: Limits) -> tuple[float | None, int]:
    """Length in seconds and number of packets, without decoding any: a header may state nothing, or too little."""
    begun_s: float | None = None
    end_s, count = 0.0, 0
    for packet in container.demux(video=0):
        if not packet.size:
            continue
        count += 1
        if packet.pts is None:
            continue
        begins_s = float(packet.pts * packet.time_base)
        begun_s = begins_s if begun_s is None else min(begun_s, begins_s)
        end_s = max(end_s, begins_s + float((packet.duration or 0) * packet.time_base))
        if end_s - begun_s > limits.video_s + 1:  # what has just been checked may be rounded
            raise too_long("video", end_s - begun_s, limits.video_s, "ATELIER_MAX_VIDEO_S")
    return (None if begun_s is None else end_s - begun_s), count


def _quarter_turns(frame: Any) -> int:
    """By how many right angles the frame has to be turned to the left to stand upright (its display matrix)."""
    return int(round(frame.rotation / 90) % 4)
