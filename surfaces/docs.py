"""Writes the reference pages in docs/ from the declarations: `python -m surfaces.docs`; `--check` fails on drift."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from studio import errors
from studio.catalogue import Catalogue
from studio.contract import Adapter, Task
from studio.fields import FieldSpec, describe
from studio.settings import Settings
from studio.weights import Shelf

ROOT = Path(__file__).parent.parent
MADE = "<!-- Made by `python -m surfaces.docs` from the declarations. Change those, not this page. -->\n"

Rows = Iterable[Sequence[str]]


def main(check: bool, root: Path = ROOT) -> int:
    """Write the pages, or with `check` name those that differ; returns the exit code.

    Args:
        check: write nothing; 1 if any page differs, is missing or is left over.
        root: the folder in which docs/ lies.
    """
    wanted = {root / "docs" / name: text for name, text in pages(Catalogue.discover()).items()}
    left_over = [path for path in sorted((root / "docs" / "tasks").glob("*.md")) if path not in wanted]
    differing = [path for path, text in wanted.items() if not path.is_file() or path.read_text("utf-8") != text]
    if check:
        for path in differing + left_over:
            click.echo(f"{path.relative_to(root)} differs from the declarations; run python -m surfaces.docs", err=True)
        return 1 if differing or left_over else 0
    for path in left_over:
        path.unlink()
    for path in differing:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path], encoding="utf-8")
        click.echo(f"wrote {path.relative_to(root)}")
    return 0


def pages(catalogue: Catalogue) -> dict[str, str]:
    """Every reference page, as its path below docs/ and its Markdown."""
    shelf = Shelf(Path())
    made = {f"tasks/{task.name}.md": _task(task, catalogue, shelf) for task in catalogue}
    return made | {"tasks/README.md": _index(catalogue), "settings.md": _settings(), "errors.md": _errors()}


def _index(catalogue: Catalogue) -> str:
    rows = [(f"[{task.name}]({task.name}.md)", task.section, task.summary) for task in catalogue]
    return f"{MADE}\n# Tasks\n\n" + _table(("Task", "Section", "What it does"), rows)


def _task(task: Task, catalogue: Catalogue, shelf: Shelf) -> str:
    family = catalogue.entry(task.name).family
    parts = [
        f"{MADE}\n# {task.title}\n\n{task.summary}",
        f"Name on every surface: `{task.name}`. Section: {task.section}.",
        f"Shown on the page of [{task.part_of}]({task.part_of}.md)." if task.part_of else "",
        "Can run on a webcam." if task.live else "",
        "## Inputs\n\n" + _fields(describe(task.inputs), inputs=True),
        "## Outputs\n\n" + _fields(describe(task.outputs), inputs=False),
        "## Models",
        *(_adapter(adapter, index == 0, shelf, family) for index, adapter in enumerate(task.adapters)),
        "## Calls\n\n" + _calls(task),
        f"## How it works\n\n{task.how_it_works.strip()}" if task.how_it_works else "",
    ]
    return "\n\n".join(part.rstrip() for part in parts if part) + "\n"


def _fields(specs: Sequence[FieldSpec], *, inputs: bool) -> str:
    if not inputs:
        outputs = [(f"`{s.name}`", _kind(s), s.ui.unit, s.description or s.title) for s in specs]
        return _table(("Field", "Kind", "Unit", "What it is"), outputs)
    rows = [(f"`{s.name}`", _kind(s), _accepted(s), _default(s), s.description or s.title) for s in specs]
    return _table(("Field", "Kind", "Accepts", "Default", "What it is"), rows)


def _kind(spec: FieldSpec) -> str:
    return f"list of {spec.kind}" if spec.many else spec.kind.replace("_", " ")


def _accepted(spec: FieldSpec) -> str:
    """Bounds, choices or endings, in words."""
    if spec.choices:
        return ", ".join(f"`{choice}`" for choice in spec.choices)
    bounds = [
        f"at least {spec.minimum:g}" if spec.minimum is not None else "",
        f"at most {spec.maximum:g}" if spec.maximum is not None else "",
    ]
    noun = "characters" if spec.kind == "text" and not spec.many else spec.ui.unit
    told = " and ".join(bound for bound in bounds if bound)
    what = "items" if spec.many else noun
    return f"{told} {what}".strip() if told else ", ".join(spec.ui.accept) or spec.ui.unit


def _default(spec: FieldSpec) -> str:
    if spec.required:
        return "required"
    value = getattr(spec.default, "value", spec.default)
    if value in (None, "", [], {}, ()):
        return "none"
    return f"`{value if isinstance(value, str) else json.dumps(value, default=lambda it: it.model_dump(mode='json'))}`"


def _adapter(adapter: Adapter, default: bool, shelf: Shelf, family: Path) -> str:
    size = f"{shelf.row(family, adapter.weights).total_bytes / 1e6:.1f} MB of weights" if adapter.weights else ""
    facts = [
        ("Kind", f"{adapter.kind}{', ' + size if size else ''}"),
        ("Licence", f"{adapter.licence}{'' if adapter.commercial else ' (no commercial use)'}"),
        ("Source", adapter.source),
        ("Memory", f"{adapter.memory_mb:,} MB"),
        ("Runs on", ", ".join(adapter.devices)),
        ("Measured", adapter.quality),
        ("Limits", adapter.limits),
    ]
    heading = f"### {adapter.title} (`{adapter.name}`{', default' if default else ''})\n\n"
    return heading + "\n".join(f"- {name}: {value}" for name, value in facts if value)


def _calls(task: Task) -> str:
    values = task.examples[0].values
    shell = " ".join(f"{name}={_word(value)}" for name, value in _pairs(values))
    form = " \\\n".join(f"  -F {name}={'@' if isinstance(v, Path) else ''}{_word(v)}" for name, v in _pairs(values))
    curl = f"curl {form.strip()} \\\n  " if form else "curl -X POST "
    return (
        f"```sh\npython -m surfaces.cli run {task.name} {shell}".rstrip()
        + f" --json\n\n{curl}http://127.0.0.1:7860/api/v1/tasks/{task.name}/run\n```"
    )


def _pairs(values: dict[str, Any]) -> list[tuple[str, Any]]:
    """(name, value), a list's items one by one."""
    return [(k, item) for k, v in values.items() for item in (v if isinstance(v, list | tuple) else (v,))]


