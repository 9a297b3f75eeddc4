"""Does somebody ask us to stop in what they wrote?

Consent is revoked by any reasonable means (47 CFR 64.1200(a)(10)). A word such as "stop" as the whole message, or
as a whole line of it, is taken as that wish; the same word elsewhere in a text only warns. What they quote, their
signature and what a machine answered for them are not their words. Pure: values in, values out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any, Literal

from .stop_words import leaves_list, of_calls, whole_line, word_within

LONGEST = 20_000
TEXT_KINDS = ("text_reply", "email_reply")
# Under what names tools put the message itself, its subject and its headers into `data`.
_BODIES = ("text", "body", "message", "content", "plain", "body_plain", "stripped_text")
_EVENTS = ("event", "type", "action", "event_type")


@dataclass(frozen=True, slots=True)
class Message:
    """What a lead sent us: its words, and what the tool that reports it says around them."""

    kind: str
    text: str
    subject: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was read: `stop` is a wish, `hint` may be one, `newsletter` is a wish for no more mail."""

    kind: Literal["stop", "hint", "newsletter"]
    word: str


def message_of(kind: str, summary: str, data: Mapping[str, Any]) -> Message:
    """The message a touchpoint holds: the body its tool sent, else the summary."""
    named = {_key(name): value for name, value in data.items()}
    body = next((str(named[name]) for name in _BODIES if isinstance(named.get(name), str)), "")
    subject = named.get("subject")
    text = _plain(body[:LONGEST]) if body.strip() else summary
    return Message(kind, text, subject if isinstance(subject, str) else "", data)


def asks_to_stop(message: Message) -> Asked | None:
    """What the message asks of us; None where it asks for nothing, or no person wrote it."""
    facts = _facts(message.data)
    if is_automatic(message.subject, facts):
        return None
    newsletter, by_mail = _of_newsletter(message.kind, facts), _by_mail(message.kind, facts)
    if message.kind not in TEXT_KINDS and not newsletter:
        return None
    if event := _unsubscribed(message.kind, facts):
        return Asked("newsletter", event)
    words = own_words(message.text)
    whole = whole_line(words) or ("" if words.strip() else whole_line(message.subject))
    if whole:
        only_mail = not of_calls(whole) and (newsletter or (by_mail and leaves_list(whole)))
        return Asked("newsletter" if only_mail else "stop", whole[:60])
    within = word_within(words)
    return Asked("hint", within) if within and not newsletter else None


# --- whose words ----------------------------------------------------------------------------------------------

