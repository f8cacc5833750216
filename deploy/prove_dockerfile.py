"""Goes through the Dockerfile's steps on a clean Debian root: `sudo python -m deploy.prove_dockerfile FOLDER`.

For machines without a container engine. The root is made with debootstrap in FOLDER (about 8 GB with CUDA's libraries),
in place of the image that FROM names: Debian 12 with its own Python 3.11. Each step of the Dockerfile is then taken as
an engine would, in a chroot. At last the program is started as the image would be, as the image's user, with a root
that cannot be written to but for its home and /tmp, until the image's own health check passes. Debian, root rights and
the package registries are needed; `--bind PATH` shows a folder of this machine to pip, `--mirror` says where Debian is.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).parent.parent
#: what the image in FROM has beyond a bare Debian
PACKAGES = "python3,python3-pip,python3-venv,python-is-python3,ca-certificates"
HOME_WRITABLE, TIMEOUT_S = "/home/user/.atelier", 120


@dataclass
class Image:
    """What the steps have made so far."""

    root: Path
    user: str = "root"
    folder: str = "/"
    environment: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def variables(self) -> dict[str, str]:
        """What `$NAME` stands for in a step."""
        return self.arguments | self.environment

    def run(
        self, command: list[str], environment: Mapping[str, str] | None = None, *, quiet: bool = False
    ) -> subprocess.Popen[bytes]:
        """Start a command in the root, as the user and in the folder that the steps have set."""
        inside = ["env", "-i", *(f"{name}={value}" for name, value in (environment or self.full()).items()), *command]
        shell = f"cd {shlex.quote(self.folder)} && exec {shlex.join(inside)}"
        told = subprocess.DEVNULL if quiet else None
        inner = ["chroot", f"--userspec={self.user}", str(self.root), "/bin/sh", "-c", shell]
        return subprocess.Popen(inner, stdout=told, stderr=told)

    def full(self) -> dict[str, str]:
        """The environment of a command."""
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        home = "/root" if self.user == "root" else f"/home/{self.user}"
        own = {"PATH": path, "HOME": home, "DEBIAN_FRONTEND": "noninteractive"}
        # Debian's pip asks for this before it installs outside an environment; the image's does not
        own["PIP_BREAK_SYSTEM_PACKAGES"] = "1"
        passed = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        return own | passed | self.variables()


def main() -> int:
    """Go through the steps; 0 if the image's health check passes."""
    parser = argparse.ArgumentParser(prog="python -m deploy.prove_dockerfile")
    parser.add_argument("folder", type=Path, help="where the root is made; it is removed afterwards")
    parser.add_argument("--mirror", default="http://deb.debian.org/debian")
    parser.add_argument("--bind", action="append", default=[], help="a folder of this machine that pip needs")
    parser.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args()
    root: Path = options.folder.resolve() / "root"
    started_s = time.monotonic()
    bootstrap = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(root), options.mirror]
    subprocess.run(bootstrap, check=True, stdout=subprocess.DEVNULL)
    for name in ("etc/resolv.conf", "etc/pip.conf", "etc/ssl/certs/ca-certificates.crt"):
        if Path("/", name).is_file():
            shutil.copyfile(Path("/", name), root / name)
    try:
        with ExitStack() as mounts:
            for what in ("/proc", "/dev", *options.bind):
                mounts.enter_context(_bound(Path(what), root / what.lstrip("/")))
            image = Image(root, arguments=dict(text.split("=", 1) for text in options.build_arg))
            for name, rest in _steps((SOURCE / "Dockerfile").read_text()):
                print(f"{name} {rest[:100]}", flush=True)
                _take(image, name, rest)
            shown = [f"--exclude={root / path.lstrip('/')}" for path in options.bind]
            size_mb = int(subprocess.check_output(["du", "-sxm", *shown, str(root)]).split()[0])
            print(f"built in {time.monotonic() - started_s:.0f} s, {size_mb:,} MB", flush=True)
            return _proved(image)
    finally:
        _remove(root)


