"""How are a talk track's questions read in a template? Each is {"question": …, "tip": …}, or just its text."""

from __future__ import annotations

from typing import Any

from django import template

register = template.Library()


@register.filter
def asked(question: Any) -> str:
    return str(question.get("question", "") if isinstance(question, dict) else question)


@register.filter
def tip(question: Any) -> str:
    return str(question.get("tip", "")) if isinstance(question, dict) else ""


@register.filter
def at(answers: dict[str, str], question: Any) -> str:
    """The answer kept for a question, blank where there is none."""
    return answers.get(asked(question), "")
