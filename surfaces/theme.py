"""The studio's looks: one set of design tokens, for Streamlit's configuration and the Gradio demos alike.

`.streamlit/config.toml` states the same values by hand; a test keeps both in agreement. Each text colour has a
contrast of at least 4.5:1 (WCAG 2.2, level AA) with both grounds of its mode.
"""

from __future__ import annotations

import importlib.util
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio as gr

FONT = "Source Sans"
CODE_FONT = "Source Code Pro"
RADIUS = "0.375rem"


@dataclass(frozen=True)
class Tokens:
    """The colours of one mode, as `#RRGGBB`.

    Attributes:
        background: the page's ground.
        secondary_background: the ground of fields, code and the sidebar.
        text, muted: what is read, and what is read second.
        border: lines; never carries meaning alone.
        accent: links, the chosen, the one button that matters.
        accent_hover: the same under the pointer.
        on_accent: text on the accent.
        accent_soft: a ground tinted with the accent, for what is selected.
        error: text and line of an error.
    """

    background: str
    secondary_background: str
    text: str
    muted: str
    border: str
    accent: str
    accent_hover: str
    on_accent: str
    accent_soft: str
    error: str


LIGHT = Tokens(
    background="#FAF7F1",
    secondary_background="#F1EBE0",
    text="#25211C",
    muted="#655D53",
    border="#DCD3C4",
    accent="#AB4520",
    accent_hover="#923817",
    on_accent="#FFFFFF",
    accent_soft="#F3DFD3",
    error="#A3262A",
)
DARK = Tokens(
    background="#171512",
    secondary_background="#221F1B",
    text="#ECE5D9",
    muted="#A89E90",
    border="#3A352E",
    accent="#E8895F",
    accent_hover="#F0A381",
    on_accent="#171512",
    accent_soft="#3B2A21",
    error="#F0908C",
)

# Gradio's name of a colour -> the token it takes, in both modes.
_GRADIO_COLOURS = {
    "body_background_fill": "background",
    "background_fill_primary": "background",
    "background_fill_secondary": "secondary_background",
    "body_text_color": "text",
    "body_text_color_subdued": "muted",
    "border_color_primary": "border",
    "border_color_accent": "accent",
    "border_color_accent_subdued": "border",
    "color_accent_soft": "accent_soft",
    "link_text_color": "accent",
    "link_text_color_hover": "accent_hover",
    "link_text_color_active": "accent_hover",
    "link_text_color_visited": "accent",
    "code_background_fill": "secondary_background",
    "block_background_fill": "background",
    "block_border_color": "border",
    "block_info_text_color": "muted",
    "block_label_background_fill": "background",
    "block_label_border_color": "border",
    "block_label_text_color": "muted",
    "block_title_text_color": "text",
    "panel_background_fill": "background",
    "panel_border_color": "border",
    "accordion_text_color": "text",
    "table_text_color": "text",
    "table_border_color": "border",
    "table_even_background_fill": "background",
    "table_odd_background_fill": "secondary_background",
    "table_row_focus": "accent_soft",
    "stat_background_fill": "accent",
    "loader_color": "accent",
    "slider_color": "accent",
    "input_background_fill": "secondary_background",
    "input_background_fill_focus": "secondary_background",
    "input_background_fill_hover": "secondary_background",
    "input_border_color": "border",
    "input_border_color_focus": "accent",
    "input_border_color_hover": "border",
    "input_placeholder_color": "muted",
    "checkbox_background_color": "background",
    "checkbox_background_color_focus": "background",
    "checkbox_background_color_hover": "secondary_background",
    "checkbox_background_color_selected": "accent",
    "checkbox_border_color": "muted",
    "checkbox_border_color_focus": "accent",
    "checkbox_border_color_hover": "accent",
    "checkbox_border_color_selected": "accent",
    "checkbox_label_background_fill": "secondary_background",
    "checkbox_label_background_fill_hover": "secondary_background",
    "checkbox_label_background_fill_selected": "accent_soft",
    "checkbox_label_border_color": "border",
    "checkbox_label_border_color_hover": "accent",
    "checkbox_label_border_color_selected": "accent",
    "checkbox_label_text_color": "text",
    "checkbox_label_text_color_selected": "text",
    "error_background_fill": "background",
    "error_border_color": "error",
    "error_text_color": "error",
    "error_icon_color": "error",
    "button_primary_background_fill": "accent",
    "button_primary_background_fill_hover": "accent_hover",
    "button_primary_border_color": "accent",
    "button_primary_border_color_hover": "accent_hover",
    "button_primary_text_color": "on_accent",
    "button_primary_text_color_hover": "on_accent",
    "button_secondary_background_fill": "background",
    "button_secondary_background_fill_hover": "secondary_background",
    "button_secondary_border_color": "border",
    "button_secondary_border_color_hover": "accent",
    "button_secondary_text_color": "text",
    "button_secondary_text_color_hover": "text",
    "button_cancel_background_fill": "background",
    "button_cancel_background_fill_hover": "secondary_background",
    "button_cancel_border_color": "error",
    "button_cancel_border_color_hover": "error",
    "button_cancel_text_color": "error",
    "button_cancel_text_color_hover": "error",
}
_GRADIO_FLAT = ("block_shadow", "input_shadow", "input_shadow_focus", "checkbox_shadow", "checkbox_label_shadow")
_GRADIO_BUTTON_FLAT = ("shadow", "shadow_hover", "shadow_active")


