"""The runtime: every way a run can begin and end, in the one shape of error."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio import pool
from studio.contract import Inputs, Outputs, Run
from studio.errors import AtelierError, BackendFailed, Cancelled, InvalidInput, NotFound, QueueFull, TooLarge
from studio.execution import log
from studio.jobs import Job, JobStore
from studio.media.image import Image
from studio.runtime import Runtime
from tests.families.specimens import models
from tests.families.specimens.task import EXAMPLES, StreamInputs, StreamOutputs

Make = Callable[..., Runtime]


def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    end_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.005)


def echo_values(runtime: Runtime) -> dict[str, Any]:
    return runtime.example(runtime.catalogue.task("specimen_echo"))


# validation


@pytest.mark.parametrize(
    ("change", "error", "field"),
    [
        ({"text": None}, "Text: input should be a valid string.", "text"),
        ({"count": "many"}, "Count: input should be a valid integer, unable to parse string as an integer.", "count"),
        ({"count": 10}, "Count: input should be less than or equal to 9.", "count"),
        ({"length_s": -1}, "Length: input should be greater than or equal to 0.", "length_s"),
        ({"mode": "other"}, "Mode: input should be 'plain' or 'fancy'.", "mode"),
        ({"colour": "red"}, "Echo has no field 'colour'.", "colour"),
        ({"image": "words"}, "This is not a data URL.", "image"),
        ({"images": [EXAMPLES / "note.txt"]}, "The file is not a picture that can be read.", "images"),
        ({"files": [EXAMPLES / "note.txt"] * 4}, None, "files"),
        ({"window": {"width": 0}}, "Window: input should be greater than or equal to 1.", "window"),
    ],
)
def test_a_wrong_value_names_its_field(runtime: Runtime, change: dict[str, Any], error: str | None, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        runtime.submit("specimen_echo", echo_values(runtime) | change)
    shape = caught.value.shape()
    assert list(shape) == ["error", "field", "expected", "got", "hint"]
    assert shape["field"] == field
    assert error is None or shape["error"] == error
    assert shape["expected"]
    assert runtime.jobs.unfinished() == []
    assert not runtime.settings.home.exists()


def test_a_missing_field(runtime: Runtime) -> None:
    values = echo_values(runtime)
    del values["image"]
    with pytest.raises(InvalidInput) as caught:
        runtime.submit("specimen_echo", values)
    assert caught.value.shape() == {
        "error": "Picture is missing.",
        "field": "image",
        "expected": "a JPEG, PNG, WebP, BMP, TIFF or GIF picture",
        "got": "nothing",
        "hint": None,
    }


def test_a_payload_that_is_no_mapping(runtime: Runtime) -> None:
    with pytest.raises(InvalidInput, match="The input"):
        runtime.submit("specimen_stream", [1, 2])  # type: ignore[arg-type]


def test_a_long_text_is_too_large_in_a_list_too(make_runtime: Make) -> None:
    runtime = make_runtime(max_text_characters=10)
    for change in ({"text": "x" * 11}, {"words": ["fine", "x" * 11]}):
        with pytest.raises(TooLarge, match="longer than 10 characters") as caught:
            runtime.submit("specimen_echo", echo_values(runtime) | change)
        assert caught.value.field == next(iter(change))


def test_the_operators_limits_reach_the_media(make_runtime: Make) -> None:
    runtime = make_runtime(max_image_megapixels=0.001)
    with pytest.raises(TooLarge) as caught:
        runtime.submit("specimen_echo", echo_values(runtime))
    assert caught.value.field == "image"


def test_an_unknown_task_or_adapter(runtime: Runtime) -> None:
    with pytest.raises(NotFound, match="no task 'nothing'"):
        runtime.submit("nothing", {})
    with pytest.raises(NotFound, match="no adapter 'nothing'") as caught:
        runtime.submit("specimen_stream", {}, adapter="nothing")
    assert caught.value.expected == "one of stream"


# runs


def test_a_run_gives_its_outputs(runtime: Runtime) -> None:
    job = runtime.run("specimen_echo", echo_values(runtime) | {"loud": "true", "count": "4"}, adapter="twin")
    outputs: Any = job.outputs
    assert (job.state, job.progress, job.adapter, job.device) == ("done", 1.0, "twin", "cpu")
    assert (outputs.text, outputs.count, outputs.length_s) == ("HELLO", 4, 1.5)
    assert outputs.boxed.boxes[0].label == "half"
    assert job.remarks == ["This is a specimen."]
    assert job.run_s > 0
    assert b'atelier_request_total{adapter="twin",state="done",task="specimen_echo"} 1.0' in runtime.metrics.text()


def test_outputs_become_json_and_come_back(runtime: Runtime) -> None:
    outputs: Any = runtime.run("specimen_echo", echo_values(runtime)).outputs
    dumped = outputs.model_dump(mode="json")
    assert dumped["image"].startswith("data:image/")
    assert Image.load(dumped["boxed"]["image"]).resolution_wh == outputs.image.resolution_wh
    assert dumped["scores"] == {"yes": 0.75, "no": 0.25}


def test_partial_answers_are_published(runtime: Runtime) -> None:
    async def watch() -> list[tuple[str, int, float]]:
        job = runtime.submit("specimen_stream", {"steps": 5, "pause_s": 0.05})
        return [(now.state, getattr(now.outputs, "step", 0), now.progress) async for now in job.follow()]

    seen = asyncio.run(watch())
    assert seen[-1] == ("done", 5, 1.0)
    assert len({step for _, step, _ in seen}) >= 4
    assert [progress for _, _, progress in seen] == sorted(progress for _, _, progress in seen)


@pytest.mark.parametrize("way", ["crash", "wrong_type", "nothing"])
def test_a_crash_is_told_without_its_traceback(runtime: Runtime, way: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(BackendFailed) as caught:
        runtime.run("specimen_failure", {"way": way})
    assert "secret" not in str(caught.value.shape())
    [job] = runtime.jobs.of("local")
    assert job.state == "failed"
    assert job.id in (caught.value.hint or "")
    assert job.id in caplog.text
    assert runtime.run("specimen_failure", {"way": "none"}).state == "done"  # the worker lives on


def test_out_of_memory_and_the_models_own_error(runtime: Runtime) -> None:
    with pytest.raises(BackendFailed, match="ran out of memory"):
        runtime.run("specimen_failure", {"way": "memory"})
    with pytest.raises(InvalidInput, match="cannot use this") as caught:
        runtime.run("specimen_failure", {"way": "own"})
    assert caught.value.field == "way"


def test_a_model_that_cannot_be_loaded(runtime: Runtime) -> None:
    with pytest.raises(BackendFailed):
        runtime.run("specimen_failure", {"way": "none"}, adapter="unloadable")
    assert runtime.pool.residents() == []


@pytest.mark.parametrize("way", ["own", "crash"])
def test_a_kept_error_does_not_keep_the_model(runtime: Runtime, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    made: list[weakref.ref[Any]] = []
    failing = models.Failing

    class Watched(failing):  # type: ignore[misc, valid-type]
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            made.append(weakref.ref(self))

    monkeypatch.setattr(pool, "import_entry", lambda entry: Watched)
    monkeypatch.setattr(log, "exception", lambda *arguments: None)  # pytest would keep the record and its frames
    job = runtime.submit("specimen_failure", {"way": way})
    job.wait(5)
    assert isinstance(job.error, AtelierError)
    until(lambda: runtime.pool.unload("specimens/tests.families.specimens.models:Failing/"))
    until(lambda: gc.collect() >= 0 and made[0]() is None)


def test_a_forced_device_that_is_not_there_is_told(make_runtime: Make) -> None:
    job = make_runtime(device="cuda").run("specimen_stream", {"steps": 1, "pause_s": 0})
    assert job.device == "cpu"
    assert job.remarks == ["Ran on cpu: cuda cannot be used here."]


def test_a_frame_is_not_kept(runtime: Runtime) -> None:
    outputs: Any = runtime.run_frame("specimen_live", {"frame": EXAMPLES / "picture.png"})
    assert outputs.boxes.boxes[0].label == "brightest"
    assert runtime.jobs.of("local") == []
    with pytest.raises(InvalidInput):
        runtime.run_frame("specimen_live", {"frame": EXAMPLES / "note.txt"})


def test_a_validated_model_is_taken_as_it_is(runtime: Runtime) -> None:
    assert runtime.run("specimen_stream", StreamInputs(steps=2, pause_s=0)).state == "done"


# cancelling, the queue, closing


def test_a_running_job_is_cancelled(runtime: Runtime) -> None:
    job = runtime.submit("specimen_stream", {"steps": 1000, "pause_s": 0.02})
    until(lambda: job.outputs is not None)
    job.cancel()
    assert job.wait(2)
    assert job.state == "cancelled"
    assert isinstance(job.error, Cancelled)
    assert not job.folder.exists()
    until(lambda: runtime.pool.residents()[0].leases == 0)


def test_a_waiting_job_is_cancelled_at_once_and_the_queue_is_bounded(make_runtime: Make) -> None:
    runtime = make_runtime(workers=1, queue_limit=1)
    slow = {"steps": 1000, "pause_s": 0.02}
    running = runtime.submit("specimen_stream", slow)
    until(lambda: running.state == "running")
    waiting = runtime.submit("specimen_stream", slow)
    with pytest.raises(QueueFull) as caught:
        runtime.submit("specimen_stream", slow)
    assert (caught.value.status, caught.value.expected) == (409, "at most 1 waiting runs")
    assert waiting.state == "queued"
    waiting.cancel()
    assert waiting.state == "cancelled"
    running.cancel()
    assert running.wait(2)
    assert waiting.started_s is None
    until(lambda: len(runtime._waiting) == 0)
    assert runtime.run("specimen_stream", {"steps": 1}).state == "done"


def test_follow_tells_of_a_cancel_in_the_queue(make_runtime: Make) -> None:
    runtime = make_runtime(workers=1)
    running = runtime.submit("specimen_stream", {"steps": 1000, "pause_s": 0.02})
    waiting = runtime.submit("specimen_stream", {})

    async def watch() -> list[str]:
        asyncio.get_running_loop().call_later(0.05, waiting.cancel)
        return [now.state async for now in waiting.follow()]

    assert asyncio.run(watch()) == ["queued", "cancelled"]
    assert waiting._listeners == []
    running.cancel()


def test_a_finished_job_is_followed_once(runtime: Runtime) -> None:
    job = runtime.run("specimen_stream", {"steps": 1})

    async def watch() -> list[str]:
        return [now.state async for now in job.follow()]

    assert asyncio.run(watch()) == ["done"]


def test_close_cancels_what_runs_and_what_waits(make_runtime: Make) -> None:
    runtime = make_runtime(workers=1)
    jobs = [runtime.submit("specimen_stream", {"steps": 1000, "pause_s": 0.02}) for _ in range(3)]
    until(lambda: jobs[0].outputs is not None)
    folder = runtime._temporary
    runtime.close()
    assert [job.state for job in jobs] == ["cancelled"] * 3
    assert runtime.pool.residents() == []
    assert not folder.exists()
    runtime.close()
    with pytest.raises(Cancelled, match="closing"):
        runtime.submit("specimen_stream", {})
    with pytest.raises(Cancelled, match="closing"):
        runtime.run_frame("specimen_stream", {})


def test_close_ends_a_job_that_does_not_listen(make_runtime: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    called, release = threading.Event(), threading.Event()

    class Deaf:
        def __init__(self, *arguments: Any) -> None: ...

        def __call__(self, inputs: Any, run: Any) -> Any:
            called.set()
            release.wait(10)

    monkeypatch.setattr(pool, "import_entry", lambda entry: Deaf)
    runtime = make_runtime()
    job = runtime.submit("specimen_stream", {})
    assert called.wait(10)
    runtime.close(grace_s=0.1)
    release.set()
    assert (job.state, str(job.error)) == ("cancelled", "The studio is closing.")


def test_who_closes_second_waits_for_the_first(make_runtime: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM closes in a thread; the server must not end the process before that thread has tidied up."""
    runtime = make_runtime()
    folder = runtime._temporary
    unload, held, release = runtime.pool.close, threading.Event(), threading.Event()

    def slowly() -> None:
        held.set()
        release.wait(10)
        unload()

    monkeypatch.setattr(runtime.pool, "close", slowly)
    first = threading.Thread(target=runtime.close)
    first.start()
    assert held.wait(10)
    second = threading.Thread(target=runtime.close)
    second.start()
    second.join(0.2)
    assert second.is_alive()
    assert folder.exists()
    release.set()
    second.join(10)
    assert not folder.exists()
    first.join(10)


