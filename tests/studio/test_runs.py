"""The runs that are kept: over a restart, a kill, a full disk, their time to live and their budgets."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from studio import run_database, run_writer
from studio.errors import BackendFailed, InvalidInput, NotFound, RunsUnavailable, TooLarge
from studio.media.audio import Audio
from studio.media.base import Kept, Media
from studio.media.image import Image
from studio.media.table import Table
from studio.packing import Packer, unpacked
from studio.run_database import FILE_NAME, MIGRATIONS, RunDatabase
from studio.run_rows import Wanted
from studio.runtime import Runtime
from tests.conftest import ROOT
from tests.families.specimens.task import EchoInputs, EchoOutputs, StreamInputs, StreamOutputs

Make = Callable[..., Runtime]
STREAM = {"steps": 2, "pause_s": 0.0}


def echo(runtime: Runtime) -> dict[str, Any]:
    return runtime.example(runtime.catalogue.task("specimen_echo")) | {
        "words": ["$media", "b"],
        "limits": {"$media": 1.5, "$$x": 2},
        "grade": "fine",
    }


def files(runtime: Runtime) -> list[Path]:
    return [path for path in (runtime.settings.home / "runs" / "files").rglob("*") if path.is_file()]


def settled(runtime: Runtime) -> Runtime:
    assert runtime.runs.writer.settle(10)
    return runtime


# media


@pytest.mark.parametrize(
    "media",
    [
        Image(np.random.default_rng(0).integers(0, 255, (90, 70, 3)).astype(np.uint8), "noise.png"),
        Image(np.zeros((2, 3, 3), np.uint8), lossless=True),
        Audio(np.float32(np.arange(-32768, 32767, 100)[:, None] / 32768), 8000, "sixteen bits"),
        Audio(np.random.default_rng(0).uniform(-1, 1, (50, 3)).astype(np.float32), 44100),
        Audio(np.zeros((0, 1), np.float32), 8000),
        Table(pandas.DataFrame({"a": [0.1 + 0.2, float("nan")], "b": ["x", None]}), "t.csv"),
        Table(pandas.DataFrame(columns=["nothing"])),
    ],
    ids=lambda media: f"{media.kind}-{media.name}",
)
def test_a_value_is_restored_to_the_last_bit(media: Media, tmp_path: Path) -> None:
    data, suffix, facts = media.kept()
    file = tmp_path / f"0{suffix}"
    file.write_bytes(data)
    again = type(media).restored(Kept(file, media.name, json.loads(json.dumps(facts))))
    assert again.name == media.name
    assert again.encode() == media.encode()
    for name in ("rgb", "samples"):
        if hasattr(media, name):
            np.testing.assert_array_equal(getattr(again, name), getattr(media, name))
    if isinstance(media, Table):
        pandas.testing.assert_frame_equal(again.frame, media.frame)


def test_a_jpeg_is_kept_as_it_came(tmp_path: Path) -> None:
    came = Image(np.random.default_rng(0).integers(0, 255, (90, 70, 3)).astype(np.uint8)).encode()[0]
    (tmp_path / "came.jpg").write_bytes(came)
    image = Image.open(tmp_path / "came.jpg")
    assert image.kept() == (came, ".jpg", {})
    made = Image(image.rgb)
    made.encode()
    assert made.kept()[1] == ".png", "a JPEG that was made here would not give these pixels back"


def test_what_is_in_two_places_is_written_once(tmp_path: Path) -> None:
    image = Image(np.zeros((80, 80, 3), np.uint8))
    packer = Packer()
    first = packer.pack(StreamOutputs(text="$media", step=1), tmp_path / "a", "inputs")
    assert (first, (tmp_path / "a").exists()) == ({"text": "$media", "step": 1}, False)
    packed = [packer.pack(_with(image), tmp_path / part, part)["portrait"] for part in ("inputs", "outputs")]
    assert packed[0] == packed[1]
    assert [path.name for path in tmp_path.rglob("*.*")] == ["0.png"]
    with pytest.raises(ValueError, match="a file of this run"):
        unpacked({"$media": "../../etc/passwd", "name": "", "facts": {}}, tmp_path, {})


def _with(image: Image) -> EchoOutputs:
    return EchoOutputs.model_construct(**(dict.fromkeys(EchoOutputs.model_fields) | {"portrait": image}))


# over a restart


def test_a_run_is_the_same_after_a_restart(make_runtime: Make) -> None:
    before = make_runtime()
    done = before.run("specimen_echo", echo(before), owner="anna")
    failed = before.submit("specimen_failure", {"way": "own"}, owner="anna")
    failed.wait(5)
    before.close()
    after = make_runtime()
    again = after.jobs.get(done.id, "anna")
    assert again is not done
    for name in ("inputs", "outputs"):
        assert getattr(again, name).model_dump(mode="json") == getattr(done, name).model_dump(mode="json")
    assert isinstance(again.outputs, EchoOutputs)
    assert isinstance(again.inputs, EchoInputs)
    assert again.outputs.boxed.image is again.inputs.image, "one file is one picture again"
    facts = ("id", "task", "adapter", "state", "device", "remarks", "created_s", "run_s", "load_s", "progress")
    assert [getattr(again, name) for name in facts] == [getattr(done, name) for name in facts]
    error = after.jobs.get(failed.id, "anna").error
    assert isinstance(error, InvalidInput)
    assert failed.error is not None
    assert error.shape() == failed.error.shape()
    assert [row.id for row in after.runs.page("anna")] == [failed.id, done.id]
    assert after.jobs.latest("anna", "specimen_echo") is again, "and it is not read twice"
    with pytest.raises(NotFound):
        after.jobs.get(done.id, "bob")
    assert after.runs.page("bob") == []


def test_a_list_shows_what_goes_on(runtime: Runtime) -> None:
    job = runtime.submit("specimen_stream", {"steps": 1000, "pause_s": 0.01}, owner="anna")
    (row,) = runtime.runs.page("anna")
    assert (row.id, row.finished, row.asked) == (job.id, False, "steps 1000")
    with pytest.raises(RunsUnavailable):
        runtime.runs.pin(job.id, "anna", pinned=True)
    job.cancel()
    job.wait(5)
    assert settled(runtime).runs.page("anna")[0].state == "cancelled"
    assert runtime.runs.page("anna", Wanted(state="done")) == []


def test_a_page_goes_on_where_the_last_one_ended(runtime: Runtime) -> None:
    jobs = [runtime.run("specimen_stream", STREAM, owner="anna") for _ in range(5)]
    settled(runtime)
    first = runtime.runs.page("anna", limit=2)
    rest = runtime.runs.page("anna", after=first[-1].bookmark)
    assert [row.id for row in [*first, *rest]] == [job.id for job in reversed(jobs)]
    runtime.runs.pin(jobs[1].id, "anna", pinned=True)
    assert [row.id for row in runtime.runs.page("anna", Wanted(pinned=True))] == [jobs[1].id]
    assert runtime.runs.page("anna", Wanted(task="specimen_echo")) == []
    assert runtime.runs.tasks("anna") == ["specimen_stream"]


def test_a_run_says_what_it_was_about(runtime: Runtime) -> None:
    runtime.run("specimen_echo", echo(runtime), owner="anna")
    (row,) = settled(runtime).runs.page("anna")
    assert row.asked.startswith("picture.png, sound.wav, clip.mp4, note.txt, “Hello”, “$media” and 1 more, grade fine")
    assert row.answered == "Hello"
    assert row.has_picture
    picture = runtime.runs.picture(row.id, "anna")
    assert picture is not None
    assert picture[8:12] == b"WEBP"
    with pytest.raises(NotFound):
        runtime.runs.picture(row.id, "bob")


def test_what_is_not_kept(make_runtime: Make) -> None:
    runtime = make_runtime()
    picture = runtime.example(runtime.catalogue.task("specimen_live"))
    runtime.run_frame("specimen_live", picture, owner="anna")
    runtime.run("face_gallery", {"action": "list"}, owner="anna")
    assert settled(runtime).runs.page("anna") == []
    assert runtime.jobs.latest("anna", "face_gallery") is not None
    assert not (runtime.settings.home / "runs").exists()
    none = make_runtime(runs_ttl_days=0)
    none.run("specimen_stream", STREAM, owner="anna")
    assert settled(none).runs.page("anna") == []
    assert not (none.settings.home / "runs").exists()


# a stop and a kill


def test_a_stop_interrupts(make_runtime: Make) -> None:
    before = make_runtime()
    job = before.submit("specimen_stream", {"steps": 1000, "pause_s": 0.01}, owner="anna")
    before.close()
    assert job.state == "cancelled"
    kept = make_runtime().runs.read(job.id, "anna")
    assert (kept.state, kept.inputs) == ("interrupted", job.inputs)
    assert kept.error is not None
    assert "stopped" in kept.error.message


_KILLED = """
import os, sys, time
from pathlib import Path
from studio.catalogue import Catalogue
from studio.runtime import Runtime
from studio.settings import Settings
runtime = Runtime(Settings(home=Path(sys.argv[1]), device="cpu", workers=1), Catalogue.discover(("tests.families",)))
task = runtime.catalogue.task("specimen_echo")
runtime.run("specimen_echo", runtime.example(task), owner="anna")
runtime.runs.writer.settle()
for _ in range(2):
    runtime.submit("specimen_stream", {"steps": 1000, "pause_s": 0.1}, owner="anna")