def gradio_theme() -> gr.themes.Base:
    """The Gradio theme made of the tokens, light and dark. `GRADIO_CSS` says where its fonts are."""
    import gradio as gr

    size = gr.themes.Size(name="atelier", xxs="2px", xs="3px", sm="4px", md=RADIUS, lg=RADIUS, xl=RADIUS, xxl="0.5rem")
    theme = gr.themes.Base(
        primary_hue="orange",
        neutral_hue="stone",
        radius_size=size,
        font=[FONT, "sans-serif"],
        font_mono=[CODE_FONT, "monospace"],
    )
    light, dark = asdict(LIGHT), asdict(DARK)
    values = {name: light[token] for name, token in _GRADIO_COLOURS.items()}
    values |= {f"{name}_dark": dark[token] for name, token in _GRADIO_COLOURS.items()}
    values |= dict.fromkeys(_GRADIO_FLAT, "none")
    for kind in ("primary", "secondary", "cancel"):
        values |= {f"button_{kind}_{shadow}": "none" for shadow in _GRADIO_BUTTON_FLAT}
    return theme.set(
        # One variable for both modes in Gradio; the stylesheet overrides it in the dark one.
        color_accent=LIGHT.accent,
        button_border_width="1px",
        button_large_text_weight="600",
        block_border_width="1px",
        block_label_text_size="*text_sm",
        block_title_text_weight="600",
        layout_gap="16px",
        **values,
    )


def font_folder() -> Path:
    """The folder of the typefaces that Streamlit bundles and serves at /static/media."""
    spec = importlib.util.find_spec("streamlit")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "static" / "static" / "media"


def font_faces() -> str:
    """`@font-face` rules for the two typefaces that Streamlit bundles, served by Streamlit on the same origin.

    The addresses are relative to a demo's page, `/demos/<task>/`: a proxy may have put that below another path.
    Their file names carry a hash that changes with Streamlit's release, so they are looked up.
    """
    media = font_folder()
    rules = []
    for family, pattern, style in (
        (FONT, "SourceSansVF-Upright*.woff2", "normal"),
        (FONT, "SourceSansVF-Italic*.woff2", "italic"),
        (CODE_FONT, "SourceCodeVF-Upright*.woff2", "normal"),
    ):
        rules += [
            f'@font-face {{ font-family: "{family}"; font-style: {style}; font-weight: 100 900; '
            f'font-display: swap; src: url("../../static/media/{file.name}") format("woff2"); }}'
            for file in sorted(media.glob(pattern))[:1]
        ]
    return "\n".join(rules)


GRADIO_CSS = f"""\
{font_faces()}
:root, body, gradio-app {{ background: {LIGHT.background} !important; }}
:root:has(body.dark), body.dark, .dark gradio-app, .dark {{ background: {DARK.background} !important; }}
.dark {{ --color-accent: {DARK.accent}; }}
html {{ scrollbar-gutter: auto; scrollbar-width: thin; }}
.gradio-container, .gradio-container > .main {{ max-width: none !important; margin: 0 !important; }}
.gradio-container > .main {{ padding: 2px !important; }}
.gradio-container main {{ padding: 0 !important; }}
footer {{ display: none !important; }}
.gradio-container {{ font-size: 16px; line-height: 1.5; }}
.gradio-container :focus-visible {{ outline: 2px solid {LIGHT.accent}; outline-offset: 1px; }}
.dark .gradio-container :focus-visible {{ outline-color: {DARK.accent}; }}
@media (max-width: 480px) {{ .gradio-container .row {{ flex-direction: column; }} }}
@media (prefers-reduced-motion: reduce) {{
  * {{ animation-duration: 0.01ms !important; transition: none !important; }}
}}
"""