# owners and time to live


def test_owners_do_not_see_each_other(runtime: Runtime) -> None:
    job = runtime.run("specimen_stream", {"steps": 1}, owner="anna")
    assert runtime.jobs.get(job.id, "anna") is job
    with pytest.raises(NotFound):
        runtime.jobs.get(job.id, "bob")
    assert runtime.jobs.of("bob") == []
    assert runtime.jobs.of("anna", "specimen_stream") == [job]
    assert runtime.jobs.of("anna", "specimen_echo") == []
    assert runtime.storage("anna") != runtime.storage("bob")
    assert "anna" not in str(runtime.storage("anna"))
    assert runtime.storage("../../etc").parent == runtime.settings.home / "owners"


def finished(owner: str, folder: Path, ended_s: float) -> Job:
    job = Job(owner=owner, task="t", adapter="a", inputs=StreamInputs(), folder=folder, storage_folder=folder)
    job.finish("done")
    job.finished_s = ended_s
    return job


def test_a_finished_job_expires(tmp_path: Path) -> None:
    store = JobStore(ttl_s=10, per_owner=5, budget_bytes=10**9)
    old, new = finished("o", tmp_path / "old", time.time() - 11), finished("o", tmp_path / "new", time.time())
    for job in (old, new):
        job.made_folder()
        store.add(job)
    assert store.of("o") == [new]
    assert not old.folder.exists()
    with pytest.raises(NotFound):
        store.get(old.id, "o")
    store.remove(new)
    assert store.of("o") == []
    assert not new.folder.exists()


