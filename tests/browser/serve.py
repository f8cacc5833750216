"""`python -m tests.browser.serve`: the studio as app.py starts it, with the specimen families beside the real ones."""

from __future__ import annotations

from unittest.mock import patch

import app
from studio.catalogue import Catalogue
from studio.runtime import Runtime
from studio.settings import Settings

PACKAGES = ("backends", "tests.families")


def _runtime(settings: Settings) -> Runtime:
    return Runtime(settings, Catalogue.discover(PACKAGES))


if __name__ == "__main__":
    with patch.object(app, "Runtime", _runtime):
        app.main()
