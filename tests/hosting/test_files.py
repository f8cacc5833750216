"""The files for hosting: against the schemas that their readers publish, and against what the studio can do."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from studio.settings import Settings
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
MANIFESTS = [document for document in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()) if document]


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest["kind"])
def test_a_manifest_is_what_kubernetes_publishes(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, "1.37", strict=True)


def test_a_wrong_manifest_is_noticed() -> None:
    (deployment,) = [manifest for manifest in MANIFESTS if manifest["kind"] == "Deployment"]
    wrong = deployment | {"spec": deployment["spec"] | {"replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.37", strict=True)


def _settings_named_in(text: str) -> set[str]:
    return {name.lower() for name in re.findall(r"ATELIER_([A-Z_]+)", text)}


@pytest.mark.parametrize(
    "file", ["deploy/kubernetes.yaml", "deploy/nginx.conf", "deploy/space/Dockerfile.end", "Dockerfile"]
)
def test_every_setting_that_is_named_exists(file: str) -> None:
    named = _settings_named_in((ROOT / file).read_text())
    assert named
    assert named <= Settings.model_fields.keys()


@pytest.mark.parametrize("file", ["README.md", "deploy/space/README.md"])
def test_the_front_matter_is_a_spaces(file: str) -> None:
    front = yaml.safe_load((ROOT / file).read_text().split("---")[1])
    assert (front["sdk"], front["app_port"]) == ("docker", 7860)
    assert len(front["short_description"]) <= 60
    assert re.fullmatch(r"\d+[smh]", front["startup_duration_timeout"])
    assert front["license"] == "agpl-3.0"
    assert isinstance(front["models"], list)


@pytest.mark.slow
def test_a_space_is_laid_out_whole(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(copy)], check=True)
    subprocess.run(["make", "-s", "space"], cwd=copy, check=True, capture_output=True)
    space = copy / "build" / "space"
    assert "public demo" in (space / "README.md").read_text()
    dockerfile = (space / "Dockerfile").read_text()
    assert "ATELIER_PUBLIC=true" in dockerfile
    for name in ("app.py", "requirements.txt", "pages/shell.py", "surfaces/rest.py", ".streamlit/config.toml"):
        assert (space / name).is_file(), name
    assert list((space / "models_cache" / "embedded").rglob("*.safetensors"))
    assert not (space / "tests").exists()
