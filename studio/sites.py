"""A file at a plain address, as torchvision's weights are: no repository, no commit, only its SHA-256."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from studio.errors import WeightsUnavailable
from studio.remote import RemoteFile


@dataclass(frozen=True)
class SiteFile(RemoteFile):
    """A file below an address; kept under HF_HOME beside the cache of `huggingface_hub`. See `RemoteFile`.

    Attributes:
        site: the address that its path is below, "https://download.pytorch.org/models/".
    """

    site: str

    @property
    def url(self) -> str:
        """See `RemoteFile.url`."""
        return self.site + self.path

    @property
    def folder(self) -> Path:
        """One for each content: two sites may have files of the same name."""
        from huggingface_hub import constants

        return Path(constants.HF_HOME) / "atelier" / self.sha256

    @property
    def partial_path(self) -> Path:
        """See `RemoteFile.partial_path`."""
        return self.folder / f"{self._name}.atelier-partial"

    @property
    def _name(self) -> str:
        return PurePosixPath(self.path).name

    def headers(self) -> Mapping[str, str]:
        """None: the hub's token is nobody else's."""
        return {}

    def cached(self) -> Path | None:
        """See `RemoteFile.cached`."""
        path = self.folder / self._name
        return path if path.is_file() and path.stat().st_size == self.bytes else None

    def keep(self, partial: Path) -> Path:
        """See `RemoteFile.keep`."""
        return partial.replace(self.folder / self._name)

    def forget(self) -> None:
        """See `RemoteFile.forget`."""
        self.partial_path.unlink(missing_ok=True)
        (self.folder / self._name).unlink(missing_ok=True)
        if self.folder.is_dir():
            self.folder.rmdir()

    def refused(self, status: int) -> WeightsUnavailable:
        """See `RemoteFile.refused`."""
        return WeightsUnavailable(
            f"There is no file {self.path} at {self.site} any more, or it is not handed out.",
            got=f"status {status}",
            hint="The publisher may have moved it: please report it.",
        )
