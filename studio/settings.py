"""Every setting of the studio, read from `ATELIER_*` environment variables. Nothing else reads the environment."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Literal

import psutil
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def _default_memory_mb() -> int:
    """60 % of the machine's memory, in MB: the rest is for requests, pictures and the system."""
    return int(psutil.virtual_memory().total * 0.6 / 1e6)


def _default_workers() -> int:
    return max(2, min(8, os.cpu_count() or 2))


class Settings(BaseSettings):
    """All settings with their defaults. `python -m surfaces.cli settings` prints them with the values in force."""

    model_config = SettingsConfigDict(env_prefix="ATELIER_", frozen=True, extra="ignore")

    host: str = Field("127.0.0.1", description="Address to listen on. Off the loopback address a token is required.")
    port: int = Field(7860, ge=1, le=65535, description="Port to listen on.")
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
    keep_alive_s: float = Field(
        900, ge=0, description="Seconds after its last use at which an idle model is unloaded. 0 keeps it."
    )
    workers: int = Field(
        default_factory=_default_workers, ge=1, le=256, description="Jobs that run at the same time (default: cores)."
    )
    queue_limit: int = Field(64, ge=1, description="Jobs that may wait. One more is refused with status 409.")
    job_ttl_s: float = Field(3600, gt=0, description="Seconds for which a finished job and its result are kept.")
    jobs_per_owner: int = Field(20, ge=1, description="Finished jobs kept per owner; the oldest go first.")
    jobs_memory_mb: int = Field(
        512, ge=1, description="Memory for the inputs and results of finished jobs, in MB; the oldest jobs go first."
    )
    max_upload_mb: float = Field(64, gt=0, description="Largest upload, in MB, for one request.")
    max_image_megapixels: float = Field(50, gt=0, description="Largest picture, in millions of pixels.")
    max_audio_s: float = Field(600, gt=0, description="Longest sound, in seconds.")
    max_video_s: float = Field(600, gt=0, description="Longest video, in seconds.")
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
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged.")

    @property
    def loopback(self) -> bool:
        """Whether `host` can only be reached from this machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def tokens(self) -> tuple[str, ...]:
        """The access tokens, without blanks."""
        return tuple(t for t in (part.strip() for part in (self.token or "").split(",")) if t)

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
