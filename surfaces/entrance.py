"""What every request passes before it reaches a surface, in order."""

from __future__ import annotations

from starlette.middleware import Middleware

from studio.settings import Settings
from surfaces.guard import Guard
from surfaces.identity import Identity
from surfaces.proxy import BehindProxy


def entrance(settings: Settings) -> list[Middleware]:
    """The middleware of the whole application, the outermost first."""
    return [
        Middleware(Guard, settings=settings),
        Middleware(BehindProxy, base_path=settings.base_path),
        Middleware(Identity, tokens=settings.tokens, framed=bool(settings.framed_by)),
    ]
