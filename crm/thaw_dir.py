"""Where does Thaw keep what belongs to this installation: secret key, database, the broker's socket?"""

import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

# A unix socket's path must fit into 108 bytes on Linux and 104 on macOS, its terminating zero included.
LONGEST_SOCKET_PATH = 100


def open_thaw_dir(path: Path) -> Path:
    """Return `path` resolved, made private to its owner when it had to be created."""
    path = path.expanduser().resolve()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def secret_key(thaw_dir: Path) -> str:
    """Return the installation's secret key, generated on first use."""
    return _first_written(thaw_dir / "secret_key", lambda: secrets.token_urlsafe(50))


def erasure_keys(thaw_dir: Path) -> tuple[str, ...]:
    """Return the keys under which erased persons are recognised, one a line in `erasure_key`, the one for new
    digests first; generated on first use."""
    lines = _first_written(thaw_dir / "erasure_key", lambda: secrets.token_urlsafe(32)).split()
    return tuple(dict.fromkeys(lines))


def broker_socket(thaw_dir: Path) -> Path:
    """Return where the embedded broker listens: inside `thaw_dir`, or in a private directory with a short
    name, recorded in `thaw_dir`, where the path would be too long for a socket."""
    plain = thaw_dir / "broker.sock"
    if len(os.fsencode(plain)) <= LONGEST_SOCKET_PATH:
        return plain
    record = thaw_dir / "broker.dir"
    recorded = Path(_first_written(record, _private_directory))
    if not recorded.is_dir():  # a temporary directory does not outlive a reboot
        record.unlink(missing_ok=True)
        recorded = Path(_first_written(record, _private_directory))
    return recorded / "broker.sock"


def _private_directory() -> str:
    return tempfile.mkdtemp(prefix="thaw-", dir="/tmp")


def _first_written(path: Path, make: Callable[[], str]) -> str:
    """Return the content of `path`. Of several processes that find it absent, one writes it and all of them
    read the same: the complete file is linked to its name, which fails where the name exists."""
    try:
        return path.read_text()
    except FileNotFoundError:
        pass
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # created with mode 0600
    with os.fdopen(handle, "w") as draft:
        draft.write(make())
        draft.flush()
        os.fsync(draft.fileno())
    try:
        os.link(name, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(name)
    return path.read_text()
