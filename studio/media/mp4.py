"""Writes frames as a video that every browser plays: H.264 in MP4, 4:2:0, even sides, the index at the front."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

#: Larger frames are scaled down to it: not every device decodes more.
LONGEST_PX = 1920
_TICKS_PER_S = 90_000
_KEY_EVERY = 48
_OPTIONS = {
    "preset": "veryfast",
    "crf": "23",
    "bf": "0",  # no frame refers to a later one: the first one is shown at 0 s everywhere
    "threads": "2",
    # Colours are named as the frames are converted. x264's macroblock tree reads memory that nobody has written:
    # the same frames gave other bits about once in a hundred times.
    "x264-params": "colormatrix=smpte170m:colorprim=smpte170m:transfer=smpte170m:mbtree=0",
}


class Mp4Writer:
    """A video being written, of frames at times of their own. A context manager.

    Args:
        path: the file to write.
        fps: about how many frames come in a second; what counts are their times.
    """

    def __init__(self, path: Path, fps: float) -> None:
        import av

        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._fps = Fraction(fps).limit_denominator(1_000)
        self._stream: Any = None
        self._last = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def write(self, rgb: npt.NDArray[np.uint8], time_s: float) -> None:
        """Append a frame (H, W, 3), shown from that time on; all frames have the size of the first."""
        import av

        padded = np.pad(rgb, ((0, rgb.shape[0] % 2), (0, rgb.shape[1] % 2), (0, 0)), mode="edge")
        if self._stream is None:
            self._stream = self._opened(padded.shape[1], padded.shape[0])
        frame = av.VideoFrame.from_ndarray(padded, format="rgb24")
        frame = frame.reformat(self._stream.width, self._stream.height, "yuv420p")
        self._last = max(self._last + 1, round(time_s * _TICKS_PER_S))
        frame.pts, frame.time_base = self._last, Fraction(1, _TICKS_PER_S)
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Write what is left, and the index. To be called once."""
        if self._stream is not None:
            self._container.mux(self._stream.encode(None))
        self._container.close()

    def _opened(self, width: int, height: int) -> Any:
        scale = min(1.0, LONGEST_PX / max(width, height))
        stream = self._container.add_stream("libx264", rate=self._fps, options=_OPTIONS)
        stream.width, stream.height = (max(2, round(side * scale / 2) * 2) for side in (width, height))
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, _TICKS_PER_S)
        stream.codec_context.gop_size = _KEY_EVERY
        return stream
