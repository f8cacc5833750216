"""Sound: whatever FFmpeg reads in, 32-bit float samples inside, WAV out."""

from __future__ import annotations

import io
import wave
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
import numpy.typing as npt

from studio.errors import InvalidInput, TooLarge
from studio.media.base import Blob, Kept, Limits, Media

_A = TypeVar("_A", bound="Audio")

#: What PyAV raises on a damaged container, beside its own error: a stream without decoder has no rate, no width.
DAMAGE = (ValueError, AttributeError, TypeError, ArithmeticError)

_FULL_SCALE = 32_768

_CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,flac,flv,m4v,matroska,mov,mp3,mp4,mpeg,mpegts,mpegvideo,ogg,w64,wav,webm,wv"
)


class Audio(Media):
    """A sound.

    Args:
        samples: float32 array of shape (samples, channels) in -1..1.
        sampling_rate_hz: samples per second.
        name: the name its sender gave it.
    """

    kind: ClassVar[str] = "audio"
    accepts: ClassVar[str] = "audio/*"
    noun: ClassVar[str] = "a WAV, FLAC, MP3, OGG or M4A sound"

    def __init__(self, samples: npt.NDArray[np.float32], sampling_rate_hz: int, name: str = "") -> None:
        if samples.ndim != 2:
            raise ValueError(f"expected samples of shape (samples, channels), got {samples.shape}")
        self.samples = samples
        self.sampling_rate_hz = sampling_rate_hz
        self._name = name

    @property
    def nbytes(self) -> int:
        """Bytes of the samples."""
        return self.samples.nbytes

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sampling_rate_hz

    @classmethod
    def decode(cls, blob: Blob, limits: Limits) -> Self:
        """Check the length the header states, then decode until the limit; see `Media.decode`."""
        import av

        source = str(blob.path) if blob.data is None else io.BytesIO(blob.data)
        try:
            with open_container(source) as container:
                if not container.streams.audio:
                    raise InvalidInput("The file has no sound in it.", expected=cls.noun)
                if container.duration and container.duration / 1e6 > limits.audio_s:
                    raise too_long("sound", container.duration / 1e6, limits.audio_s, "ATELIER_MAX_AUDIO_S")
                return _decode_stream(cls, container, limits, blob.name)
        except InvalidInput:
            raise
        except (av.FFmpegError, *DAMAGE) as fault:
            raise InvalidInput("The file is not a sound that can be read.", expected=cls.noun) from fault

    def encode(self) -> tuple[bytes, str]:
        """16-bit PCM WAV."""
        buffer = io.BytesIO()
        with wave.open(buffer, "wb") as out:
            out.setnchannels(self.samples.shape[1])
            out.setsampwidth(2)
            out.setframerate(self.sampling_rate_hz)
            scaled = np.rint(self.samples * np.float32(_FULL_SCALE))  # the inverse of what decoding 16 bits does
            out.writeframes(np.clip(scaled, -_FULL_SCALE, _FULL_SCALE - 1).astype("<i2").tobytes())
        return buffer.getvalue(), "audio/wav"

    @property
    def suffix(self) -> str:
        """`.wav`."""
        return ".wav"

    def kept(self) -> tuple[bytes, str, dict[str, Any]]:
        """The samples as NumPy's `.npy`: as 16-bit integers where nothing is lost by it, which most files are."""
        scaled = self.samples * np.float32(_FULL_SCALE)
        whole = np.abs(scaled).max(initial=0) < _FULL_SCALE and bool((scaled == np.rint(scaled)).all())
        buffer = io.BytesIO()
        np.save(buffer, scaled.astype(np.int16) if whole else self.samples, allow_pickle=False)
        return buffer.getvalue(), ".npy", {"sampling_rate_hz": self.sampling_rate_hz}

    @classmethod
    def restored(cls, kept: Kept) -> Self:
        """See `Media.restored`."""
        samples = np.load(io.BytesIO(kept.path.read_bytes()), allow_pickle=False)  # (samples, channels)
        if samples.dtype == np.int16:
            samples = samples.astype(np.float32) / np.float32(_FULL_SCALE)
        return cls(samples, int(kept.facts["sampling_rate_hz"]), kept.name)


def _decode_stream(cls: type[_A], container: Any, limits: Limits, name: str) -> _A:
    import av

    stream = container.streams.audio[0]
    rate: int = stream.rate
    resampler = av.AudioResampler(format="fltp", rate=rate)
    chunks: list[npt.NDArray[np.float32]] = []
    count = 0
    for frame in container.decode(stream):
        for piece in resampler.resample(frame):
            chunk = piece.to_ndarray().astype(np.float32, copy=False)  # (channels, samples)
            chunks.append(chunk)
            count += chunk.shape[1]
            if count / rate > limits.audio_s:
                raise too_long("sound", count / rate, limits.audio_s, "ATELIER_MAX_AUDIO_S")
    if count == 0:
        raise InvalidInput("The sound is empty.", expected=cls.noun, got="0 samples")
    return cls(np.concatenate(chunks, axis=1).T, rate, name)


def open_container(source: str | io.BytesIO) -> Any:
    """Open a sound or video with FFmpeg, restricted to real containers.

    Playlists (HLS, DASH, concat) are left out: they would make FFmpeg read other files and addresses. So are
    pictures, which FFmpeg would take for videos.
    """
    import av

    return av.open(
        source, options={"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}, metadata_errors="replace"
    )


def too_long(what: str, got_s: float, limit_s: float, setting: str) -> TooLarge:
    """The error for a sound or a video beyond its limit in seconds."""
    return TooLarge(
        f"The {what} is longer than {limit_s:g} s.",
        expected=f"at most {limit_s:g} s",
        got=f"at least {got_s:.0f} s",
        hint=f"Cut it, or ask the operator to raise {setting}.",
    )
