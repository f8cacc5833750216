"""The whole studio with the specimen families, as a process of its own: `python -m tests.contract.serve`."""

from __future__ import annotations

import app
from studio.catalogue import Catalogue
from studio.runtime import Runtime
from studio.settings import Settings
from tests.conftest import PACKAGES


def main() -> None:
    """Serve on the address and in the home that the environment's settings name, until told to stop."""
    settings = Settings()
    runtime = Runtime(settings, Catalogue.discover(PACKAGES))
    try:
        app.build(runtime).run(config=app.streamlit_options(settings))
    finally:
        runtime.close()


if __name__ == "__main__":
    main()
