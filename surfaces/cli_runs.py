"""`python -m surfaces.cli runs`: list, show and delete what was run in this shell."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import click

from studio.errors import NotFound
from studio.jobs import State
from studio.run_rows import RunRow, Wanted
from studio.runtime import Runtime
from surfaces.encode import inputs_json, outputs_json, save_outputs
from surfaces.rest_runs import run_json

#: whoever sits at the shell; runs of browsers and API keys are their owners'
OWNER = "local"

Open = Callable[[], Runtime]


@click.group("runs")
def runs() -> None:
    """The runs of this shell that are kept: list, show, delete."""


@runs.command("list")
@click.option("--task", help="Only of this task.")
@click.option("--state", type=click.Choice(get_args(State)), help="Only in this state.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many, newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_runs(open_runtime: Open, task: str | None, state: State | None, limit: int, as_json: bool) -> None:
    """List the runs, newest first."""
    with contextlib.closing(open_runtime()) as runtime:
        rows = runtime.runs.page(OWNER, Wanted(task, state), limit=limit)
    if as_json:
        click.echo(json.dumps([run_json(row) for row in rows], ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo(_line(row))


@runs.command("show")
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="Print JSON with inputs and outputs; media are data URLs.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write the outputs' files here.")
@click.pass_obj
def show_run(open_runtime: Open, run: str, as_json: bool, out: Path | None) -> None:
    """Show RUN; the first digits of its id do where they tell it from others."""
    with contextlib.closing(open_runtime()) as runtime:
        row = _found(runtime, run)
        job = runtime.jobs.get(row.id, OWNER)
        shown = run_json(row) | {"weights_changed": runtime.weights_changed(row)}
        if out is not None and job.outputs is not None:
            shown |= {"outputs": save_outputs(job.outputs, out)}
        elif as_json:
            shown |= {"outputs": outputs_json(job.outputs) if job.outputs is not None else None}
        if as_json:
            shown |= {"inputs": inputs_json(job.inputs)}
    click.echo(json.dumps(shown, ensure_ascii=False, indent=2))


@runs.command("delete")
@click.argument("run", nargs=-1, required=True)
@click.pass_obj
def delete_runs(open_runtime: Open, run: tuple[str, ...]) -> None:
    """Delete each RUN with its files."""
    with contextlib.closing(open_runtime()) as runtime:
        for name in run:
            row = _found(runtime, name)
            runtime.jobs.forget(row.id, OWNER)
            click.echo(f"deleted {row.id}")


def _found(runtime: Runtime, name: str) -> RunRow:
    """The run whose id begins so. Raises NotFound."""
    if len(name) == 32:
        return runtime.runs.row(name, OWNER)
    rows = [row for row in runtime.runs.page(OWNER, limit=10_000) if row.id.startswith(name)]
    if len(rows) != 1:
        raise NotFound(
            f"{len(rows)} runs begin with {name!r}." if rows else "There is no such run.",
            expected="an id of runs list",
            got=name[:40],
        )
    return rows[0]


def _line(row: RunRow) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.created_s))
    took = f"{row.run_s:.2f} s" if row.run_s is not None else "-"
    model = f"{row.task}/{row.adapter}"
    return "  ".join(part for part in (row.id[:8], when, row.state, model, took, row.asked, row.answered) if part)
