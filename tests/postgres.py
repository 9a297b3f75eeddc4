"""Which PostgreSQL do the tests use? TEST_DATABASE_URL, else a server of their own from binaries here."""

import atexit
import os
import pwd
import shutil
import signal
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
        server = Server(binaries)
        server.start()
        os.environ["TEST_DATABASE_URL"] = server.url


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


class Server:
    """A PostgreSQL of its own in a new directory, reachable through a socket alone; it ends with this process."""

    def __init__(self, binaries: Path) -> None:
        self.binaries = binaries
        # It refuses to run as root, and its socket's path must be short: hence a directory in /tmp.
        self.directory = Path(tempfile.mkdtemp(prefix="thaw-pg-", dir="/tmp"))
        atexit.register(shutil.rmtree, self.directory, ignore_errors=True)
        self.user = "nobody" if os.geteuid() == 0 else None
        if self.user:
            os.chown(self.directory, pwd.getpwnam(self.user).pw_uid, pwd.getpwnam(self.user).pw_gid)
        self.data = self.directory / "data"
        subprocess.run(
            [binaries / "initdb", "-D", self.data, "-U", "thaw", "-A", "trust", "-E", "UTF8", "--no-sync"],
            user=self.user,
            cwd=self.directory,
            check=True,
            stdout=subprocess.DEVNULL,
            env={"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]},
        )
        self.process: subprocess.Popen[bytes] | None = None
        atexit.register(self.stop)

    @property
    def url(self) -> str:
        return f"postgres://thaw@/{self.directory}/thaw"

    def start(self, **settings: str) -> None:
        """Start it and wait until it answers. Unless told otherwise it is quick and keeps nothing safe."""
        me = os.getpid()
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.directory),
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": "60",
            "shared_buffers": "64MB",
            **settings,
        }
        self.process = subprocess.Popen(
            [
                self.binaries / "postgres",
                "-D",
                self.data,
                *(f"--{name}={value}" for name, value in options.items()),
            ],
            user=self.user,
            cwd=self.directory,
            stdout=subprocess.DEVNULL,
            stderr=(self.directory / "log").open("a"),
            start_new_session=True,
            preexec_fn=lambda: tether_to_parent(me),
        )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        createdb = [self.binaries / "createdb", "-h", self.directory, "-U", "thaw", "thaw"]
        while time.monotonic() < deadline and self.process is not None and self.process.poll() is None:
            made = subprocess.run(createdb, capture_output=True, text=True, check=False)
            if made.returncode == 0 or "already exists" in made.stderr:
                return
            time.sleep(0.1)
        raise RuntimeError(f"PostgreSQL did not start: {(self.directory / 'log').read_text()}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """SIGTERM waits for whoever is connected, SIGINT ends their transactions, SIGQUIT is a crash."""
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
