"""The studio in a shell: `python -m surfaces.cli list | run | models | pull | settings`.

Exit codes: 0 done, 1 the run failed, 2 bad input or usage, 130 cancelled by Ctrl-C. Every error is one JSON object
`{error, field, expected, got, hint}` on stderr.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from studio.catalogue import Catalogue
from studio.contract import Task
from studio.downloads import Download, WeightsState
from studio.errors import AtelierError, BackendFailed, Cancelled, InvalidInput, NotFound
from studio.fields import FieldSpec, describe
from studio.jobs import Job
from studio.media.base import Media
from studio.results import BoxedImage, Scores
from studio.runtime import Runtime
from studio.settings import Settings
from studio.stock import find, stock
from surfaces.encode import outputs_json, save_outputs

MEDIA_KINDS = ("image", "audio", "video", "table", "file")
INTERRUPTED = 130

Open = Callable[[], Runtime]


def main(arguments: Sequence[str] | None = None, packages: Sequence[str] = ("backends",)) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: the command line without the program's name; that of this process where None.
        packages: where the tasks are looked for.
    """

    def open_runtime() -> Runtime:
        return Runtime(_settings(), Catalogue.discover(packages))

    try:
        code = cli.main(arguments, prog_name="python -m surfaces.cli", obj=open_runtime, standalone_mode=False)
    except click.UsageError as fault:
        usage = fault.ctx.get_usage() if fault.ctx else None
        return _report(InvalidInput(fault.format_message(), expected=usage, hint="Add --help for an explanation."))
    except AtelierError as fault:
        return _report(fault)
    except (KeyboardInterrupt, click.Abort):
        return _report(Cancelled("The run was cancelled."))
    return code if isinstance(code, int) else 0


def _report(fault: AtelierError) -> int:
    click.echo(json.dumps(fault.shape(), ensure_ascii=False), err=True)
    if isinstance(fault, Cancelled):
        return INTERRUPTED
    return 2 if isinstance(fault, InvalidInput | NotFound) else 1


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Atelier's tasks in a shell: the same inputs, models and answers as in the browser."""


@cli.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: each task with its fields and adapters.")
@click.pass_obj
def list_tasks(open_runtime: Open, as_json: bool) -> None:
    """List the tasks. No model is loaded and no framework imported."""
    with _runtime(open_runtime) as runtime:
        if as_json:
            _echo_json([_task_json(task) for task in runtime.catalogue])
            return
        width = max((len(task.name) for task in runtime.catalogue), default=0)
        for task in runtime.catalogue:
            click.echo(f"{task.name:<{width}}  {task.summary}")


@cli.command("run")
@click.argument("task")
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--json", "as_json", is_flag=True, help="Print the outputs as one JSON object; media are data URLs.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write pictures, sounds, tables and files into this folder; the outputs then hold their paths.",
)
@click.pass_obj
def run_task(open_runtime: Open, task: str, values: tuple[str, ...], as_json: bool, out: Path | None) -> None:
    """Run TASK once.

    NAME=VALUE gives a field its value: the path of a file for pictures, sounds, videos, tables and files, JSON for
    fields of kind json, otherwise the value as text. Repeat a name to fill a list. adapter=NAME chooses the model.

    Example: run face_verification first=A.jpg second=B.jpg --json
    """
    with _runtime(open_runtime) as runtime:
        declared = runtime.catalogue.task(task)
        payload = parse_values(declared, values)
        adapter = payload.pop("adapter", None) if "adapter" not in declared.inputs.model_fields else None
        with contextlib.redirect_stdout(sys.stderr):  # what a library prints must not mix with the outputs
            job = _wait(runtime.submit(task, payload, adapter=adapter))
        assert job.outputs is not None
        for remark in job.remarks:
            click.echo(f"Note: {remark}", err=True)
        saved = _saved(job, out) if out else None
        if as_json:
            _echo_json(saved if saved is not None else outputs_json(job.outputs))
            return
        for spec in describe(declared.outputs):
            value = saved[spec.name] if saved is not None else getattr(job.outputs, spec.name)
            click.echo(f"{spec.title}: {_readable(value, spec)}")
        click.echo(f"{job.run_s:.2f} s on {job.device}, model loaded in {job.load_s:.2f} s", err=True)


