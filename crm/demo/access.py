"""Who can sign in to the demo, and with which passphrase? Kept in THAW_DIR, readable by its owner alone."""

import json
import os
import secrets
from pathlib import Path

from django.conf import settings

from .cast import STAFF

_WORDS = """
    amber anchor apple autumn badger barley basalt birch bottle bramble bridge button canyon cedar chalk
    cherry cinder clover cobalt copper coral cotton cricket crystal dapple desert dolphin drift ember
    falcon feather fern fiddle flint forest fossil garden ginger glacier granite harbor hazel heron
    hollow honey indigo island ivory jasper juniper kettle lantern lemon linen lobster lunar magnet
    maple marble meadow mellow mineral mirror mosaic nectar nutmeg oasis ocean olive onyx orbit orchard
    otter oyster paddle pebble pepper pigeon pillow planet plover pocket poppy quartz quiver raven
    ribbon river robin saddle saffron salmon sandal shadow shelter silver sparrow spruce summit sunset
    thistle thunder timber tulip tundra velvet violet walnut willow window winter yarrow
"""


def _file() -> Path:
    return Path(settings.THAW_DIR) / "demo-logins.txt"


def passphrase() -> str:
    """A new passphrase that can be typed: four words and four digits."""
    words = _WORDS.split()
    return "-".join([*(secrets.choice(words) for _word in range(4)), f"{secrets.randbelow(10_000):04d}"])


def keep(password: str) -> None:
    """Write the logins down, for the next start to print."""
    text = json.dumps({"password": password, "users": [_login(one.username) for one in STAFF]}, indent=1)
    draft = _file().with_suffix(".new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text + "\n")
    os.replace(draft, _file())


def _login(username: str) -> dict[str, str]:
    one = next(one for one in STAFF if one.username == username)
    return {"username": username, "name": one.name, "role": one.role, "team": one.team}


def read() -> tuple[str, list[dict[str, str]]]:
    """(passphrase, [{username, name, role, team}]); ("", []) where no demo was built from here."""
    try:
        kept = json.loads(_file().read_text())
        return str(kept["password"]), list(kept["users"])
    except (OSError, ValueError, KeyError, TypeError):
        return "", []


def forget() -> None:
    _file().unlink(missing_ok=True)


def in_words() -> list[str]:
    """The lines to print at a start; [] where there is no demo."""
    password, users = read()
    if not users:
        return []
    lines = ["The demo's logins, all with the passphrase " + password]
    for role in ("admin", "manager", "rep"):
        names = ", ".join(_with_team(user) for user in users if user["role"] == role)
        lines.append(f"  {role + ('s' if role != 'admin' else '')}: {names}")
    return lines


def _with_team(user: dict[str, str]) -> str:
    return f"{user['username']} ({user['team']})" if user["team"] else user["username"]
