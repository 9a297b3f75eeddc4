"""Which PostgreSQL do the tests use? TEST_DATABASE_URL, else a server of their own from binaries here."""

import atexit
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from crm.tether import tether_to_parent


def provide() -> None:
    """Set TEST_DATABASE_URL, starting a server that ends with this process; leave it unset where there is no
    server to be had."""
    if os.environ.get("TEST_DATABASE_URL"):
        return
    binaries = find_binaries()
    if binaries is not None:
        os.environ["TEST_DATABASE_URL"] = _start(binaries)


def find_binaries() -> Path | None:
    """The directory of `initdb` and `postgres`, newest version first."""
    candidates = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True
    )
    if on_path := shutil.which("initdb"):
        candidates.insert(0, Path(on_path).resolve().parent)
    for candidate in candidates:
        if (candidate / "initdb").exists() and (candidate / "postgres").exists():
            return candidate
    return None


def _start(binaries: Path) -> str:
    # The server refuses to run as root, and its socket's path must be short: hence a directory in /tmp.
    directory = Path(tempfile.mkdtemp(prefix="thaw-pg-", dir="/tmp"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        os.chown(directory, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    data = directory / "data"
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "thaw", "-A", "trust", "-E", "UTF8", "--no-sync"],
        user=user,
        cwd=directory,
        check=True,
        stdout=subprocess.DEVNULL,
        env={"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]},
    )
    me = os.getpid()
    options = {
        "listen_addresses": "",
        "unix_socket_directories": directory,
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "max_connections": "60",
        "shared_buffers": "64MB",
    }
    server = subprocess.Popen(
        [binaries / "postgres", "-D", data, *(f"--{name}={value}" for name, value in options.items())],
        user=user,
        cwd=directory,
        stdout=subprocess.DEVNULL,
        stderr=(directory / "log").open("w"),
        start_new_session=True,
        preexec_fn=lambda: tether_to_parent(me),
    )
    atexit.register(_stop, server)
    _wait(binaries, directory, server)
    return f"postgres://thaw@/{directory}/thaw"


def _wait(binaries: Path, directory: Path, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        made = subprocess.run(
            [binaries / "createdb", "-h", directory, "-U", "thaw", "thaw"], capture_output=True, check=False
        )
        if made.returncode == 0:
            return
        time.sleep(0.1)
    raise RuntimeError(f"PostgreSQL did not start: {(directory / 'log').read_text()}")


def _stop(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