_QUOTED = re.compile(r"^\s*(?:>|&gt;|\|\s)")
# "On Tue, 3 Mar 2026 Ann Lee wrote:" and its like; a mail tool may break it over two lines.
_ATTRIBUTION = re.compile(
    r"^\s*(?:"
    r"on\s.{4,200}\swrote"
    r"|(?:den|d\.)\s.{4,200}\sskrev(?:\s.{1,120})?"
    r"|.{2,120}\sskrev(?:\s(?:den|d\.|følgende).{0,120})?"
    r"|(?:w dniu|dnia|\w{2,12}\.?,?\s\d{1,2}).{2,200}\s(?:napisał(?:a|\(a\))?|pisze)"
    r"|.{2,120}\s(?:napisał(?:a|\(a\))?|pisze)"
    r"|.{2,200}\s(?:написал(?:а|\(а\))?|пишет)"
    r"|am\s.{4,200}\sschrieb(?:\s.{1,120})?"
    r")\s*:\s*$",
    re.IGNORECASE,
)
_DIVIDER = re.compile(
    r"^\s*[-_=*]{2,}\s*(?:original message|forwarded message|begin forwarded message"
    r"|oprindelig meddelelse|oprindelig besked|videresendt (?:meddelelse|besked)"
    r"|oryginalna wiadomo(?:ść|sc)|wiadomo(?:ść|sc) oryginalna|wiadomo(?:ść|sc) przekazana|przekazana wiadomo(?:ść|sc)"
    r"|исходное сообщение|пересылаемое сообщение|пересланное сообщение)\s*[-_=*]*\s*$",
    re.IGNORECASE,
)
_FROM = re.compile(r"^\W{0,3}(?:from|fra|od|от|von)\W{0,3}\s*:", re.IGNORECASE)
_HEADER = re.compile(
    r"^\W{0,3}(?:sent|date|to|subject|cc|sendt|dato|til|emne|wysłano|data|do|dw|temat"
    r"|отправлено|дата|кому|тема|копия|gesendet|datum|an|betreff)\W{0,3}\s*:",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(
    r"^\s*(?:--|—|__+)\s*$"
    r"|^\s*(?:sent from my|get outlook for|sendt fra min|hent outlook|wysłane? z (?:mojego|iphone|urządzenia)"
    r"|wysłano z|отправлено с|отправлено из)\b",
    re.IGNORECASE,
)


def own_words(text: str) -> str:
    """The message without what it quotes and without the signature."""
    kept: list[str] = []
    lines = unescape(text[:LONGEST]).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    number = 0
    while number < len(lines):
        line = lines[number]
        if _SIGNATURE.match(line) or _DIVIDER.match(line) or _is_header_block(lines, number):
            break
        if length := _attribution(lines, number):
            # An answer may stand under the quotation: then the quotation is marked line by line.
            if not _marked_below(lines, number + length):
                break
            number += length
            continue
        if not _QUOTED.match(line):
            kept.append(line)
        number += 1
    return "\n".join(kept)


def _attribution(lines: list[str], number: int) -> int:
    """How many lines from here on are "On … wrote:"; 0 where none are."""
    for length in (1, 2, 3):
        part = [line.strip() for line in lines[number : number + length]]
        if len(part) == length and all(part) and _ATTRIBUTION.match(" ".join(part)):
            return length
    return 0


def _marked_below(lines: list[str], number: int) -> bool:
    return next((bool(_QUOTED.match(line)) for line in lines[number:] if line.strip()), False)


def _is_header_block(lines: list[str], number: int) -> bool:
    """The headers Outlook puts over what it quotes: From, and two more within the next lines."""
    if not _FROM.match(lines[number]):
        return False
    return sum(bool(_HEADER.match(line)) for line in lines[number + 1 : number + 7]) >= 2


def _plain(body: str) -> str:
    """HTML as the text it shows, what it quotes left out; any other text as it is."""
    if not re.search(r"<(?:html|body|div|p|br|span|table|blockquote)\b", body, re.IGNORECASE):
        return body
    body = re.sub(r"(?is)<(script|style|head|blockquote)\b.*?</\1\s*>", "\n", body)
    # What mail programs wrap a quotation in, from there to the end.
    body = re.split(
        r"(?i)<[^>]{0,200}(?:gmail_quote|yahoo_quoted|moz-cite-prefix|divRplyFwdMsg|appendonsend)", body
    )[0]
    body = re.sub(r"(?i)<br\s*/?>|</(?:p|div|li|tr|h[1-6])\s*>", "\n", body)
    return unescape(re.sub(r"<[^>]{0,2000}>", "", body))


# --- machines -------------------------------------------------------------------------------------------------

_AUTOMATIC = re.compile(
    r"out of (?:the )?office|automatic reply|auto(?:matic)?[- ]?(?:reply|response|answer)|vacation reply"
    r"|on (?:annual |parental )?leave\b|undeliver|delivery status notification|returned mail"
    r"|automatisk svar|autosvar|ikke (?:på|til stede på) kontoret|fraværsbesked|fraværsmeddelelse|fravær fra kontoret"
    r"|jeg holder ferie"
    r"|automatyczna odpowied[źz]|odpowied[źz] automatyczna|autoodpowied[źz]|autoresponder|poza biurem"
    r"|nieobecno[śs][ćc]|jestem nieobecn"
    r"|автоответ|автоматический ответ|автоматическое уведомление|вне офиса|нет на (?:рабочем )?месте"
    r"|отсутстви[ея] на рабочем месте|в отпуске",
    re.IGNORECASE,
)


def is_automatic(subject: str, facts: Mapping[str, Any]) -> bool:
    """Whether a machine answered: by the headers it must set (RFC 3834), else by its subject."""
    submitted = str(facts.get("auto_submitted", "no")).strip().lower()
    if submitted and not submitted.startswith(("no", "false", "0", "none")):
        return True
    if str(facts.get("precedence", "")).strip().lower() in (
        "bulk",
        "auto_reply",
        "auto-reply",
        "junk",
        "list",
    ):
        return True
    flags = (
        "x_autoreply",
        "x_autorespond",
        "x_autoresponse",
        "auto_reply",
        "autoreply",
        "automatic",
        "is_auto_reply",
    )
    if any(_yes(facts.get(name)) for name in flags):
        return True
    return bool(_AUTOMATIC.search(subject))


def _yes(value: Any) -> bool:
    return value is not None and str(value).strip().lower() not in ("", "no", "false", "0", "none")


def _key(name: object) -> str:
    return str(name).strip().lower().replace("-", "_").replace(" ", "_")


def _facts(data: Mapping[str, Any]) -> dict[str, Any]:
    """Data and the mail headers in it, by comparable names."""
    facts = {_key(name): value for name, value in data.items()}
    headers = facts.get("headers")
    if isinstance(headers, Mapping):
        facts |= {_key(name): value for name, value in headers.items()}
    elif isinstance(headers, list):
        pairs = (one for one in headers if isinstance(one, Mapping) and "name" in one)
        facts |= {_key(one["name"]): one.get("value", "") for one in pairs}
        facts |= {_key(one[0]): one[1] for one in headers if isinstance(one, list) and len(one) == 2}
    return facts


def _of_newsletter(kind: str, facts: Mapping[str, Any]) -> bool:
    """Whether it answers a newsletter: then it is no wish about calls."""
    if "newsletter" in kind or "unsubscri" in kind:
        return True
    if kind == "text_reply":
        return False
    return _yes(facts.get("newsletter")) or "list_unsubscribe" in facts or _channel(facts) == "newsletter"


def _by_mail(kind: str, facts: Mapping[str, Any]) -> bool:
    """Whether the tool says that mail is what it is about; leaving a list there leaves no other channel."""
    return kind != "text_reply" and _channel(facts) in ("mail", "email", "e-mail")


def _channel(facts: Mapping[str, Any]) -> str:
    return str(facts.get("channel", facts.get("list", ""))).strip().lower()


def _unsubscribed(kind: str, facts: Mapping[str, Any]) -> str:
    """The word of a tool that itself says they unsubscribed; blank where none does."""
    if "unsubscri" in kind:
        return kind
    said = (str(facts.get(name, "")).strip().lower() for name in _EVENTS)
    return next((one for one in said if one in ("unsubscribe", "unsubscribed", "list_unsubscribe")), "")
