"""The one family of errors, and the one shape in which every surface reports them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypedDict


class ErrorShape(TypedDict):
    """The JSON body of every error: what went wrong, where, and what to do about it."""

    error: str
    field: str | None
    expected: str | None
    got: str | None
    hint: str | None


class AtelierError(Exception):
    """An error that a person can act on.

    Args:
        message: one sentence, for people.
        field: the input field at fault, if one is.
        expected: what would have been accepted.
        got: what came instead.
        hint: what to try next.
    """

    status: ClassVar[int] = 500

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        expected: str | None = None,
        got: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.expected = expected
        self.got = got
        self.hint = hint

    def shape(self) -> ErrorShape:
        """The error as the JSON object that every surface returns."""
        return {
            "error": self.message,
            "field": self.field,
            "expected": self.expected,
            "got": self.got,
            "hint": self.hint,
        }

    def record(self) -> dict[str, Any]:
        """The error with the name of its class, as JSON values from which `error_from` makes it again."""
        return {"class": type(self).__name__, **self.shape()}


class InvalidInput(AtelierError, ValueError):
    """An input that the task cannot accept. A `ValueError`, so that pydantic collects it with its field."""

    status = 422


class TooLarge(InvalidInput):
    """An input beyond a limit; the message names the limit."""

    status = 413


class Unauthorized(AtelierError):
    """An access token is needed and none, or a wrong one, was given."""

    status = 401


class Forbidden(AtelierError):
    """Refused by a setting of the operator."""

    status = 403


class NotFound(AtelierError):
    """No such task, adapter, job or file, or it belongs to somebody else."""

    status = 404


class Cancelled(AtelierError):
    """The job was cancelled by its owner, or because the studio is closing."""

    status = 409


class QueueFull(AtelierError):
    """More jobs wait than the studio is set to accept."""

    status = 409


class TooManyRuns(AtelierError):
    """An owner has started more runs in a minute than the operator allows.

    Args:
        retry_after_s: when the next one may come.
        facts: those of `AtelierError`.
    """

    status = 429

    def __init__(self, message: str, *, retry_after_s: int = 60, **facts: str | None) -> None:
        super().__init__(message, **facts)
        self.retry_after_s = retry_after_s


class WeightsUnavailable(AtelierError):
    """A model's weights are not there, or are not what they should be."""

    status = 503


class BackendFailed(AtelierError):
    """A model failed for a reason that is not the input's; the log has the traceback under the job's id."""

    status = 500


class Interrupted(AtelierError):
    """The studio was stopped, or stopped working, while the run waited or ran; its inputs are kept."""

    status = 503


class RunsUnavailable(AtelierError):
    """The runs that are kept on disk cannot be read or written."""

    status = 503


def error_from(record: Mapping[str, str | None]) -> AtelierError:
    """What `AtelierError.record` wrote; of a class that a family made, or a later version, the general error."""
    known = globals().get(record["class"] or "")
    made = known if isinstance(known, type) and issubclass(known, AtelierError) else BackendFailed
    facts = {name: record.get(name) for name in ("field", "expected", "got", "hint")}
    return made(record["error"] or "", **facts)
