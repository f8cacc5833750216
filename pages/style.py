"""The little CSS that Streamlit's theme cannot say, in the colours of the mode in force."""

from __future__ import annotations

import streamlit as st

from surfaces.theme import DARK, LIGHT, RADIUS, Tokens


def apply_style() -> None:
    """Add the style sheet to the page; called once per run by the shell."""
    st.html(f"<style>{_css(DARK if st.context.theme.type == 'dark' else LIGHT)}</style>")


def _css(tokens: Tokens) -> str:
    card = '[class*="st-key-card-"]'
    row = '[class*="st-key-row-run-"]'
    model = '[class*="st-key-row-model-"]'
    return f"""
/* the gallery: a card is one link, its picture has one shape, its last line stands at the bottom */
{card} {{ position: relative; transition: border-color 120ms; }}
{card}:hover, {card}:has(a:focus-visible) {{ border-color: {tokens.accent}; }}
{card} [data-testid="stElementContainer"]:has(> [data-testid="stPageLink"]) {{ position: static; }}
{card} [data-testid="stPageLink"], {card} [data-testid="stPageLink"] * {{ position: static; }}
{card} [data-testid="stPageLink"] a {{ padding: 0; background: none; outline: none; box-shadow: none; }}
{card} [data-testid="stPageLink"] a * {{ font-size: 1.125rem; color: {tokens.text}; }}
{card} [data-testid="stPageLink"] a::after {{ content: ""; position: absolute; inset: 0; z-index: 2; }}
{card} [data-testid="stElementToolbar"] {{ display: none; }}
{card} > :last-child {{ margin-top: auto; }}
{card} img {{ aspect-ratio: 3 / 2; object-fit: cover; border-radius: {RADIUS}; }}
.plate {{ aspect-ratio: 3 / 2; display: grid; place-items: center; border-radius: {RADIUS};
  background: {tokens.secondary_background}; color: {tokens.accent}; font-size: 4.5rem; font-weight: 250; }}
/* the runs: a row is one link, its picture is a square that shows the whole of it */
{row} {{ position: relative; transition: border-color 120ms; }}
{row}:hover, {row}:has(a:focus-visible) {{ border-color: {tokens.accent}; }}
{row} [data-testid="stElementContainer"]:has(> [data-testid="stPageLink"]) {{ position: static; }}
{row} [data-testid="stPageLink"], {row} [data-testid="stPageLink"] * {{ position: static; }}
{row} [data-testid="stPageLink"] a {{ gap: 0; padding: 0; background: none; outline: none;
  box-shadow: none; min-height: 0; }}
{row} [data-testid="stPageLink"] a * {{ color: {tokens.text}; }}
{row} [data-testid="stPageLink"] a::after {{ content: ""; position: absolute; inset: 0; z-index: 2; }}
{row} [data-testid="stElementToolbar"],
{row} [data-testid="stPageLink"] a > span:has(> [data-testid="stIconMaterial"]) {{ display: none; }}
{row} img {{ width: 88px; height: 88px; object-fit: contain; border-radius: {RADIUS};
  background: {tokens.secondary_background}; }}
{row} [data-testid="stMarkdownContainer"] p {{ max-width: none; overflow-wrap: anywhere; }}
{row} [data-testid="stMarkdownContainer"] p:not(:has([style*="font-size"])) {{ overflow: hidden;
  text-overflow: ellipsis; white-space: nowrap; }}
/* the models: a link in a row is one in a text */
{model} [data-testid="stPageLink"] a {{ padding: 0; background: none; }}
{model} [data-testid="stPageLink"] a * {{ color: {tokens.accent}; text-decoration: underline; }}
.plate.small {{ width: 88px; height: 88px; font-size: 2rem; }}
/* code in the page's own ink: Streamlit's colours of syntax do not reach the contrast of the rest */
[data-testid="stCode"] .token {{ color: {tokens.text} !important; }}
[data-testid="stCode"] .token:is(.string, .template-string, .url) {{ color: {tokens.accent} !important; }}
[data-testid="stCode"] .token:is(.comment, .punctuation, .operator) {{ color: {tokens.muted} !important; }}
[data-testid="stCode"] .token:is(.keyword, .function) {{ font-weight: 600; }}
/* a book's measure for running text */
[data-testid="stMarkdownContainer"] > p, [data-testid="stMarkdownContainer"] li {{ max-width: 42rem; }}
[data-testid="stMainBlockContainer"] {{ max-width: 76rem; padding-left: 3rem; padding-right: 3rem; }}
@media (max-width: 640px) {{
  [data-testid="stMainBlockContainer"] {{ padding-left: 1rem; padding-right: 1rem; }}
}}
@media (prefers-reduced-motion: reduce) {{
  * {{ transition: none !important; animation-duration: 0.01ms !important; }}
}}
"""