def _word(value: Any) -> str:
    text = value.name if isinstance(value, Path) else str(getattr(value, "value", value))
    return text if text and all(c.isalnum() or c in "._-" for c in text) else "'" + text.replace("'", "'\\''") + "'"


def _settings() -> str:
    rows = [(f"`{name}`", f"`{default}`" if default else "none", text) for name, default, text in Settings.table()]
    return (
        f"{MADE}\n# Settings\n\nEnvironment variables; `python -m surfaces.cli settings` prints those in force.\n\n"
        + _table(("Variable", "Default", "What it sets"), rows)
    )


def _errors() -> str:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.AtelierError)]
    rows = [
        (kind.__name__, str(kind.status), _first_paragraph(kind.__doc__ or ""))
        for kind in kinds
        if kind is not errors.AtelierError
    ]
    return (
        f"{MADE}\n# Errors\n\nEvery surface reports an error as one JSON object "
        "`{error, field, expected, got, hint}`: a sentence for people, the input field at fault, what would have been "
        "accepted, what came instead, what to try next. All but `error` may be null.\n\n"
        "In the shell: exit code 2 for bad input, 1 for a failed run, 130 for a cancelled one.\n\n"
        + _table(("Error", "HTTP status", "Meaning"), rows)
    )


def _first_paragraph(text: str) -> str:
    return " ".join(text.strip().split("\n\n")[0].split())


def _table(head: Sequence[str], rows: Rows) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines) + "\n"


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a page differs from the declarations.")
def _command(check: bool) -> None:
    """Write docs/tasks/*.md, docs/settings.md and docs/errors.md from the declarations."""
    sys.exit(main(check))


if __name__ == "__main__":
    _command()