while len(runtime.runs._rows.page("anna", __import__("studio.run_rows").run_rows.Wanted(), None, 9)) < 3:
    time.sleep(0.01)
print("now", flush=True)
time.sleep(60)
"""


def test_a_killed_process_loses_nothing(make_runtime: Make) -> None:
    runtime = make_runtime()
    home = runtime.settings.home
    arguments = [sys.executable, "-c", textwrap.dedent(_KILLED), str(home)]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        states = [row.state for row in runtime.runs.page("anna")]
        assert states[-1] == "done"
        assert set(states[:2]) <= {"queued", "running"}, "another process's runs go on"
        process.send_signal(signal.SIGKILL)
    runtime.close()
    after = make_runtime()
    rows = after.runs.page("anna")
    assert [row.state for row in rows] == ["interrupted", "interrupted", "done"]
    assert after.jobs.get(rows[0].id, "anna").inputs == StreamInputs(steps=1000, pause_s=0.1)
    assert isinstance(after.jobs.get(rows[2].id, "anna").outputs, EchoOutputs)
    assert len(list((home / "runs" / "processes").iterdir())) == 1


def test_what_a_crash_left_half_is_swept(make_runtime: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = make_runtime()
    runtime.run("specimen_echo", echo(runtime), owner="anna")
    settled(runtime).close()
    kept = files(runtime)
    old_s = time.time() - 3600
    for name in ("files/ff/" + "f" * 32, "drafts/0123"):
        folder = runtime.settings.home / "runs" / name
        folder.mkdir(parents=True)
        (folder / "0.png").write_bytes(b"half")
        os.utime(folder, (old_s, old_s))
    after = make_runtime()
    after.run("specimen_stream", STREAM)
    settled(after).close()
    assert files(after) == kept
    assert list((after.settings.home / "runs" / "drafts").iterdir()) == []


# a disk that is full, or broken


def test_a_full_disk_loses_no_answer(make_runtime: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = make_runtime()
    real = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if "drafts" in path.parts:
            raise OSError(28, "No space left on device")
        return real(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    job = runtime.run("specimen_echo", echo(runtime), owner="anna")
    assert job.state == "done"
    assert settled(runtime).runs.page("anna") == []
    assert runtime.jobs.get(job.id, "anna") is job
    monkeypatch.undo()
    again = runtime.run("specimen_echo", echo(runtime), owner="anna")
    assert [row.id for row in settled(runtime).runs.page("anna")] == [again.id]


def test_a_result_that_finds_no_room_leaves_the_run(make_runtime: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = make_runtime()

    def full(packer: Packer, model: Any, folder: Path, part: str) -> Any:
        if part == "outputs":
            raise OSError(28, "No space left on device")
        return real(packer, model, folder, part)

    real = Packer.pack
    monkeypatch.setattr(run_writer.Packer, "pack", full)
    job = runtime.run("specimen_stream", STREAM, owner="anna")
    (row,) = settled(runtime).runs.page("anna")
    assert (row.state, row.remarks) == ("done", ("The result could not be kept: No space left on device.",))
    assert runtime.runs.read(job.id, "anna").outputs is None


def test_a_broken_file_is_set_aside(make_runtime: Make) -> None:
    runtime = make_runtime()
    folder = runtime.settings.home / "runs"
    folder.mkdir(parents=True)
    (folder / FILE_NAME).write_bytes(b"no database at all" * 100)
    job = runtime.run("specimen_stream", STREAM, owner="anna")
    assert [row.id for row in settled(runtime).runs.page("anna")] == [job.id]
    assert len(list(folder.glob(f"{FILE_NAME}.broken-*"))) == 1


def test_a_file_that_is_gone_is_said(make_runtime: Make) -> None:
    runtime = make_runtime()
    job = runtime.run("specimen_echo", echo(runtime), owner="anna")
    settled(runtime)
    next(path for path in files(runtime) if path.suffix == ".parquet").unlink()
    with pytest.raises(NotFound, match="cannot be opened"):
        runtime.runs.read(job.id, "anna")


# versions


def test_every_older_version_is_migrated(tmp_path: Path) -> None:
    row = {
        "id": "a" * 32, "owner": "anna", "task": "specimen_stream", "adapter": "stream", "revision": "",
        "state": "done", "process": "p", "device": "cpu", "created_s": 1.0, "started_s": 1.0, "finished_s": 2.0,
        "load_s": 0.0, "bytes": 10, "asked": "steps 2", "answered": "1 2", "remarks": "[]", "inputs": "{}",
    }  # fmt: skip
    for version in range(1, len(MIGRATIONS) + 1):
        folder = tmp_path / str(version)
        folder.mkdir()
        with sqlite3.connect(folder / FILE_NAME) as old:
            for step in MIGRATIONS[:version]:
                old.executescript(step)
            names = ", ".join(row)
            old.execute(f"INSERT INTO run ({names}) VALUES ({', '.join('?' * len(row))})", [*row.values()])
            old.execute(f"PRAGMA user_version = {version}")
        old.close()
        rows = run_database.RunDatabase(folder)
        with rows.reading() as connection:
            assert connection.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)
            assert connection.execute("SELECT asked, pinned, batch FROM run").fetchone()[:] == ("steps 2", 0, "")
        rows.close()


def test_a_later_version_is_left_alone(make_runtime: Make) -> None:
    runtime = make_runtime()
    folder = runtime.settings.home / "runs"
    folder.mkdir(parents=True)
    with sqlite3.connect(folder / FILE_NAME) as later:
        later.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    later.close()
    assert runtime.run("specimen_stream", STREAM, owner="anna").state == "done", "runs go on without being kept"
    with pytest.raises(RunsUnavailable, match="later version"):
        runtime.runs.page("anna")


def test_a_migration_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    RunDatabase(tmp_path).close()
    broken = (*MIGRATIONS, "ALTER TABLE run ADD COLUMN more TEXT; SELECT no_such_function()")
    with monkeypatch.context() as patch:
        patch.setattr(run_database, "MIGRATIONS", broken)
        with pytest.raises(RunsUnavailable), RunDatabase(tmp_path).reading():
            raise AssertionError("it was opened")
    with RunDatabase(tmp_path).reading() as connection:
        names = [found[1] for found in connection.execute("PRAGMA table_info(run)")]
    assert "more" not in names
    assert "pinned" in names


# time to live, budgets, deletion


def test_a_run_ends_with_its_time_unless_it_is_pinned(make_runtime: Make) -> None:
    runtime = make_runtime()
    jobs = [runtime.run("specimen_echo", echo(runtime), owner="anna") for _ in range(2)]
    settled(runtime).runs.pin(jobs[0].id, "anna", pinned=True)
    runtime.close()
    short = make_runtime(runs_ttl_days=1e-9)
    short.runs.writer.tidy()
    assert [row.id for row in short.runs.page("anna")] == [jobs[0].id]
    assert {path.parents[1].name for path in files(short)} == {jobs[0].id}
    short.jobs.forget(jobs[0].id, "anna")
    assert files(short) == []


def test_the_oldest_go_where_an_owner_has_no_room(make_runtime: Make) -> None:
    runtime = make_runtime()
    first = runtime.run("specimen_echo", echo(runtime), owner="anna")
    (row,) = settled(runtime).runs.page("anna")
    runtime.close()
    runtime = make_runtime(runs_owner_mb=2.5 * row.nbytes / 1e6)
    runtime.runs.pin(first.id, "anna", pinned=True)
    jobs = [runtime.run("specimen_echo", echo(runtime), owner="anna") for _ in range(3)]
    other = runtime.run("specimen_echo", echo(runtime), owner="bob")
    settled(runtime)
    assert [row.id for row in runtime.runs.page("anna")] == [jobs[2].id, first.id]
    assert [row.id for row in runtime.runs.page("bob")] == [other.id]
    runtime.runs.pin(jobs[2].id, "anna", pinned=True)
    newest = runtime.run("specimen_echo", echo(runtime), owner="anna")
    settled(runtime)
    assert runtime.runs.row(newest.id, "anna").state == "done", "the newest stays in any case"
    with pytest.raises(TooLarge, match="no room"):
        runtime.runs.pin(newest.id, "anna", pinned=True)


def test_who_takes_the_most_makes_room_for_all(make_runtime: Make) -> None:
    runtime = make_runtime()
    runtime.run("specimen_echo", echo(runtime), owner="bob")
    (row,) = settled(runtime).runs.page("bob")
    for _ in range(4):
        runtime.run("specimen_echo", echo(runtime), owner="anna")
    settled(runtime).close()
    runtime = make_runtime(runs_disk_mb=3.5 * row.nbytes / 1e6)
    runtime.runs.page("anna")
    runtime.runs.writer.tidy()
    assert [len(runtime.runs.page(owner)) for owner in ("anna", "bob")] == [2, 1]


def test_what_is_deleted_while_it_runs_stays_deleted(runtime: Runtime) -> None:
    job = runtime.submit("specimen_stream", {"steps": 1000, "pause_s": 0.01}, owner="anna")
    with pytest.raises(NotFound):
        runtime.jobs.forget(job.id, "bob")
    runtime.jobs.forget(job.id, "anna")
    assert job.wait(5)
    settled(runtime)
    assert runtime.runs.page("anna") == []
    assert files(runtime) == []
    with pytest.raises(NotFound):
        runtime.jobs.get(job.id, "anna")


def test_an_unknown_error_comes_back_as_the_general_one(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    class Own(BackendFailed):
        pass

    monkeypatch.setattr("tests.families.specimens.models.InvalidInput", Own)
    job = runtime.submit("specimen_failure", {"way": "own"}, owner="anna")
    job.wait(5)
    error = settled(runtime).runs.read(job.id, "anna").error
    assert type(error) is BackendFailed
    assert error.message == "The model cannot use this."


def test_a_connection_that_another_thread_takes_first_is_opened_anew(tmp_path: Path) -> None:
    class TakenMeanwhile(list[sqlite3.Connection]):
        def __len__(self) -> int:
            return 1  # when it was looked at; pop finds it empty

    database = RunDatabase(tmp_path)
    database._free = TakenMeanwhile()
    with database.reading() as connection:
        assert connection.execute("SELECT COUNT(*) FROM run").fetchone()[0] == 0
    database.close()
