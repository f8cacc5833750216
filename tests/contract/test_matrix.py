"""Who may see what: every address of the studio against its owner, another owner, and somebody without the token."""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from studio.catalogue import Catalogue
from studio.runtime import Runtime
from tests.conftest import ROOT
from tests.contract.cases import CATALOGUE
from tests.contract.checks import check_error
from tests.contract.places import Server, start
from tests.contract.routes import KEEPING, KEEPING_NOTHING, ROUTES, Tells, every_route

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FACES = ROOT / "backends" / "faces" / "examples"
#: in everything that the owner keeps, and in nothing else
MARK = "zwetschge"
DEMO = "/demos/specimen_stream"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
TOKEN = "the-token-of-this-test"


def test_every_route_is_classified(make_runtime: Callable[..., Runtime]) -> None:
    found = set(every_route(make_runtime(CATALOGUE)))
    assert found - ROUTES.keys() == set(), "new: who may see what is behind it?"
    assert ROUTES.keys() - found == set(), "not there any more"


def test_every_task_is_classified() -> None:
    names = {task.name for task in Catalogue.discover(("backends",))}
    assert names - KEEPING - KEEPING_NOTHING == set(), "new: does it keep anything for its owner?"
    assert not KEEPING & KEEPING_NOTHING


@dataclass(frozen=True)
class Kept:
    """What the owner has: a job that is a kept run too, a batch, a session of a demo, the path of an uploaded file."""

    browser: httpx.Client
    job: str
    batch: str
    session: str
    path: str
    chat: str
    photograph: bytes


@pytest.fixture(scope="module")
def owner(server: Server) -> Iterator[Kept]:
    """Somebody with a job, a gallery, a collection, a conversation, and a demo's page open."""
    with httpx.Client(base_url=server.url, timeout=120) as browser:
        photograph = (FACES / "hopper.jpg").read_bytes()
        run(browser, "face_enrolment", {"name": MARK, "consent": "true"}, photographs=("a.jpg", photograph))
        run(browser, "document_index", {"collection": MARK}, files=(f"{MARK}.txt", f"The {MARK} is ripe.".encode()))
        chat = run(browser, "document_chat", {"collection": MARK, "question": f"Is the {MARK} ripe?"})["chat"]
        run(browser, "document_search", {"collection": MARK, "question": f"Is the {MARK} ripe?"})
        job = browser.get("/api/v1/jobs").json()["jobs"][0]["job"]
        items = {"items": [{"name": MARK, "inputs": {"steps": 1}}]}
        batch = browser.post("/api/v1/tasks/specimen_stream/batch", json=items).json()["batch"]
        session = secrets.token_hex(8)
        with browser.stream("GET", f"{DEMO}/gradio_api/heartbeat/{session}"):
            pass
        upload = browser.post(f"{DEMO}/gradio_api/upload", files={"files": (f"{MARK}.txt", b"mine")})
        yield Kept(browser, job, batch, session, upload.json()[0], chat, photograph)


def run(browser: httpx.Client, task: str, data: dict[str, str], **files: tuple[str, bytes]) -> Any:
    answer = browser.post(f"/api/v1/tasks/{task}/run", data=data, files=files or None)
    assert answer.status_code == 200, answer.text
    return answer.json()["outputs"]


@pytest.fixture(params=["other browser", "other key", "nobody yet"])
def stranger(request: pytest.FixtureRequest, server: Server) -> Iterator[httpx.Client]:
    """Somebody else: with things of their own, with an API key, or at their very first visit."""
    headers = {"authorization": f"Bearer {secrets.token_hex(16)}"} if request.param == "other key" else {}
    with httpx.Client(base_url=server.url, timeout=120, headers=headers) as browser:
        if request.param != "nobody yet":
            browser.post("/api/v1/tasks/specimen_stream/run", json={"inputs": {"steps": 1}})
        yield browser


def shown(value: Any) -> str:
    """All the text in JSON values, that of their files included."""
    if isinstance(value, str) and value.startswith("data:"):
        return base64.b64decode(value.partition(",")[2]).decode("latin-1")
    if isinstance(value, dict):
        value = list(value.values())
    return " ".join(map(shown, value)) if isinstance(value, list) else str(value)


def text_at(browser: httpx.Client, address: str) -> str:
    """What is answered at an address, to the end or to where the connection breaks."""
    pieces: list[bytes] = []
    with browser.stream("GET", address) as answer, suppress(httpx.RemoteProtocolError):
        for piece in answer.iter_bytes():
            pieces.append(piece)  # noqa: PERF402 - what came before the break counts
    return b"".join(pieces).decode("latin-1")