def test_each_owner_keeps_a_number_of_jobs(tmp_path: Path) -> None:
    store = JobStore(ttl_s=100, per_owner=2, budget_bytes=10**9)
    now_s = time.time()
    jobs = [finished("o", tmp_path / str(n), now_s + n) for n in range(4)]
    other = finished("p", tmp_path / "p", now_s)
    for job in [*jobs, other]:
        store.add(job)
    assert {job.id for job in store.of("o")} == {jobs[2].id, jobs[3].id}
    assert store.of("p") == [other]


def test_finished_jobs_keep_to_a_memory_budget_but_for_the_newest(tmp_path: Path) -> None:
    class WithPicture(Inputs):
        image: Image

    class Result(Outputs):
        image: Image

    def with_picture(name: str, ended_s: float) -> Job:
        picture = Image(np.zeros((100, 100, 3), np.uint8))
        job = Job(owner="o", task="t", adapter="a", inputs=WithPicture(image=picture), folder=tmp_path / name,
                  storage_folder=tmp_path)  # fmt: skip
        job.finish("done", outputs=Result(image=picture))
        job.finished_s = ended_s
        return job

    now_s = time.time()
    jobs = [with_picture(str(n), now_s + n) for n in range(3)]
    assert [job.nbytes for job in jobs] == [30_000] * 3, "the picture is in both, and counts once"
    for budget_bytes, kept in ((70_000, jobs[1:]), (10_000, jobs[2:])):
        store = JobStore(ttl_s=100, per_owner=9, budget_bytes=budget_bytes)
        for job in jobs:
            store.add(job)
        assert {job.id for job in store.of("o")} == {job.id for job in kept}


def test_the_first_end_counts(tmp_path: Path) -> None:
    job = finished("o", tmp_path, 0)
    job.finish("failed", BackendFailed("late"))
    job.update(progress=0.1)
    job.cancel()
    assert (job.state, job.error, job.progress) == ("done", None, 1.0)


def test_a_cancelled_generator_may_hand_over_what_is_done(make_runtime: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told by `run`, or where it yields."""

    def slow(self: models.Stream, inputs: StreamInputs, run: Run) -> Iterator[StreamOutputs]:
        step = 0
        try:
            while True:
                step += 1
                yield StreamOutputs(text="under way", step=step)
                time.sleep(0.01)
                if inputs.steps == 2:
                    run.check()
        except Cancelled:
            yield StreamOutputs(text="what is done", step=step)
            raise

    monkeypatch.setattr(models.Stream, "__call__", slow)
    runtime = make_runtime()
    for steps in (1, 2):
        job = runtime.submit("specimen_stream", {"steps": steps})
        while job.outputs is None:
            time.sleep(0.01)
        job.cancel()
        assert job.wait(5)
        assert job.state == "cancelled"
        assert isinstance(job.outputs, StreamOutputs)
        assert job.outputs.text == "what is done"