@cli.command("models")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_models(open_runtime: Open, as_json: bool) -> None:
    """List the adapters of each task: kind, licence, size of the weights, and whether they are there."""
    with _runtime(open_runtime) as runtime:
        rows = [row.shape() for row in stock(runtime)]
    if as_json:
        _echo_json(rows)
        return
    for row in rows:
        size = f"{row['bytes'] / 1e6:.1f} MB" if row["bytes"] else "no weights"
        use = "" if row["commercial"] else " (not commercial)"
        state = row["state"] if row["state"] != "paused" else f"paused at {row['bytes_here'] / row['bytes']:.0%}"
        facts = (row["task"], row["adapter"], row["kind"], row["licence"] + use, size, state, row["reason"] or "")
        click.echo("  ".join(fact for fact in facts if fact))


@cli.command("pull")
@click.argument("adapter")
@click.pass_obj
def pull_model(open_runtime: Open, adapter: str) -> None:
    """Download the weights of ADAPTER, or of TASK/ADAPTER; says their size and licence first.

    Ctrl-C pauses: the next pull goes on from there.
    """
    with _runtime(open_runtime) as runtime:
        task, chosen = find(runtime, adapter)
        family = runtime.catalogue.entry(task.name).family
        state = runtime.shelf.state(family, chosen.weights)
        if state.name == "ready":
            click.echo(f"{chosen.title} is ready; nothing to download.")
            return
        rest_mb = (state.total_bytes - state.done_bytes) / 1e6
        use = "" if chosen.commercial else ", not for commercial use"
        click.echo(f"{chosen.title}: {rest_mb:,.1f} of {state.total_bytes / 1e6:,.1f} MB to download.")
        click.echo(f"Licence {chosen.licence}{use}. From {chosen.source}.")
        _watch(runtime.shelf.pull(family, chosen.weights))
        click.echo(f"{chosen.title} is ready.")


@cli.command("settings")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_settings(as_json: bool) -> None:
    """Print every setting: its environment variable, the value in force, its default and its help."""
    now = _settings()
    rows = []
    for name, (variable, default, text) in zip(Settings.model_fields, Settings.table(), strict=True):
        value = getattr(now, name)
        shown = "(set)" if name in ("token", "llm_key") and value else "" if value is None else str(value)
        rows.append({"variable": variable, "value": shown, "default": default, "help": text})
    if as_json:
        _echo_json(rows)
        return
    for row in rows:
        click.echo(f"{row['variable']}={row['value']}\n    {row['help']} Default: {row['default'] or 'none'}.")


def parse_values(task: Task, values: Sequence[str]) -> dict[str, Any]:
    """`name=value` texts as a payload for the runtime, which validates it.

    Raises:
        InvalidInput: a text without `=`, a single field given twice, or broken JSON for a field of kind json.
    """
    specs = {spec.name: spec for spec in describe(task.inputs)}
    payload: dict[str, Any] = {}
    for text in values:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise InvalidInput("An input is given as NAME=VALUE.", expected="NAME=VALUE", got=text[:80])
        spec = specs.get(name)
        if spec is not None and spec.many:
            payload.setdefault(name, []).append(_parse(spec, value))
        elif name in payload:
            raise InvalidInput(f"{name} is given twice, but takes one value.", field=name, got=value[:80])
        else:
            payload[name] = value if spec is None else _parse(spec, value)
    return payload


def _parse(spec: FieldSpec, value: str) -> Any:
    if spec.kind in MEDIA_KINDS:
        return Path(value)
    if spec.kind in ("json", "scores", "plot", "boxed_image"):
        try:
            return json.loads(value)
        except json.JSONDecodeError as fault:
            raise InvalidInput(
                f"{spec.title} is not JSON.", field=spec.name, expected="JSON", got=str(fault)
            ) from fault
    return value


def _wait(job: Job) -> Job:
    """Wait with a progress line where stderr is a terminal. Raises the job's error; Ctrl-C cancels the job."""
    shows = sys.stderr.isatty()
    try:
        while not job.wait(0.1):
            if shows:
                click.echo(f"\r\033[K{job.state}  {job.progress:4.0%}  {job.note}", err=True, nl=False)
    except KeyboardInterrupt:
        job.cancel()
        job.wait(5)
        raise
    finally:
        if shows:
            click.echo("\r\033[K", err=True, nl=False)
    if job.error is not None:
        raise job.error
    return job


