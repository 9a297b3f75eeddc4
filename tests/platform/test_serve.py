"""Does the process tree start, survive its parts and leave nothing behind?"""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.processes import ROOT, Thaw, wait_until

PARTS = ["valkey-server", "granian", "worker", "beat"]


def is_alive(process: psutil.Process) -> bool:
    """Not ended; a zombie that only waits to be reaped has."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def whole_tree(thaw: Thaw) -> list[psutil.Process]:
    """Every part running, the pool's and the web server's own children included."""
    for part in PARTS:
        wait_until(
            lambda part=part: thaw.service(part), seconds=30, what=f"{part}; {thaw.log.read_text()[-2000:]}"
        )
    # web, its worker, celery, its two pool processes, beat, the broker
    return wait_until(lambda: len(thaw.tree()) >= 7 and thaw.tree(), seconds=30, what="the pool")


def test_a_killed_part_comes_back_within_two_seconds(thaw: Thaw) -> None:
    whole_tree(thaw)
    for part in PARTS:
        before = thaw.service(part)
        assert before is not None
        before.kill()
        after = wait_until(
            lambda part=part, pid=before.pid: (found := thaw.service(part)) and found.pid != pid and found,
            seconds=2,
            what=part,
        )
        assert after.is_running()
    wait_until(lambda: thaw.answers("/readyz"), seconds=20)


def test_a_killed_web_worker_comes_back(thaw: Thaw) -> None:
    web = thaw.service("granian")
    assert web is not None
    workers = web.children(recursive=True)
    assert workers
    for worker in workers:
        worker.kill()
    wait_until(lambda: not [worker for worker in workers if is_alive(worker)])
    wait_until(thaw.answers, seconds=15)


def test_ctrl_c_stops_everything(thaw: Thaw) -> None:
    tree = whole_tree(thaw)
    begun = time.monotonic()
    assert thaw.stop() == 0
    assert time.monotonic() - begun < 10
    assert [process for process in tree if is_alive(process)] == []
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", thaw.port), timeout=1)


def test_ctrl_c_reaches_only_the_supervisor(thaw: Thaw) -> None:
    """A terminal signals the foreground group: no part may be in the supervisor's session."""
    assert thaw.process is not None
    session = os.getsid(thaw.process.pid)
    assert all(os.getsid(process.pid) != session for process in whole_tree(thaw))


def test_sigkill_of_the_supervisor_leaves_no_orphan(thaw: Thaw) -> None:
    tree = whole_tree(thaw)
    assert thaw.process is not None
    thaw.process.kill()
    thaw.process.wait()
    wait_until(lambda: not [process for process in tree if is_alive(process)], seconds=3)


def test_sigkill_of_a_worker_takes_its_pool_with_it(thaw: Thaw) -> None:
    whole_tree(thaw)
    worker = thaw.service("worker")
    assert worker is not None
    pool = worker.children(recursive=True)
    assert pool
    worker.kill()
    wait_until(lambda: not [process for process in pool if is_alive(process)], seconds=3)


def test_a_taken_port_is_said_in_one_line_before_anything_starts(idle_thaw: Thaw) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", idle_thaw.port))
        taken.listen()
        done = idle_thaw.manage("serve")
    assert done.returncode != 0
    assert done.stderr.strip().splitlines() == [
        f"CommandError: Port {idle_thaw.port} is taken on 127.0.0.1: stop what uses it, "
        "or choose another with PORT=…"
    ]
    assert not (idle_thaw.directory / "broker").exists()


@pytest.mark.parametrize(
    "environment, said",
    [
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "No broker answers at REDIS_URL"),
        ({"DATABASE_URL": "postgres://thaw@127.0.0.1:1/thaw"}, "The database cannot be used"),
        ({"PORT": "80000"}, "PORT is '80000'"),
        ({"PORT": "http"}, "PORT is 'http'"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL"),
        ({"PUBLIC_URL": "thaw.example.com"}, "PUBLIC_URL is 'thaw.example.com'"),
    ],
    ids=[
        "dead broker",
        "dead database",
        "impossible port",
        "a port that is no number",
        "a database that is no address",
        "an address without scheme",
    ],
)
def test_what_cannot_work_is_said_without_a_traceback(
    idle_thaw: Thaw, environment: dict[str, str], said: str
) -> None:
    idle_thaw.environment = environment
    done = idle_thaw.manage("serve")
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_one_serve_per_directory(thaw: Thaw) -> None:
    second = Thaw(thaw.directory)
    done = second.manage("serve")
    assert done.returncode != 0
    assert "already running" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_first_start_migrates_and_the_second_keeps_what_is_there(tmp_path: Path) -> None:
    thaw = Thaw(tmp_path / "fresh")
    thaw.start()
    made = thaw.manage("user", "ada", "--role", "rep", given="secret")
    assert made.returncode == 0, made.stderr
    assert thaw.stop() == 0
    thaw.start()
    assert thaw.manage("api_key", "again", "--user", "ada").returncode == 0
    assert thaw.stop() == 0
    assert not (thaw.directory / "backups").exists()


def test_an_older_database_is_backed_up_before_it_is_migrated(idle_thaw: Thaw) -> None:
    assert idle_thaw.manage("migrate", "crm", "zero").returncode == 0
    idle_thaw.start()
    assert idle_thaw.answers("/readyz")
    assert idle_thaw.stop() == 0
    (saved,) = (idle_thaw.directory / "backups").iterdir()
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600


def test_a_long_directory_still_has_room_for_the_socket(migrated: Path, tmp_path: Path) -> None:
    thaw = Thaw(tmp_path / ("long-" * 20))
    thaw.start()
    wait_until(lambda: thaw.answers("/readyz"))
    assert thaw.stop() == 0


def test_an_empty_workspace_says_how_to_make_the_first_admin(idle_thaw: Thaw) -> None:
    idle_thaw.start("--first-admin")
    assert idle_thaw.stop() == 0
    assert "user NAME --role admin" in idle_thaw.log.read_text()


@pytest.mark.parametrize("many", [8])
def test_processes_that_start_together_agree_on_one_secret_key(tmp_path: Path, many: int) -> None:
    thaw = Thaw(tmp_path / "thaw")
    code = "from django.conf import settings; print(settings.SECRET_KEY)"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env={**thaw.env(), "DJANGO_SETTINGS_MODULE": "crm.settings"},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(many)
    ]
    keys = {process.communicate()[0] for process in started}
    assert len(keys) == 1
    assert len(keys.pop().strip()) >= 50
    assert stat.S_IMODE((thaw.directory / "secret_key").stat().st_mode) == 0o600
    assert stat.S_IMODE(thaw.directory.stat().st_mode) == 0o700


def test_sigterm_stops_as_well(thaw: Thaw) -> None:
    assert thaw.process is not None
    thaw.process.send_signal(signal.SIGTERM)
    assert thaw.process.wait(15) == 0