def addresses(kinds: set[Tells], **names: str) -> list[str]:
    """The addresses of these kinds, with names in place of their parameters."""
    filled = {"task": "specimen_stream", "adapter": "stream", "model:path": f"rag:{MARK}", "api_name": "run"} | names
    found = []
    for (surface, path), tells in ROUTES.items():
        if tells in kinds:
            address = re.sub(r"\{([^}]+)\}", lambda part: filled.get(part[1], "nothing"), path)
            found.append((DEMO if surface == "demo" else "") + (address or "/"))
    return sorted(set(found))


def test_no_address_tells_a_stranger_anything_of_the_owners(owner: Kept, stranger: httpx.Client) -> None:
    inside = (MARK, owner.job)
    kinds = {Tells.SAME, Tells.OWN, Tells.NAMED, Tells.SHUT}
    for address in addresses(kinds, job=owner.job, run=owner.job, batch=owner.batch):
        if address == "/mcp":
            continue  # a stream that is silent until the caller asks for something
        told = text_at(stranger, address)
        with suppress(ValueError, TypeError, KeyError):  # an error repeats what was asked for to whoever asked
            told = json.loads(told)["error"]
        assert [part for part in inside if part in told] == [], address


def test_the_owner_sees_all_of_it(owner: Kept) -> None:
    listed = owner.browser.get("/api/v1/jobs").json()["jobs"]
    assert owner.job in {job["job"] for job in listed}
    assert owner.job in {run["run"] for run in owner.browser.get("/api/v1/runs").json()["runs"]}
    assert MARK in shown(owner.browser.get(f"/api/v1/runs/{owner.job}").json())
    assert MARK in shown(owner.browser.get(f"/api/v1/batches/{owner.batch}").json())
    assert f"rag:{MARK}" in owner.browser.get("/v1/models").text
    assert MARK in shown(run(owner.browser, "face_gallery", {"action": "list"}))
    assert MARK in shown(run(owner.browser, "document_library", {"action": "list"}))
    assert owner.browser.get(f"{DEMO}/gradio_api/file={owner.path}").content == b"mine"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("end", ["", "/result.zip"])
def test_a_job_is_not_there_for_strangers(owner: Kept, stranger: httpx.Client, method: str, end: str) -> None:
    for accept in ("application/json", "text/event-stream"):
        answer = stranger.request(method, f"/api/v1/jobs/{owner.job}{end}", headers={"accept": accept})
        assert answer.status_code == (405 if (method, end) == ("DELETE", "/result.zip") else 404)
        check_error(answer.json(), None)
    assert owner.browser.get(f"/api/v1/jobs/{owner.job}").status_code == 200


def test_runs_and_batches_are_not_there_for_strangers(owner: Kept, stranger: httpx.Client) -> None:
    run, batch = f"/api/v1/runs/{owner.job}", f"/api/v1/batches/{owner.batch}"
    for method, address in (
        *(("GET", run), ("GET", f"{run}/picture"), ("POST", f"{run}/repeat"), ("PUT", f"{run}/pin")),
        *(("DELETE", f"{run}/pin"), ("DELETE", run), ("GET", batch), ("DELETE", batch)),
    ):
        answer = stranger.request(method, address)
        assert answer.status_code == 404, (method, address)
        check_error(answer.json(), None)
    assert owner.job not in stranger.get("/api/v1/runs").text
    assert owner.browser.get(run).json()["pinned"] is False


def test_ids_cannot_be_guessed(owner: Kept) -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", owner.job), "128 random bits"
    near = [owner.job[:-1] + digit for digit in "0123456789abcdef" if digit != owner.job[-1]]
    for guess in (*near, owner.job[:-1], owner.job.upper(), "0", "1", "..", "*", "%"):
        if guess != owner.job:
            assert owner.browser.get(f"/api/v1/jobs/{guess}").status_code == 404, guess
    assert re.search(r"/[0-9a-f]{64}/", owner.path), "a keyed digest"


def test_galleries_and_collections_are_their_owners(owner: Kept, stranger: httpx.Client) -> None:
    assert MARK not in shown(run(stranger, "face_gallery", {"action": "list"}))
    assert MARK not in shown(run(stranger, "document_library", {"action": "list"}))
    assert MARK not in shown(run(stranger, "document_chats", {"action": "list"}))
    found = run(stranger, "face_identification", {}, image=("a.jpg", owner.photograph))
    assert MARK not in shown(found)
    for task, data in (
        ("face_gallery", {"action": "rename", "name": MARK, "new_name": "stolen"}),
        ("face_gallery", {"action": "delete", "name": MARK}),
        ("document_library", {"action": "files", "collection": MARK}),
        ("document_library", {"action": "rename", "collection": MARK, "new_name": "stolen"}),
        ("document_library", {"action": "delete", "collection": MARK}),
        ("document_search", {"collection": MARK, "question": "ripe?"}),
        ("document_page", {"collection": MARK, "document": f"{MARK}.txt"}),
        ("document_chat", {"collection": MARK, "question": "ripe?"}),
        *(("document_chats", {"action": action, "chat": owner.chat}) for action in ("show", "export", "delete")),
        ("document_chats", {"action": "rename", "chat": owner.chat, "title": "stolen"}),
    ):
        answer = stranger.post(f"/api/v1/tasks/{task}/run", data=data)
        assert answer.status_code in (404, 422), (task, data, answer.text)
        assert "ripe." not in answer.text
    body = {"model": f"rag:{MARK}", "messages": [{"role": "user", "content": "ripe?"}]}
    assert stranger.post("/v1/chat/completions", json=body).status_code == 422
    assert MARK in shown(run(owner.browser, "face_gallery", {"action": "list"}))
    assert MARK in shown(run(owner.browser, "document_library", {"action": "list"}))
    assert owner.chat in shown(run(owner.browser, "document_chats", {"action": "list"}))


