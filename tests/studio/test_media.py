"""Sounds, videos, tables and files: what is read, what is refused, and which limits hold."""

from __future__ import annotations

import io
import pickle
import random
import zipfile
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd
import pytest

from studio.errors import InvalidInput, TooLarge
from studio.media.archive import Archive
from studio.media.audio import Audio
from studio.media.base import Blob, Limits, Media
from studio.media.file import File
from studio.media.table import Table
from studio.media.video import Video
from tests.families.specimens.task import EXAMPLES


def sound(seconds: float = 1.0, rate_hz: int = 8000, channels: int = 1) -> Audio:
    time_s = np.arange(int(seconds * rate_hz)) / rate_hz
    wave = (0.5 * np.sin(2 * np.pi * 440 * time_s)).astype(np.float32)
    return Audio(np.repeat(wave[:, None], channels, axis=1), rate_hz)


def video(kind: str, codec: str, width: int = 64, height: int = 48) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=kind) as container:
        stream: Any = container.add_stream(codec, rate=8)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for level in range(8):
            frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), level * 30, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()


# sound


@pytest.mark.parametrize("channels", [1, 2])
def test_a_wav_comes_back_as_it_went(channels: int) -> None:
    before = sound(channels=channels)
    after = Audio.load(before.data_url())
    assert after.samples.dtype == np.float32
    assert after.samples.shape == (8000, channels)
    assert after.sampling_rate_hz == 8000
    assert after.duration_s == 1.0
    assert np.abs(after.samples - before.samples).max() < 1e-3


def test_a_sound_is_limited_in_length() -> None:
    with pytest.raises(TooLarge, match="longer than 0.5 s") as caught:
        Audio.load(sound(1.0).data_url(), Limits(audio_s=0.5))
    assert "ATELIER_MAX_AUDIO_S" in (caught.value.hint or "")


@pytest.mark.parametrize("data", [b"words", b"RIFF\0\0\0\0WAVE", b"\xff\xfb" * 3])
def test_what_is_no_sound_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        Audio.load(Blob(data=data))


def test_an_empty_sound_is_refused() -> None:
    with pytest.raises(InvalidInput, match="empty"):
        Audio.load(Blob(data=Audio(np.zeros((0, 1), np.float32), 8000).encode()[0]))


def test_a_silent_video_has_no_sound() -> None:
    with pytest.raises(InvalidInput, match="no sound in it"):
        Audio.load(EXAMPLES / "clip.mp4")


def test_a_playlist_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "private.wav").write_bytes(sound().encode()[0])
    playlist = tmp_path / "upload.wav"
    playlist.write_text("ffconcat version 1.0\nfile private.wav\n")
    with av.open(str(playlist)) as opened:  # FFmpeg by itself does follow it
        assert opened.format.name == "concat"
    with pytest.raises(InvalidInput):
        Audio.load(playlist)


def test_samples_have_two_dimensions() -> None:
    with pytest.raises(ValueError, match="shape"):
        Audio(np.zeros(10, np.float32), 8000)


# video


@pytest.mark.parametrize(
    ("kind", "codec"),
    [("mp4", "libx264"), ("webm", "libvpx-vp9"), ("matroska", "mpeg4"), ("avi", "mpeg4"), ("mov", "mpeg4")],
)
def test_each_container_is_probed(kind: str, codec: str) -> None:
    probed = Video.load(Blob(data=video(kind, codec)))
    assert probed.resolution_wh == (64, 48)
    assert probed.duration_s == pytest.approx(1.0, abs=0.2)


def test_a_video_is_limited_in_length_and_pixels() -> None:
    with pytest.raises(TooLarge, match="longer than 0.2 s"):
        Video.load(EXAMPLES / "clip.mp4", Limits(video_s=0.2))
    with pytest.raises(TooLarge, match="frames have more than"):
        Video.load(EXAMPLES / "clip.mp4", Limits(image_pixels=1000))


@pytest.mark.parametrize("name", ["picture.png", "note.txt", "table.csv"])
def test_what_is_no_video_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="not a video"):
        Video.load(EXAMPLES / name)


def test_a_sound_has_no_pictures() -> None:
    with pytest.raises(InvalidInput, match="no pictures in it"):
        Video.load(EXAMPLES / "sound.wav")


def test_a_cut_off_video_is_refused() -> None:
    with pytest.raises(InvalidInput):
        Video.load(Blob(data=(EXAMPLES / "clip.mp4").read_bytes()[:200]))


@pytest.mark.parametrize(("name", "suffix"), [("a.webm", ".webm"), ("a.MOV", ".mov"), ("a.exe", ".mp4"), ("", ".mp4")])
def test_a_videos_suffix_is_one_of_a_few(name: str, suffix: str) -> None:
    assert Video(b"", name, resolution_wh=(1, 1)).suffix == suffix


