"""One file of a model repository: found in the cache of `huggingface_hub`, or brought there.

The cache, its folders and its tokens are those of `huggingface_hub` (https://huggingface.co/docs/huggingface_hub). The
bytes are gathered in a file of ours next to its blobs and handed over to its cache once their hash is right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from studio.errors import WeightsUnavailable
from studio.remote import RemoteFile


def cache_folder() -> Path:
    """The cache of `huggingface_hub` (HF_HUB_CACHE, HF_HOME)."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


@dataclass(frozen=True)
class HubFile(RemoteFile):
    """A file of a repository at a pinned commit, and what it must be; see `RemoteFile`."""

    repository: str
    revision: str

    @property
    def url(self) -> str:
        """See `RemoteFile.url`."""
        from huggingface_hub import hf_hub_url

        return hf_hub_url(self.repository, self.path, revision=self.revision)

    @property
    def folder(self) -> Path:
        """The repository's, in the cache."""
        from huggingface_hub.file_download import repo_folder_name

        return cache_folder() / repo_folder_name(repo_id=self.repository, repo_type="model")

    @property
    def partial_path(self) -> Path:
        """See `RemoteFile.partial_path`."""
        return self.folder / "blobs" / f"{self.sha256}.atelier-partial"

    def headers(self) -> Mapping[str, str]:
        """With the token, where there is one."""
        from huggingface_hub.utils import build_hf_headers

        return build_hf_headers()

    def cached(self) -> Path | None:
        """See `RemoteFile.cached`."""
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(self.repository, self.path, revision=self.revision)
        path = Path(found) if isinstance(found, str) else None
        return path if path is not None and path.stat().st_size == self.bytes else None

    def keep(self, partial: Path) -> Path:
        """Give the checked bytes to the cache under the name it wants, and have it point there."""
        import httpx2
        from huggingface_hub import get_hf_file_metadata, hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError

        blob = None
        try:
            etag = get_hf_file_metadata(self.url, retry_on_errors=True).etag
            if not etag or Path(etag).name != etag:
                raise self.refused(0)
            blob = partial.replace(partial.parent / etag)
            # the blob is there: this makes the pointer of its revision, and transfers nothing
            path = Path(hf_hub_download(self.repository, self.path, revision=self.revision))
        except (httpx2.HTTPError, EntryNotFoundError, OSError) as fault:
            if blob is not None:
                blob.replace(partial)
            raise WeightsUnavailable(
                f"The download of {self.path} could not be finished: {type(fault).__name__}.",
                hint="What has come is kept. Try again later.",
            ) from None
        return path

    def forget(self) -> None:
        """Remove the file, or what there is of it, from the cache. A blob that another revision uses stays."""
        from huggingface_hub import try_to_load_from_cache

        self.partial_path.unlink(missing_ok=True)
        found = try_to_load_from_cache(self.repository, self.path, revision=self.revision)
        if not isinstance(found, str):
            return
        pointer = Path(found)
        blob = pointer.resolve()
        pointer.unlink()
        snapshots = self.folder / "snapshots"
        used = any(other.resolve() == blob for other in snapshots.rglob("*") if other.is_symlink())
        if not used and blob.is_relative_to(self.folder.resolve()):
            blob.unlink(missing_ok=True)

    def refused(self, status: int) -> WeightsUnavailable:
        """See `RemoteFile.refused`."""
        if status in (401, 403):
            return WeightsUnavailable(
                f"The hub does not hand out {self.repository} without being asked for it.",
                got=f"status {status}",
                hint=f"Accept its terms at https://huggingface.co/{self.repository} and set HF_TOKEN.",
            )
        return WeightsUnavailable(
            f"The hub has no file {self.path} in {self.repository} at revision {self.revision[:8]}.",
            got=f"status {status}" if status else "an answer without a name for the file",
            hint="The publisher may have moved it: please report it.",
        )
