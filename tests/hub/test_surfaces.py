"""The shelf on each surface, over the tiny task; and in processes of their own, with the real environment variables."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from studio.catalogue import Catalogue
from studio.errors import Forbidden, NotFound, WeightsUnavailable
from studio.runtime import Runtime
from studio.stock import find, stock
from surfaces import mcp, rest
from surfaces.cli import main
from surfaces.demos.blocks import build_blocks
from tests.conftest import ROOT
from tests.hub.conftest import CONFIG, MODEL
from tests.hub.local_hub import LocalHub

PACKAGES = ("tests.hub.families",)
TOTAL = len(MODEL) + len(CONFIG)
MakeRuntime = Callable[..., Runtime]
CLI = f"import sys; from surfaces.cli import main; sys.exit(main(packages={PACKAGES!r}))"


@pytest.fixture
def tiny(make_runtime: MakeRuntime) -> Runtime:
    return make_runtime(Catalogue.discover(PACKAGES))


def test_the_row_is_that_of_the_local_hub(hub: LocalHub) -> None:
    assert (ROOT / "tests/hub/families/tiny/weights.toml").read_text() == hub.row()


def test_a_run_without_its_weights_says_how_to_get_them(tiny: Runtime, hub: LocalHub) -> None:
    with pytest.raises(WeightsUnavailable, match=r"weights of large .* 1\.0 MB to download, licence MIT") as caught:
        tiny.run("tiny_task", {}, "large")
    assert "python -m surfaces.cli pull large" in str(caught.value.hint)
    assert hub.requests == []
    assert tiny.run("tiny_task", {}).outputs.text == "hello 0"  # type: ignore[union-attr]


def test_a_pulled_model_answers_and_its_use_is_kept(tiny: Runtime, make_runtime: MakeRuntime, hub: LocalHub) -> None:
    family = tiny.catalogue.entry("tiny_task").family
    assert tiny.shelf.pull(family, "net").wait(20)
    assert tiny.run("tiny_task", {}, "large").outputs.text == f"hello {len(MODEL)}"  # type: ignore[union-attr]
    row = stock(tiny)[1].shape()
    assert (row["state"], row["bytes"], row["device"]) == ("ready", TOTAL, "cpu")
    assert row["last_used"]
    tiny.close()
    again = stock(make_runtime(Catalogue.discover(PACKAGES)))[1].shape()
    assert (again["last_used"], again["device"]) == (row["last_used"], None)


def test_a_model_is_found_by_its_name(tiny: Runtime) -> None:
    assert find(tiny, "large")[1].name == find(tiny, "tiny_task/large")[1].name == "large"
    with pytest.raises(NotFound, match="no model 'huge'"):
        find(tiny, "huge")
    with pytest.raises(NotFound):
        find(tiny, "tiny_task/huge")


def test_cli(hub: LocalHub, capsys: pytest.CaptureFixture[str]) -> None:
    def cli(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments, PACKAGES)
        return code, *capsys.readouterr()

    assert json.loads(cli("models", "--json")[1])[1]["state"] == "absent"
    code, out, _ = cli("pull", "large")
    assert code == 0
    assert out.splitlines() == [
        "Large one: 1.0 of 1.0 MB to download.",
        "Licence MIT, not for commercial use. From tests.",
        "Large one is ready.",
    ]
    assert "tiny_task  large  hub  MIT (not commercial)  1.0 MB  ready" in cli("models")[1]
    assert "nothing to download" in cli("pull", "tiny_task/large")[1]
    assert cli("pull", "huge")[0] == 2


def test_cli_reports_a_failed_download(hub: LocalHub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.files["model.safetensors"] = bytes(len(MODEL))
    assert main(("pull", "large"), PACKAGES) == 1
    assert "not the one this studio was tested with" in json.loads(capsys.readouterr().err.splitlines()[-1])["error"]


def until_ready(client: TestClient, wanted: str) -> dict[str, Any]:
    for _ in range(500):
        row: dict[str, Any] = client.get("/api/v1/models/tiny_task/large").json()
        if row["state"] == wanted:
            return row
        time.sleep(0.01)
    raise AssertionError(row)


def test_rest(tiny: Runtime, hub: LocalHub) -> None:
    hub.faults.bytes_per_s = 2_000_000
    with TestClient(rest.build(tiny)) as client:
        rows = client.get("/api/v1/models").json()["models"]
        assert [(row["adapter"], row["state"]) for row in rows] == [("small", "ready"), ("large", "absent")]
        answer = client.post("/api/v1/models/tiny_task/large/pull")
        assert (answer.status_code, answer.json()["state"]) == (202, "downloading")
        assert client.post("/api/v1/models/tiny_task/large/pull").status_code == 202  # joins
        assert client.post("/api/v1/models/tiny_task/large/pause").json()["state"] in ("paused", "absent")
        client.post("/api/v1/models/tiny_task/large/pull")
        assert until_ready(client, "ready")["bytes_here"] == TOTAL
        assert client.post("/api/v1/models/tiny_task/large/pull").status_code == 200
        assert client.delete("/api/v1/models/tiny_task/large").json()["state"] == "absent"
        refused = client.post("/api/v1/models/tiny_task/small/pull")
        assert (refused.status_code, "nothing to download" in refused.json()["error"]) == (403, True)
        assert client.get("/api/v1/models/tiny_task/huge").status_code == 404
        assert client.get("/api/v1/models/huge/huge").status_code == 404


def test_visitors_of_a_public_demo_change_nothing(make_runtime: MakeRuntime, hub: LocalHub) -> None:
    runtime = make_runtime(Catalogue.discover(PACKAGES), public=True)
    with TestClient(rest.build(runtime)) as client:
        for answer in (
            client.post("/api/v1/models/tiny_task/large/pull"),
            client.post("/api/v1/models/tiny_task/large/pause"),
            client.delete("/api/v1/models/tiny_task/large"),
        ):
            assert answer.status_code == 403
            assert "public demo" in answer.json()["error"]
    assert hub.requests == []


def test_commercial_use_hides_and_refuses(make_runtime: MakeRuntime, hub: LocalHub) -> None:
    runtime = make_runtime(Catalogue.discover(PACKAGES), use="commercial")
    assert [row.adapter.name for row in stock(runtime)] == ["small"]
    with pytest.raises(Forbidden, match="must not be used commercially"):
        runtime.run("tiny_task", {}, "large")
    with pytest.raises(Forbidden):
        find(runtime, "large")
    with TestClient(rest.build(runtime)) as client:
        assert [a["name"] for a in client.get("/api/v1/tasks/tiny_task").json()["adapters"]] == ["small"]
        answer = client.post("/api/v1/tasks/tiny_task/run?adapter=large", json={"inputs": {}})
        assert (answer.status_code, answer.json()["field"]) == (403, "adapter")
        assert client.post("/api/v1/models/tiny_task/large/pull").status_code == 403
        assert "large" not in client.get("/openapi.json").text
    tools = mcp.Tools(runtime)
    listed = asyncio.run(tools.list(None, None))  # type: ignore[arg-type] - it uses neither
    assert "large" not in listed.model_dump_json()
    task = runtime.catalogue.task("tiny_task")
    assert "large" not in json.dumps(build_blocks(runtime, task).get_config_file(), default=str)
    assert runtime.run("tiny_task", {}).state == "done"


# processes of their own


@pytest.fixture
def environment(hub: LocalHub, tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "ATELIER_"))}
    return kept | {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "ATELIER_HOME": str(tmp_path / "home")}


def command(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CLI, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **more,
    )


def models(environment: dict[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(command("models", "--json", env=environment).stdout)[1]
    return row


@pytest.fixture
def pulling(hub: LocalHub, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process in the middle of a pull."""
    hub.faults.bytes_per_s = 300_000
    process = subprocess.Popen(
        [sys.executable, "-c", CLI, "pull", "large"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until_s = time.monotonic() + 30
    while hub.sent["model.safetensors"] < 300_000:
        assert time.monotonic() < until_s
        time.sleep(0.01)
    yield process
    if process.poll() is None:
        process.kill()
    process.wait(10)


@pytest.mark.slow
def test_commercial_use_on_the_command_line(hub: LocalHub, environment: dict[str, str]) -> None:
    environment |= {"ATELIER_USE": "commercial"}
    rows = json.loads(command("models", "--json", env=environment).stdout)
    assert [row["adapter"] for row in rows] == ["small"]
    for arguments in (("pull", "large"), ("run", "tiny_task", "adapter=large")):
        done = command(*arguments, env=environment)
        assert done.returncode != 0
        assert "commercially" in json.loads(done.stderr.splitlines()[-1])["error"]
    assert hub.requests == []


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_a_pull_goes_on_where_a_killed_one_ended(
    pulling: subprocess.Popen[bytes], hub: LocalHub, environment: dict[str, str], end: signal.Signals
) -> None:
    pulling.send_signal(end)
    pulling.wait(20)
    row = models(environment)
    assert row["state"] == "paused"
    assert 100_000 < row["bytes_here"] < TOTAL
    hub.faults.bytes_per_s = 0
    done = command("pull", "large", env=environment)
    assert done.returncode == 0, done.stderr
    assert hub.gets("model.safetensors") == [0, row["bytes_here"]]
    answer = command("run", "tiny_task", "adapter=large", "--json", env=environment | {"HF_HUB_OFFLINE": "1"})
    assert json.loads(answer.stdout) == {"text": f"hello {len(MODEL)}"}, answer.stderr


@pytest.mark.slow
def test_offline_in_a_process_of_its_own(hub: LocalHub, environment: dict[str, str]) -> None:
    offline = environment | {"HF_HUB_OFFLINE": "1"}
    for arguments in (("pull", "large"), ("run", "tiny_task", "adapter=large")):
        done = command(*arguments, env=offline)
        assert done.returncode == 1
        assert "HF_HUB_OFFLINE" in done.stderr
    assert hub.requests == []
    assert command("pull", "large", env=environment).returncode == 0
    asked = len(hub.requests)
    assert command("run", "tiny_task", "adapter=large", env=offline).returncode == 0
    assert len(hub.requests) == asked


@pytest.mark.slow
def test_a_disk_that_takes_no_more(hub: LocalHub, environment: dict[str, str]) -> None:
    """A limit on the size of files, set by the kernel, stands for a full disk: the write itself fails."""
    limited = ["bash", "-c", 'ulimit -f 300; exec "$0" -c "$1" pull large', sys.executable, CLI]
    done = subprocess.run(limited, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert json.loads(done.stderr.splitlines()[-1])["error"] == "The disk is full."
    row = models(environment)
    assert (row["state"], row["bytes_here"]) == ("paused", 300 * 1024)
    assert command("pull", "large", env=environment).returncode == 0
    assert models(environment)["state"] == "ready"
