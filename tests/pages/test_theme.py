"""One set of design tokens: Streamlit's configuration agrees with it, and its text can be read."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from itertools import product
from pathlib import Path

import pytest

from surfaces.theme import DARK, GRADIO_CSS, LIGHT, RADIUS, Tokens, gradio_theme

ROOT = Path(__file__).parents[2]
MODES = {"light": LIGHT, "dark": DARK}


def config() -> dict[str, dict]:
    return tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())


@pytest.mark.parametrize("mode", MODES)
def test_streamlit_has_the_tokens(mode: str) -> None:
    tokens, theme = MODES[mode], config()["theme"]
    assert theme["baseRadius"] == RADIUS
    assert {
        "primaryColor": tokens.accent,
        "backgroundColor": tokens.background,
        "secondaryBackgroundColor": tokens.secondary_background,
        "textColor": tokens.text,
        "borderColor": tokens.border,
        "linkColor": tokens.accent,
        "grayTextColor": tokens.muted,
        "grayBackgroundColor": tokens.secondary_background,
        "redTextColor": tokens.error,
        "codeTextColor": tokens.text,
        "codeBackgroundColor": tokens.secondary_background,
    }.items() <= theme[mode].items()
    assert theme[mode]["sidebar"] == {
        "backgroundColor": tokens.secondary_background,
        "secondaryBackgroundColor": tokens.background,
    }


@pytest.mark.parametrize(
    ("mode", "text", "ground"),
    [
        *product(MODES, ("text", "muted", "accent", "error"), ("background", "secondary_background")),
        *product(MODES, ("on_accent",), ("accent", "accent_hover")),
        *product(MODES, ("text",), ("accent_soft",)),
    ],
)
def test_text_can_be_read(mode: str, text: str, ground: str) -> None:
    tokens: Tokens = MODES[mode]
    assert contrast(getattr(tokens, text), getattr(tokens, ground)) >= 4.5


def contrast(first: str, second: str) -> float:
    """WCAG 2.2 contrast ratio of two `#RRGGBB` colours."""
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_gradio_has_the_tokens_and_no_font_from_elsewhere() -> None:
    theme = gradio_theme()
    css = theme._get_theme_css()
    assert LIGHT.accent in css
    assert DARK.accent in css
    assert not re.search(r"""(url\(|@import)\s*["']?(https?:)?//""", css + GRADIO_CSS)
    assert not [address for address in theme._stylesheets if "//" in address]


def test_fonts_are_files_that_streamlit_serves() -> None:
    spec = importlib.util.find_spec("streamlit")
    assert spec is not None
    assert spec.origin is not None
    static = Path(spec.origin).parent / "static"
    addresses = re.findall(r'url\("\.\./\.\.(/static/[^"]+)"\)', GRADIO_CSS)
    assert len(addresses) == 3
    assert all((static / address.removeprefix("/")).is_file() for address in addresses)


def test_nothing_is_reported_to_anybody() -> None:
    assert config()["browser"]["gatherUsageStats"] is False
    assert config()["client"]["showErrorDetails"] == "none"
