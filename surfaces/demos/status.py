"""What a demo says about its run: waiting, progress, time and device, remarks, errors. As HTML, in words."""

from __future__ import annotations

import html
import time

from studio.contract import Adapter, Task
from studio.errors import AtelierError
from studio.jobs import Job


def status_html(job: Job, task: Task, adapter: Adapter, *, found_again: bool = False) -> str:
    """The state of a job in one line, with a bar while it runs."""
    if job.state == "queued":
        return _line(_turn(job), bar=0.0)
    if job.state == "running":
        seconds = f"{job.run_s:.0f} s" if job.run_s >= 1 else ""
        return _line(" · ".join(part for part in (job.note or "Running", seconds) if part), bar=job.progress)
    link = f'<a href="../../api/v1/jobs/{job.id}/result.zip" download>Download the result</a>'
    if job.state == "cancelled" and job.outputs is not None and task.chat is None:  # a chat takes the question back
        return f'<div class="status done" role="status"><span>Cancelled; what was done is shown</span>{link}</div>'
    if job.error is not None:
        return error_html(job.error, task)
    facts = [f"{_seconds(job.run_s)} on {job.device}", adapter.title]
    if job.load_s >= 0.05:
        facts.append(f"model ready after {_seconds(job.load_s)}")
    if found_again:
        begun = time.localtime(job.created_s)
        today = begun[:3] == time.localtime()[:3]
        facts.append(f"run at {time.strftime('%H:%M' if today else '%H:%M on %-d %b %Y', begun)}")
    remarks = "".join(f"<li>{html.escape(remark)}</li>" for remark in job.remarks)
    listed = f'<ul class="remarks">{remarks}</ul>' if remarks else ""
    return f'<div class="status done" role="status"><span>{html.escape(" · ".join(facts))}</span>{link}</div>{listed}'


def error_html(error: AtelierError, task: Task) -> str:
    """An error: what happened, in which field, what was expected, what to do."""
    field = task.inputs.model_fields.get(error.field or "")
    rows = [f"<p><strong>{html.escape(error.message)}</strong></p>"]
    details = [("Field", field.title if field else None), ("Expected", error.expected), ("Got", error.got)]
    listed = "".join(f"<dt>{name}</dt><dd>{html.escape(text)}</dd>" for name, text in details if text)
    if listed:
        rows.append(f"<dl>{listed}</dl>")
    if error.hint:
        rows.append(f"<p>{html.escape(error.hint)}</p>")
    return f'<div class="status failed" role="alert">{"".join(rows)}</div>'


def _line(text: str, bar: float) -> str:
    percent = round(100 * bar)
    known = f'aria-valuenow="{percent}"' if bar > 0 else ""
    kind = "bar" if bar > 0 else "bar unknown"
    return (
        f'<div class="status running" role="status"><span>{html.escape(text)}</span></div>'
        f'<div class="{kind}" role="progressbar" aria-valuemin="0" aria-valuemax="100" {known}>'
        f'<div style="width:{percent}%"></div></div>'
    )


def _turn(job: Job) -> str:
    """A waiting job's place, and when it will begin as far as that is known."""
    words = ["Waiting for its turn"]
    if job.position is not None:
        words.append("next" if job.position == 1 else f"{job.position - 1} before it")
    if job.wait_s is not None and job.wait_s >= 1:
        words.append(f"about {job.wait_s:.0f} s" if job.wait_s < 90 else f"about {job.wait_s / 60:.0f} min")
    return " · ".join(words)


def _seconds(value: float) -> str:
    return f"{1000 * value:.0f} ms" if value < 0.995 else f"{value:.1f} s"
