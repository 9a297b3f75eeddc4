"""Would the content security policy let every template of ours work? No inline script, style or handler."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FORBIDDEN = {
    "an inline style": re.compile(r"\sstyle\s*=\s*[\"']|<style[\s>]", re.IGNORECASE),
    "an inline script": re.compile(
        r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")", re.IGNORECASE
    ),
    "an inline handler": re.compile(r"<[a-z][^>{]*\son[a-z]+\s*=", re.IGNORECASE),
    "htmx that evaluates": re.compile(r"\shx-on\b|\shx-vals\s*=\s*[\"']js:|\shx-trigger\s*=\s*\"[^\"]*\["),
    "something from another host": re.compile(r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=\"https?:"),
}
OURS = sorted(
    template
    for folder in (ROOT / "templates", *(ROOT / app for app in ("crm", "leads", "touchpoints")))
    for template in folder.rglob("*.html")
)


TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)


def broken(source: str) -> list[str]:
    markup = TAG.sub("x", source)
    return [what for what, pattern in FORBIDDEN.items() if pattern.search(markup)]


@pytest.mark.parametrize("template", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_template_keeps_to_the_policy(template: Path) -> None:
    assert broken(template.read_text()) == []


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ('<p style="color: red">', "an inline style"),
        ("<script>go()</script>", "an inline script"),
        ('<button class="btn" onclick="go()">', "an inline handler"),
        ("<input hx-trigger=\"keyup[key=='x']\">", "htmx that evaluates"),
        ('<script src="https://cdn.example/x.js"></script>', "something from another host"),
    ],
)
def test_the_search_finds_what_it_is_for(source: str, what: str) -> None:
    assert what in broken(source)
