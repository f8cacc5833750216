"""Browser profiles, used again by one test after the other: their cache spares each page load some megabytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from playwright.sync_api import Browser, BrowserContext

from tests.browser.traffic import Traffic

#: The first answer of a model waits until it is loaded, with its libraries, from a disk that has not read them yet.
PATIENCE_MS = 120_000
Scheme = Literal["light", "dark"]


@dataclass
class Profile:
    """A browser profile and what it has asked for since it was taken."""

    context: BrowserContext
    traffic: Traffic
    screen_wh: tuple[int, int]
    scheme: Scheme


class Profiles:
    """Hands out profiles without cookies: whoever takes one is a new visitor to the studio.

    Args:
        browser: where they are made.
        address: the studio.
    """

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser = browser
        self._address = address
        self._idle: list[Profile] = []

    def take(self, screen_wh: tuple[int, int], scheme: Scheme) -> Profile:
        """An idle profile of this kind, or a new one."""
        for profile in self._idle:
            if (profile.screen_wh, profile.scheme) == (screen_wh, scheme):
                self._idle.remove(profile)
                profile.traffic.forget()
                return profile
        return self._make(screen_wh, scheme)

    def _make(self, screen_wh: tuple[int, int], scheme: Scheme) -> Profile:
        width, height = screen_wh
        context = self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            reduced_motion="reduce",
            permissions=["camera"],
            base_url=self._address,
        )
        context.set_default_timeout(PATIENCE_MS)
        traffic = Traffic(self._address.partition("//")[2])
        traffic.watch(context)
        return Profile(context, traffic, screen_wh, scheme)

    def give_back(self, profile: Profile) -> None:
        """Close its pages and forget who it was."""
        for page in profile.context.pages:
            page.close()
        profile.context.clear_cookies()
        self._idle.append(profile)

    def close(self) -> None:
        """Close all idle profiles."""
        for profile in self._idle:
            profile.context.close()
