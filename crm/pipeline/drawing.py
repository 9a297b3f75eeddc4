"""Which strokes are all charts made of? Figures, texts, lines, links and hatching, as escaped SVG."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from django.utils.html import format_html
from django.utils.safestring import SafeString

NOTHING = SafeString("")


def figure(label: str, height: int, parts: Iterable[SafeString], css: str = "") -> SafeString:
    body = "".join(parts)
    # An image has no parts for those who do not see it: links in it would be out of their reach.
    role = "group" if "<a " in body else "img"
    return format_html(
        '<svg class="chart {}" height="{}" role="{}" aria-label="{}"><title>{}</title>{}</svg>',
        css,
        height,
        role,
        label,
        label,
        SafeString(body),
    )


def text(x: str, y: float, words: str, css: str = "", anchor: str = "start", dx: int = 0) -> SafeString:
    return format_html(
        '<text x="{}" y="{}"{}{} text-anchor="{}">{}</text>',
        x,
        place(y),
        format_html(' dx="{}"', dx) if dx else "",
        format_html(' class="{}"', css) if css else "",
        anchor,
        words,
    )


def line(x1: float, y1: float, x2: float, y2: float, css: str) -> SafeString:
    return format_html(
        '<line class="{}" x1="{}%" y1="{}" x2="{}%" y2="{}"/>',
        css,
        place(x1),
        place(y1),
        place(x2),
        place(y2),
    )


def linked(body: SafeString | str, href: str, label: str = "") -> SafeString:
    if not href:
        return format_html("{}", body)
    return format_html(
        '<a href="{}"{}>{}</a>', href, format_html(' aria-label="{}"', label) if label else "", body
    )


def hatch_id(label: str, salt: int) -> str:
    """The same chart gets the same id at every draw, two charts of one page get two."""
    return f"hatch-{zlib.crc32(f'{label}{salt}'.encode()):08x}"


def hatch(name: str) -> SafeString:
    return format_html(
        '<defs><pattern id="{}" width="6" height="6" patternUnits="userSpaceOnUse"'
        ' patternTransform="rotate(45)">'
        '<rect class="hatch-ground" width="6" height="6"/>'
        '<line class="hatch-line" x1="1" y1="0" x2="1" y2="6"/>'
        "</pattern></defs>",
        name,
    )


def place(number: float) -> str:
    """A coordinate with a dot whatever the language, and no more digits than a screen can show."""
    return f"{number:.2f}".rstrip("0").rstrip(".")