def _watch(download: Download) -> None:
    """Wait with a progress line where stderr is a terminal, a line for every tenth otherwise. Raises its error."""
    shows, told = sys.stderr.isatty(), 0
    while not download.wait(0.2):
        state = download.state()
        tenth = int(state.fraction * 10)
        if shows or tenth > told:
            told = tenth
            click.echo(f"\r\033[K{_transfer(state)}" if shows else _transfer(state), err=True, nl=not shows)
    if shows:
        click.echo("\r\033[K", err=True, nl=False)
    if download.error is not None:
        raise download.error


def _transfer(state: WeightsState) -> str:
    """Where a download is, in one line: "42%  416.0 of 990.0 MB  12.0 MB/s  48 s left"."""
    words = [f"{state.fraction:4.0%}", f"{state.done_bytes / 1e6:,.1f} of {state.total_bytes / 1e6:,.1f} MB"]
    words += [f"{state.bytes_per_s / 1e6:.1f} MB/s"] if state.bytes_per_s else []
    words += [f"{state.seconds_left:.0f} s left"] if state.seconds_left is not None else []
    return "  ".join(words)


def _saved(job: Job, folder: Path) -> dict[str, Any]:
    assert job.outputs is not None
    try:
        return save_outputs(job.outputs, folder)
    except OSError as fault:
        raise BackendFailed(f"The outputs cannot be written: {fault.strerror}.", got=str(folder)) from fault


def _readable(value: Any, spec: FieldSpec) -> str:
    if isinstance(value, Media):
        return f"{value.noun.split(' ', 1)[1]} ({len(value.encode()[0]):,} bytes; --out DIR writes it)"
    if isinstance(value, BoxedImage):
        return (
            "".join(f"\n  {box.label or 'box'}  xyxy {[round(v, 1) for v in box.xyxy]}" for box in value.boxes)
            or "none"
        )
    if isinstance(value, Scores) or (spec.kind == "scores" and isinstance(value, Mapping)):
        scores: Mapping[str, float] = value.root if isinstance(value, Scores) else value
        return "".join(f"\n  {label}  {score:.4f}" for label, score in scores.items())
    if spec.many and isinstance(value, list):
        return "".join(f"\n  {_readable(item, spec)}" for item in value) or "none"
    if isinstance(value, float):
        return f"{value:.6g} {spec.ui.unit}".rstrip()
    if isinstance(value, str | int):
        return f"{value} {spec.ui.unit}".rstrip()
    dump = getattr(value, "model_dump", None)
    return json.dumps(dump(mode="json") if dump else value, ensure_ascii=False, default=str)


def _task_json(task: Task) -> dict[str, Any]:
    return {
        "name": task.name,
        "title": task.title,
        "section": task.section,
        "summary": task.summary,
        "inputs": [_field_json(spec) for spec in describe(task.inputs)],
        "outputs": [_field_json(spec) for spec in describe(task.outputs)],
        "adapters": [adapter.model_dump(mode="json", exclude={"entry", "weights"}) for adapter in task.adapters],
    }


def _field_json(spec: FieldSpec) -> dict[str, Any]:
    told = {"minimum": spec.minimum, "maximum": spec.maximum, "unit": spec.ui.unit, "choices": list(spec.choices)}
    return {
        "name": spec.name,
        "kind": spec.kind,
        "many": spec.many,
        "required": spec.required,
        "title": spec.title,
        "description": spec.description,
    } | {key: value for key, value in told.items() if value not in (None, "", [])}


@contextlib.contextmanager
def _runtime(open_runtime: Open) -> Iterator[Runtime]:
    runtime = open_runtime()
    try:
        yield runtime
    finally:
        runtime.close()


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        name = f"ATELIER_{'_'.join(str(part) for part in first['loc']).upper()}"
        raise InvalidInput(f"The setting {name} is not valid.", field=name, expected=first["msg"]) from None


def _echo_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    sys.exit(main())
