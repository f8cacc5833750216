"""Every address of the studio, read from the applications themselves, and what each of them may tell to whom.

A new route, or a new task, fails `test_matrix` until it has a line here.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Any

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute

import app
from studio.runtime import Runtime
from surfaces import mcp, rest
from surfaces.demos.mount import build_app


class Tells(enum.Enum):
    """What an address tells, and to whom."""

    SAME = "the same to everybody: nothing of any owner is behind it"
    OWN = "the caller's own things, and nothing of anybody else's"
    NAMED = "one thing, named by an unguessable id, to its owner alone"
    PATH = "one file, named by an unguessable path, to whoever was given that path"
    SESSION = "one session's events, to the owner who opened it"
    SHUT = "nothing: it is not reached from outside"


#: (surface, path): what it tells. The methods of a path tell the same.
ROUTES: dict[tuple[str, str], Tells] = {
    # app.py: where the surfaces are mounted
    **{
        ("studio", path): Tells.SAME
        for path in (
            *("/api", "/api/{rest:path}", "/v1", "/v1/{rest:path}", "/healthz", "/readyz", "/metrics"),
            *("/openapi.json", "/docs", "/docs/{rest:path}", "/static-offline-docs/{rest:path}"),
            *("/mcp", "/demos", "/demos/{rest:path}"),
        )
    },
    # Streamlit: the pages. Their sessions live in the websocket, whose owner is the cookie's.
    ("studio", ""): Tells.SAME,
    ("studio", "/_stcore/health"): Tells.SAME,
    ("studio", "/_stcore/metrics"): Tells.SAME,
    ("studio", "/_stcore/host-config"): Tells.SAME,
    ("studio", "/_stcore/bidi-components/{path:path}"): Tells.SAME,
    ("studio", "/component/{path:path}"): Tells.SAME,
    ("studio", "/_stcore/stream"): Tells.OWN,
    ("studio", "/media/{file_id:path}"): Tells.PATH,
    ("studio", "/_stcore/upload_file/{session_id}/{file_id}"): Tells.SESSION,
    **{("studio", path): Tells.SAME for path in ("/auth/login", "/auth/logout", "/oauth2callback")},
    **{("studio", f"/_stcore/agent/{name}"): Tells.SAME for name in ("interact", "openapi.json", "mcp")},
    # REST
    **{("rest", path): Tells.SAME for path in ("/openapi.json", "/static-offline-docs", "/docs")},
    ("rest", "/docs/oauth2-redirect"): Tells.SAME,
    ("rest", "/api/v1/openapi.json"): Tells.SAME,
    ("rest", "/api/v1/tasks"): Tells.SAME,
    ("rest", "/api/v1/tasks/{task}"): Tells.SAME,
    ("rest", "/api/v1/tasks/{task}/run"): Tells.OWN,
    ("rest", "/api/v1/jobs"): Tells.OWN,
    ("rest", "/api/v1/jobs/{job}"): Tells.NAMED,
    ("rest", "/api/v1/jobs/{job}/result.zip"): Tells.NAMED,
    ("rest", "/api/v1/runs"): Tells.OWN,
    **{("rest", f"/api/v1/runs/{{run}}{end}"): Tells.NAMED for end in ("", "/pin", "/repeat", "/picture")},
    ("rest", "/api/v1/tasks/{task}/batch"): Tells.OWN,
    ("rest", "/api/v1/batches/{batch}"): Tells.NAMED,
    ("rest", "/api/v1/models"): Tells.SAME,
    ("rest", "/api/v1/models/{task}/{adapter}"): Tells.SAME,
    ("rest", "/api/v1/models/{task}/{adapter}/pull"): Tells.SAME,
    ("rest", "/api/v1/models/{task}/{adapter}/pause"): Tells.SAME,
    ("rest", "/healthz"): Tells.SAME,
    ("rest", "/readyz"): Tells.SAME,
    ("rest", "/metrics"): Tells.SAME,
    # OpenAI's
    ("rest", "/v1/models"): Tells.OWN,
    ("rest", "/v1/models/{model:path}"): Tells.OWN,
    ("rest", "/v1/embeddings"): Tells.OWN,
    ("rest", "/v1/chat/completions"): Tells.OWN,
    ("mcp", "/mcp"): Tells.OWN,
    # a demo
    **{
        ("demo", path): Tells.SAME
        for path in (
            *("/", "/config", "/theme.css", "/favicon.ico", "/robots.txt", "/manifest.json"),
            *("/svelte/{path:path}", "/static/{path:path}", "/assets/{path:path}", "/gradio_api/theme.css"),
            *("/gradio_api/info", "/gradio_api/openapi.json", "/gradio_api/app_id", "/gradio_api/startup-events"),
            *("/gradio_api/login_check", "/gradio_api/reset"),
        )
    },
    ("demo", "/gradio_api/upload"): Tells.PATH,
    ("demo", "/gradio_api/file={path_or_url:path}"): Tells.PATH,
    ("demo", "/gradio_api/component_server"): Tells.OWN,
    ("demo", "/gradio_api/queue/join"): Tells.OWN,
    **{
        ("demo", f"/gradio_api/{path}"): Tells.OWN
        for path in ("run/{api_name}", "api/{api_name}", "call/{api_name}", "call/v2/{api_name}")
    },
    ("demo", "/gradio_api/call/{api_name}/{event_id}"): Tells.NAMED,
    ("demo", "/gradio_api/call/v2/{api_name}/{event_id}"): Tells.NAMED,
    ("demo", "/gradio_api/cancel"): Tells.NAMED,
    ("demo", "/gradio_api/upload_progress"): Tells.SESSION,
    ("demo", "/gradio_api/queue/data"): Tells.SESSION,
    ("demo", "/gradio_api/heartbeat/{session_hash}"): Tells.SESSION,
    **{
        ("demo", path): Tells.SHUT
        for path in (
            *("/openapi.json", "/login", "/logout", "/pwa_icon", "/pwa_icon/{size}"),
            *("/monitoring", "/monitoring/summary", "/monitoring/{key}", "/gradio_api/deep_link"),
            *(f"/gradio_api/{name}" for name in ("user", "token", "runs", "queue/status", "dev/reload")),
            *(f"/gradio_api/{name}" for name in ("vibe-code", "vibe-edit", "undo-vibe-edit", "vibe-starter-queries")),
            "/gradio_api/process_recording",
            "/gradio_api/custom_component/{id}/{environment}/{type}/{file_name}",
            "/gradio_api/proxy={url_path:path}",
            "/gradio_api/file/{path:path}",
            "/gradio_api/stream/{event_id}",
            "/gradio_api/stream/{event_id}/close",
            "/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist.m3u8",
            "/gradio_api/stream/{session_hash}/{run}/{component_id}/{segment_id}.{ext}",
            "/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist-file",
        )
    },
}

#: tasks that keep things for their owner between calls, and what somebody else is told; see `test_matrix`
KEEPING = {
    *("face_enrolment", "face_gallery", "face_identification"),
    *("document_chat", "document_index", "document_library", "document_chats"),
    *("document_page", "document_search", "document_evaluation"),
    *("image_search", "image_index", "image_library", "image_duplicates"),
}
#: tasks that answer from their inputs alone
KEEPING_NOTHING = {
    *("face_verification", "face_threshold", "digit_recognition", "image_classification", "image_embedding"),
    *("image_captioning", "image_measures", "visual_question_answering", "visual_assistant"),
    *("scene_editor", "scene_description", "scene_question"),
    *("object_detection", "video_detection", "open_vocabulary_detection", "licence_plates"),
    *("style_transfer", "live_style"),
    *("text_embedding", "text_ranking", "text_recognition"),
    *("music_generation", "music_continuation", "melody_harmonisation", "text_to_music"),
}


def every_route(runtime: Runtime) -> Iterator[tuple[str, str]]:
    """(surface, path) of each route that the built applications have; a demo's routes are those of any demo."""
    built: Any = app.build(runtime)
    yield from _walk("studio", built._build_starlette_app().routes)
    yield from _walk("rest", rest.build(runtime).routes)
    yield from _walk("mcp", mcp.build(runtime).routes)
    (mounted,) = [route for route in build_app(runtime, "specimen_stream").routes if hasattr(route, "app")]
    yield from _walk("demo", mounted.app.routes)


def _walk(surface: str, routes: list[BaseRoute]) -> Iterator[tuple[str, str]]:
    for found in iter_route_contexts(routes):
        path = str(found.path)
        yield surface, path.rstrip("/") if len(path) > 1 else path