# tables


@pytest.mark.parametrize(
    "data",
    [
        b"a,b\n1,x\n2,y\n",
        b"a\tb\n1\tx\n2\ty\n",
        b"a;b\n1;x\n2;y\n",
        b"\xef\xbb\xbfa,b\r\n1,x\r\n2,y\r\n",
        "a,b\n1,x\n2,y\n".encode("utf-16"),
        b'{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n',
    ],
    ids=["csv", "tsv", "semicolon", "bom-crlf", "utf-16", "json lines"],
)
def test_each_table_format_is_read(data: bytes) -> None:
    assert Table.load(Blob(data=data)).frame.to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}


def test_a_table_of_one_column() -> None:
    assert Table.load(Blob(data=b"name\nanna\nbob\n")).frame.to_dict("list") == {"name": ["anna", "bob"]}


def test_quoted_separators_and_accents() -> None:
    table = Table.load(Blob(data='name,"said, loudly"\nÉva,"a,b"\n'.encode()))
    assert table.frame.to_dict("list") == {"name": ["Éva"], "said, loudly": ["a,b"]}


def test_parquet_and_back_to_csv() -> None:
    buffer = io.BytesIO()
    pd.DataFrame({"a": [1, 2]}).to_parquet(buffer)
    table = Table.load(Blob(data=buffer.getvalue()))
    assert table.encode() == (b"a\n1\n2\n", "text/csv")


def test_rows_that_are_made_on_demand_travel_to_another_process() -> None:
    table = Table(lambda: pd.DataFrame({"a": [1, 2]}), "counts.csv")
    there = pickle.loads(pickle.dumps(table))
    assert (there.name, there.encode()) == ("counts.csv", table.encode())


@pytest.mark.parametrize("kind", ["csv", "parquet", "json"])
def test_rows_are_limited(kind: str) -> None:
    frame, buffer = pd.DataFrame({"a": range(11)}), io.BytesIO()
    if kind == "csv":
        frame.to_csv(buffer, index=False)
    elif kind == "parquet":
        frame.to_parquet(buffer)
    else:
        frame.to_json(buffer, orient="records", lines=True)
    assert len(Table.load(Blob(data=buffer.getvalue()), Limits(table_rows=11)).frame) == 11
    with pytest.raises(TooLarge, match="more than 10 rows"):
        Table.load(Blob(data=buffer.getvalue()), Limits(table_rows=10))


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n\0\0", b"PAR1broken", b'{"a": ', b"a,b\n", b"\n", b"a\n\xff\xfe\xfa\n"]
)
def test_what_is_no_table_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        Table.load(Blob(data=data))


# files


def test_a_file_is_taken_as_it_is() -> None:
    file = File.load(Blob(name="Report.PDF", data=b"%PDF"))
    assert (file.encode(), file.suffix, file.name) == ((b"%PDF", "application/pdf"), ".pdf", "Report.PDF")


@pytest.mark.parametrize("name", ["", "plain", "a.b/../../etc", "a./x", "a.\0", "a." + "x" * 30, "a.b\n"])
def test_a_files_suffix_is_never_a_path(name: str) -> None:
    assert File(b"x", name).suffix == ".bin"


# all


@pytest.mark.parametrize(
    ("kind", "name"), [(Audio, "sound.wav"), (Video, "clip.mp4"), (Table, "table.csv")], ids=["audio", "video", "table"]
)
@pytest.mark.filterwarnings("ignore")
def test_random_damage_is_read_or_refused(kind: type[Media], name: str) -> None:
    chance = random.Random(name)
    whole = (EXAMPLES / name).read_bytes()
    for _ in range(80):
        data = bytearray(whole)
        for _ in range(chance.choice([1, 3, 10])):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            kind.load(Blob(data=bytes(data[: chance.randrange(1, len(data) + 1)])))
        except InvalidInput:
            continue


def packed() -> bytearray:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("one.txt", "one")
    return bytearray(buffer.getvalue())


def test_an_archive_whose_member_lies_before_its_start_is_damaged() -> None:
    data = packed()
    start = int.from_bytes(data[-6:-2], "little")
    data[-6:-2] = (start + 1).to_bytes(4, "little")  # where the directory is said to begin
    with pytest.raises(InvalidInput, match="damaged"):
        Archive.load(Blob("a.zip", bytes(data))).read("one.txt")


def test_a_member_without_a_name_is_passed_over() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("one.txt", "one")
        archive.writestr("?", "two")
    data = buffer.getvalue().replace(b"?", b"\0")  # a name ends at its first zero byte
    assert Archive.load(Blob("a.zip", data)).names == ("one.txt",)