def test_a_session_of_a_demo_is_its_owners(owner: Kept, stranger: httpx.Client) -> None:
    for address in (f"heartbeat/{owner.session}", f"queue/data?session_hash={owner.session}"):
        answer = stranger.get(f"{DEMO}/gradio_api/{address}")
        assert answer.status_code == 404
        check_error(answer.json(), None)


def test_what_a_demo_does_not_need_is_shut(owner: Kept) -> None:
    further = [
        f"{DEMO}/gradio_api/file=https://example.com/",
        f"{DEMO}/gradio_api/file=%68ttp://example.com/",
        f"{DEMO}/gradio_api/proxy=https://example.com/",
    ]
    for address in (*addresses({Tells.SHUT}), *further):
        for method in ("GET", "POST"):
            answer = owner.browser.request(method, address)
            assert answer.status_code == 404, address
            check_error(answer.json(), None)


def test_no_other_file_is_served(owner: Kept, server: Server) -> None:
    home = server.folder / "home"
    kept = [path for path in home.rglob("*") if path.is_file() and "tmp" not in path.relative_to(home).parts]
    assert kept, "the owner's gallery is somewhere"
    folder = owner.path.rpartition("/")[0]
    for path in (*kept, home, folder, "/etc/passwd", ROOT / "app.py", f"{folder}/../../../models.json"):
        answer = owner.browser.get(f"{DEMO}/gradio_api/file={path}")
        assert answer.status_code in (403, 404), path


@pytest.mark.parametrize("name", ["page.html", "picture.svg", "script.js", "page.xhtml", "x.pdf", "page.jpg.html"])
def test_what_was_uploaded_never_runs(owner: Kept, name: str) -> None:
    upload = owner.browser.post(f"{DEMO}/gradio_api/upload", files={"files": (name, b"<script>alert(1)</script>")})
    answer = owner.browser.get(f"{DEMO}/gradio_api/file={upload.json()[0]}")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


def test_a_result_is_downloaded_not_opened(owner: Kept) -> None:
    answer = owner.browser.get(f"/api/v1/jobs/{owner.job}/result.zip")
    assert answer.headers["content-disposition"].startswith("attachment")


def test_every_answer_has_the_security_headers(owner: Kept) -> None:
    for address in addresses(set(Tells), session_hash=owner.session, job=owner.job):
        with owner.browser.stream("GET", address) as answer:
            headers = answer.headers
        assert headers["x-content-type-options"] == "nosniff", address
        assert headers["referrer-policy"] == "same-origin", address
        assert headers["x-frame-options"] == "SAMEORIGIN", address
        assert "access-control-allow-origin" not in headers, address
        policy = headers["content-security-policy"]
        assert "sandbox" in policy or "object-src 'none'" in policy, address
        assert "http" not in policy, "nothing is loaded from another host"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A studio with an access token."""
    server = start(tmp_path_factory.mktemp("guarded"), ATELIER_TOKEN=TOKEN)
    yield server
    server.process.terminate()
    server.process.wait(20)


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"cookie": "atelier_access=wrong"}])
def test_without_the_token_no_address_answers(guarded: Server, headers: dict[str, str]) -> None:
    with httpx.Client(base_url=guarded.url, timeout=30, headers=headers) as browser:
        for address in addresses(set(Tells)):
            for method in ("GET", "POST") if headers else METHODS:
                status = browser.request(method, address).status_code
                free = address in ("/healthz", "/readyz")
                assert status == 401 or (free and status in (200, 405)), (method, address, status)


def test_with_the_token_the_pages_open(guarded: Server) -> None:
    with httpx.Client(base_url=guarded.url, timeout=30, follow_redirects=True) as browser:
        assert browser.get(f"/?token={TOKEN}").status_code == 200
        assert browser.get(f"{DEMO}/").status_code == 200
