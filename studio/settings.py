"""Every setting of the studio, read from `ATELIER_*` environment variables. Nothing else reads the environment."""

from __future__ import annotations

import ipaddress
import os
import secrets
from pathlib import Path
from typing import Literal, Self

import psutil
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def _default_memory_mb() -> int:
    """60 % of the machine's memory, in MB: the rest is for requests, pictures and the system."""
    return int(psutil.virtual_memory().total * 0.6 / 1e6)


def _default_workers() -> int:
    return max(2, min(8, os.cpu_count() or 2))


def is_loopback(name: str) -> bool:
    """Whether a host's name or address, without a port, stands for this machine alone."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


class Settings(BaseSettings):
    """All settings with their defaults. `python -m surfaces.cli settings` prints them with the values in force."""

    model_config = SettingsConfigDict(env_prefix="ATELIER_", frozen=True, extra="ignore")

    host: str = Field("127.0.0.1", description="Address to listen on. Off the loopback address a token is required.")
    port: int = Field(7860, ge=1, le=65535, description="Port to listen on.")
    base_path: str = Field(
        "",
        pattern=r"^(/[A-Za-z0-9._~-]+)*/?$",
        description="Path under which a reverse proxy shows the studio, such as /studio. It works whether the proxy "
        "strips it or not; the proxy must pass Host or X-Forwarded-Host on. See deploy/nginx.conf.",
    )
    framed_by: str = Field(
        "",
        pattern=r"^(https://[A-Za-z0-9.*:-]+( +https://[A-Za-z0-9.*:-]+)*)?$",
        description="Origins of pages that may show the studio in a frame, separated by blanks, such as "
        "https://huggingface.co. Cookies are then sent inside frames too, which needs HTTPS.",
    )
    home: Path = Field(
        Path.home() / ".atelier",
        description="Folder for everything that is kept: face galleries, collections, runs. The only one written to.",
    )
    data: Path | None = Field(None, description="Folder with data sets, for recipes, benchmarks and tests only.")
    token: str | None = Field(
        None,
        description="Access token(s), separated by commas, asked of everybody when set. Off the loopback address "
        "one is made and printed at the start if none is set.",
    )
    public: bool = Field(False, description="A public demo: no token is asked, even off the loopback address.")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        "auto", description="Where models run. auto takes the best device that is there and that the adapter can use."
    )
    memory_mb: int = Field(
        default_factory=_default_memory_mb,
        ge=1,
        description="Budget for loaded models in MB of memory (default: 60 % of the machine's). "
        "The least recently used model goes first.",
    )
    gpu_memory_mb: int | None = Field(
        None, ge=1, description="Budget for loaded models in MB of an NVIDIA GPU's memory (default: 80 % of it)."
    )
    use: Literal["any", "commercial"] = Field(
        "any", description="commercial hides and refuses models whose licence forbids commercial use."
    )
    model_server: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="Address of a model server, such as http://127.0.0.1:8000: python -m surfaces.model_server, or Ray "
        "Serve with deploy/ray_serve.py. Models are then loaded there; tasks that keep something stay here.",
    )
    model_server_key: str = Field("", repr=False, description="Key that the model server asks of its callers.")
    keep_alive_s: float = Field(
        900, ge=0, description="Seconds after its last use at which an idle model is unloaded. 0 keeps it."
    )
    workers: int = Field(
        default_factory=_default_workers, ge=1, le=256, description="Jobs that run at the same time (default: cores)."
    )
    queue_limit: int = Field(64, ge=1, description="Runs that may wait. One more is refused with status 409.")
    queue_per_owner: int = Field(
        32, ge=1, description="Runs of one owner that may wait or run. One more is refused with status 409."
    )
    runs_ttl_days: float = Field(
        30,
        ge=0,
        description="Days for which a run is kept on disk unless it is pinned. 0 keeps none: a finished run is "
        "then found again for an hour, as long as the studio is not stopped.",
    )
    runs_owner_mb: float = Field(
        2_000, gt=0, description="Disk space for the runs of one owner, in MB; the oldest that are not pinned go first."
    )
    runs_disk_mb: float = Field(
        20_000, gt=0, description="Disk space for the runs of all, in MB; those of the owner who takes most go first."
    )
    runs_memory_mb: int = Field(
        128, ge=1, description="Memory for the inputs and results of the latest runs, in MB, at hand without the disk."
    )
    runs_per_minute: int = Field(
        0,
        ge=0,
        description="Runs that one owner may start in a minute; one more is refused with status 429. 0 sets no limit. "
        "A webcam's frames are not counted.",
    )
    max_upload_mb: float = Field(64, gt=0, description="Largest upload, in MB, for one request.")
    max_image_megapixels: float = Field(50, gt=0, description="Largest picture, in millions of pixels.")
    max_audio_s: float = Field(600, gt=0, description="Longest sound, in seconds.")
    max_video_s: float = Field(600, gt=0, description="Longest video, in seconds.")
    max_batch_items: int = Field(1_000, ge=1, description="Most inputs in one batch.")
    max_table_rows: int = Field(200_000, ge=1, description="Longest table, in rows.")
    max_archive_ratio: float = Field(200, ge=1, description="Largest ratio of unpacked to packed bytes of an archive.")
    max_archive_files: int = Field(5_000, ge=1, description="Most files in an archive.")
    max_text_characters: int = Field(100_000, ge=1, description="Longest text in one field, in characters.")
    llm_url: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="Address of an OpenAI-compatible server that answers from documents, such as "
        "http://127.0.0.1:11434/v1. Questions and passages are sent to it.",
    )
    llm_key: str = Field("", repr=False, description="Key for that server.")
    llm_model: str = Field("", description="Model to ask there (default: the first that it lists).")
    log_format: Literal["text", "json"] = Field(
        "text", description="json writes one JSON object a line, with the id of the job that it is about."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged.")

    @field_validator("base_path")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @property
    def loopback(self) -> bool:
        """Whether `host` can only be reached from this machine."""
        return is_loopback(self.host)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The access tokens, without blanks."""
        return tuple(t for t in (part.strip() for part in (self.token or "").split(",")) if t)

    def with_token(self) -> Self:
        """These settings; off the loopback address with a token, made up if the operator set none."""
        if self.loopback or self.public or self.tokens:
            return self
        return self.model_copy(update={"token": secrets.token_urlsafe(24)})

    def with_model_server_key(self) -> Self:
        """These settings; off the loopback address with a key for the model server, made up if there is none."""
        if self.loopback or self.model_server_key:
            return self
        return self.model_copy(update={"model_server_key": secrets.token_urlsafe(24)})

    @classmethod
    def table(cls) -> list[tuple[str, str, str]]:
        """Each setting as (environment variable, default, help), for the reference page and the command line.

        A default that depends on the machine is given in words by its help text.
        """
        rows = []
        for name, field in cls.model_fields.items():
            if name == "home":
                default = "~/.atelier"
            elif field.default_factory is not None:
                default = "by machine"
            else:
                default = "" if field.default is None else str(field.default)
            rows.append((f"ATELIER_{name.upper()}", default, field.description or ""))
        return rows