def _remove(root: Path) -> None:
    """Remove the root, unless a folder of this machine is still shown in it."""
    mounted = [Path(line.split()[4]) for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    left = [str(path) for path in mounted if path.is_relative_to(root)]
    if left:
        raise SystemExit(f"{root} is not removed, because these are mounted there: {', '.join(left)}")
    shutil.rmtree(root)


def _steps(text: str) -> Iterator[tuple[str, str]]:
    """(instruction, the rest of its lines) of a Dockerfile."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in re.sub(r"\\\n", " ", lines).splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            yield name.upper(), rest.strip()


def _take(image: Image, name: str, rest: str) -> None:
    if name == "ARG":
        known, _, default = rest.partition("=")
        image.arguments.setdefault(known, shlex.split(default)[0] if default.strip('"') else "")
    elif name == "ENV":
        for part in shlex.split(rest):
            known, _, value = part.partition("=")
            image.environment[known] = _filled(value, image.full())
    elif name == "USER":
        image.user = rest
    elif name == "WORKDIR":
        image.folder = rest
        (image.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        shutil.chown(image.root / rest.lstrip("/"), *_ids(image))
    elif name == "RUN":
        if image.run(["/bin/sh", "-c", rest]).wait() != 0:
            raise SystemExit(f"this step failed: RUN {rest}")
    elif name == "COPY":
        _copy(image, *[part for part in shlex.split(rest) if not part.startswith("--")])
    elif name == "CMD":
        image.command = json.loads(rest)
    elif name == "HEALTHCHECK":
        image.health = json.loads(rest.partition("CMD ")[2])
    elif name not in ("FROM", "EXPOSE"):
        raise SystemExit(f"this instruction is not known here: {name}")


def _filled(value: str, variables: Mapping[str, str]) -> str:
    return re.sub(r"\$\{?(\w+)\}?", lambda found: variables.get(found[1], ""), value)


def _copy(image: Image, source: str, target: str) -> None:
    """Copy what git has, which is what .dockerignore leaves of a clean checkout, and a little more."""
    into = image.root / image.folder.lstrip("/")
    if source != ".":
        shutil.copyfile(SOURCE / source, into / Path(source).name)
        shutil.chown(into / Path(source).name, *_ids(image))
        return
    archive = image.root / "source.tar"
    subprocess.run(["git", "-C", str(SOURCE), "archive", "-o", str(archive), "HEAD"], check=True)
    with tarfile.open(archive) as packed:
        packed.extractall(into, filter="data")
    archive.unlink()
    for ignored in ("tests", "recipes", ".ci"):
        shutil.rmtree(into / ignored, ignore_errors=True)
    for path in [into, *into.rglob("*")]:
        shutil.chown(path, *_ids(image))


def _ids(image: Image) -> tuple[int, int]:
    """The numbers of the image's user and group, from its own list."""
    rows = (line.split(":") for line in (image.root / "etc/passwd").read_text().splitlines())
    return next((int(row[2]), int(row[3])) for row in rows if row[0] == image.user)


@contextmanager
def _bound(what: Path, where: Path, *, readable_only: bool = False) -> Iterator[None]:
    """Show a folder at another place while this lasts."""
    where.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "--rbind" if what == where else "--bind", str(what), str(where)], check=True)
    subprocess.run(["mount", "--make-rprivate", str(where)], check=True)  # what is undone here is undone nowhere else
    try:
        if readable_only:
            subprocess.run(["mount", "-o", "remount,bind,ro", str(where)], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(where)], check=True)


def _proved(image: Image) -> int:
    """Start what the image starts, nothing writable but its home and /tmp; 0 once its health check passes."""
    home = image.root / HOME_WRITABLE.lstrip("/")
    temporary = image.root / "tmp"
    with ExitStack() as mounts:
        mounts.enter_context(_bound(image.root, image.root, readable_only=True))
        for writable in (home, temporary):
            mounts.enter_context(_bound(writable, writable))
            subprocess.run(["mount", "-o", "remount,bind,rw", str(writable)], check=True)
        environment = image.full() | {"ATELIER_HOST": "127.0.0.1", "ATELIER_PUBLIC": "true"}
        if image.run(["touch", "/home/user/app/written"], environment).wait() == 0:
            raise SystemExit("the root can be written to")
        started_s = time.monotonic()
        program = image.run(image.command, environment)
        try:
            while image.run(image.health, environment, quiet=True).wait() != 0:
                if program.poll() is not None or time.monotonic() - started_s > TIMEOUT_S:
                    print(f"NOT healthy after {time.monotonic() - started_s:.0f} s")
                    return 1
                time.sleep(0.2)
            print(f"healthy {time.monotonic() - started_s:.1f} s after its start, as {image.user}, on a read-only root")
        finally:
            program.send_signal(signal.SIGTERM)
            program.wait(30)
    return 0


if __name__ == "__main__":
    sys.exit(main())
