"""What the studio logs: one line for each event, as text or as JSON, with the job that it happened in."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from studio.settings import Settings

_job: ContextVar[str] = ContextVar("job", default="")
_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
#: what `log.info(..., extra={...})` may add to a line of JSON
_FACTS = ("task", "adapter", "state", "seconds", "device")


@contextmanager
def in_job(job_id: str) -> Iterator[None]:
    """Everything logged inside, by whatever library, belongs to this job."""
    token = _job.set(job_id)
    try:
        yield
    finally:
        _job.reset(token)


def configure(settings: Settings) -> None:
    """Let all loggers of this process write to stderr as the operator has set."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if settings.log_format == "json" else logging.Formatter(_TEXT))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel("WARNING")


class JsonLines(logging.Formatter):
    """A record as one line of JSON: time (UTC, RFC 3339), level, logger, message; job, facts and traceback if any."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{seconds}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if _job.get():
            line["job"] = _job.get()
        line |= {name: getattr(record, name) for name in _FACTS if hasattr(record, name)}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)
