"""Can everybody read it? Every pair of tokens that meets on a screen holds its WCAG 2.2 AA contrast, light and dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CSS = Path(__file__).resolve().parents[2] / "static" / "thaw" / "thaw.css"
TOKEN = re.compile(r"--([\w-]+):\s*light-dark\(\s*(#[0-9a-f]{6})\s*,\s*(#[0-9a-f]{6})\s*\)", re.IGNORECASE)
TOKENS = {name: {"light": light, "dark": dark} for name, light, dark in TOKEN.findall(CSS.read_text())}
GROUNDS = ("bg", "surface", "sunken")
SOFT = ("ok-soft", "warn-soft", "stop-soft")

TEXT_PAIRS = [
    *(("text", ground) for ground in (*GROUNDS, *SOFT, "accent-soft", "ember-soft", "ice-soft")),
    *(("muted", ground) for ground in (*GROUNDS, *SOFT)),
    *(("accent", ground) for ground in (*GROUNDS, "accent-soft")),
    *((colour, ground) for colour in ("ice", "ember", "ok", "warn", "stop") for ground in GROUNDS),
    *((colour, f"{colour}-soft") for colour in ("ice", "ember", "ok", "warn", "stop")),
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
    ("on-stop", "stop"),
    *((f"on-heat-{level}", f"heat-{level}") for level in range(5)),
]
# Borders of controls, dots, curves and bars: what must be seen, not read.
SHAPE_PAIRS = [
    *(("field-line", ground) for ground in GROUNDS),
    *(("dot", ground) for ground in (*GROUNDS, *SOFT)),
    *(("accent", ground) for ground in (*GROUNDS, *SOFT)),
    *((colour, "surface") for colour in ("ice", "ember", "stop", "ok")),
]


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2, "relative luminance")."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def test_the_measure_itself_is_right() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT_PAIRS, ids=lambda name: name)
def test_text_can_be_read(ink: str, ground: str, scheme: str) -> None:
    found = contrast(TOKENS[ink][scheme], TOKENS[ground][scheme])
    assert found >= 4.5, f"--{ink} on --{ground}, {scheme}: {found:.2f}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("shape", "ground"), SHAPE_PAIRS, ids=lambda name: name)
def test_shapes_can_be_seen(shape: str, ground: str, scheme: str) -> None:
    found = contrast(TOKENS[shape][scheme], TOKENS[ground][scheme])
    assert found >= 3, f"--{shape} on --{ground}, {scheme}: {found:.2f}"


def test_every_colour_is_a_token_of_both_schemes() -> None:
    rules = CSS.read_text().split("}", 1)[1]
    allowed = {"#fff", "#999"}  # paper, and the white a QR code needs
    assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b(?![\w-]*\s*[{.:>,])", rules)) <= allowed


def test_every_token_used_exists() -> None:
    css = CSS.read_text()
    assert set(re.findall(r"var\(--([\w-]+)", css)) <= set(re.findall(r"--([\w-]+):", css))
