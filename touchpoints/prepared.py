"""What does a prepared message say to this lead? Names filled in, nothing claimed that is not known."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

# What a text may ask for, each with what stands there where nobody knows.
NAMES: Mapping[str, str] = {
    "first_name": "",
    "last_name": "",
    "name": "",
    "company": "",
    "job_title": "",
    "sender": "",
    "firm": "",
}
_PLACE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Message:
    """A subject (the first line of a mail, where it says so by "Subject:") and a body."""

    subject: str
    body: str


def unknown_names(text: str) -> list[str]:
    """What the text asks for that nobody can fill in, as typed."""
    return [name for name in _PLACE.findall(text) if name not in NAMES]


def filled(text: str, facts: Mapping[str, str]) -> Message:
    """The message for one lead. What is not known leaves nothing behind, neither blanks nor a stray comma."""
    said = _PLACE.sub(lambda found: facts.get(found[1], ""), text)
    said = re.sub(r"[ \t]{2,}", " ", said)
    said = re.sub(r"[ \t]+([,.;:!?\n])", r"\1", said).strip()
    first, _, rest = said.partition("\n")
    if first.lower().startswith("subject:"):
        return Message(first[len("subject:") :].strip(), rest.strip())
    return Message("", said)


def link(channel: str, message: Message, *, email: str = "", e164: str = "") -> str:
    """The link that opens a mail or a text with the message in it; "" where there is no address for it."""
    if channel == "mail" and email:
        asked = f"subject={quote(message.subject)}&body={quote(message.body)}"
        return f"mailto:{quote(email, safe='@+')}?{asked}"
    if channel == "text" and e164:
        return f"sms:{e164}?body={quote(message.body)}"
    return ""
