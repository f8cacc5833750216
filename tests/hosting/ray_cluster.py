"""Ray Serve on this machine alone, with two model servers: `python -m tests.hosting.ray_cluster PORT FOLDER`."""

from __future__ import annotations

import sys

import ray
from ray import serve

from deploy.ray_serve import Models
from tests.conftest import PACKAGES


def main(port: int, folder: str) -> None:
    """Serve on the loopback address until stdin is closed."""
    ray.init(
        num_cpus=2, include_dashboard=False, object_store_memory=100_000_000, logging_level="warning", _temp_dir=folder
    )
    try:
        serve.start(http_options={"host": "127.0.0.1", "port": port})
        two = Models.options(num_replicas=2, autoscaling_config=None, ray_actor_options={"num_cpus": 0.5})
        serve.run(two.bind(PACKAGES), name="models", route_prefix="/")
        print("ready", flush=True)
        sys.stdin.read()
    finally:
        serve.shutdown()
        ray.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
