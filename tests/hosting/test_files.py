"""The files for hosting: against the schemas that their readers publish, and against what the studio can do."""

from __future__ import annotations

import importlib
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
ON_RAY = [document for document in yaml.safe_load_all((DEPLOY / "kubernetes_ray.yaml").read_text()) if document]
(RAY_SERVICE,) = [manifest for manifest in ON_RAY if manifest["kind"] == "RayService"]
CLUSTER = RAY_SERVICE["spec"]["rayClusterConfig"]


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest["kind"])
def test_a_manifest_is_what_kubernetes_publishes(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, "1.37", strict=True)


@pytest.mark.parametrize("pods", [CLUSTER["headGroupSpec"], *CLUSTER["workerGroupSpecs"]])
def test_the_pods_of_ray_are_what_kubernetes_publishes(pods: dict[str, Any]) -> None:
    template = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "pods"}, "template": pods["template"]}
    kubernetes_validate.validate(template, "1.37", strict=True)
    claims = [manifest for manifest in ON_RAY if manifest is not RAY_SERVICE]
    for claim in claims:
        kubernetes_validate.validate(claim, "1.37", strict=True)
    names = {claim["metadata"]["name"] for claim in claims}
    volumes = pods["template"]["spec"]["volumes"]
    assert {v["persistentVolumeClaim"]["claimName"] for v in volumes if "persistentVolumeClaim" in v} <= names


def test_the_ray_service_names_only_fields_that_kuberay_publishes() -> None:
    """Those of ray.io/v1 that are used here, as the API reference of KubeRay gives them."""
    assert (RAY_SERVICE["apiVersion"], set(RAY_SERVICE["spec"])) == ("ray.io/v1", {"serveConfigV2", "rayClusterConfig"})
    assert set(CLUSTER) == {"rayVersion", "enableInTreeAutoscaling", "headGroupSpec", "workerGroupSpecs"}
    assert set(CLUSTER["headGroupSpec"]) == {"rayStartParams", "template"}
    for group in CLUSTER["workerGroupSpecs"]:
        sizes = {"replicas", "minReplicas", "maxReplicas"}
        assert set(group) == {"groupName", "rayStartParams", "template"} | sizes


@pytest.mark.filterwarnings("ignore:Using extra keyword arguments:DeprecationWarning")  # in Ray's own modules
def test_ray_can_read_what_it_is_to_serve() -> None:
    from ray.serve.schema import ServeDeploySchema

    served = ServeDeploySchema.model_validate(yaml.safe_load(RAY_SERVICE["spec"]["serveConfigV2"]))
    (application,) = served.applications
    assert application.import_path is not None
    module, _, name = application.import_path.partition(":")
    built = getattr(importlib.import_module(module), name)
    assert [deployment.name for deployment in application.deployments] == [built._bound_deployment.name]
    pinned = (ROOT / "requirements-dev.txt").read_text()
    assert f"ray[serve]=={CLUSTER['rayVersion']}" in pinned
    assert f"ray[serve]=={CLUSTER['rayVersion']}" in (DEPLOY / "kubernetes_ray.yaml").read_text()


def test_a_wrong_manifest_is_noticed() -> None:
    (deployment,) = [manifest for manifest in MANIFESTS if manifest["kind"] == "Deployment"]
    wrong = deployment | {"spec": deployment["spec"] | {"replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.37", strict=True)


def _settings_named_in(text: str) -> set[str]:
    return {name.lower() for name in re.findall(r"ATELIER_([A-Z_]+)", text)}


@pytest.mark.parametrize(
    "file",
    [
        "deploy/kubernetes.yaml",
        "deploy/kubernetes_ray.yaml",
        "deploy/ray_serve.py",
        "deploy/nginx.conf",
        "deploy/space/Dockerfile.end",
        "Dockerfile",
    ],
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
