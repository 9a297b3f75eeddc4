"""What does Thaw consist of when it runs on one machine, and what must be true before it starts?"""

import errno
import fcntl
import http.client
import os
import socket
import sys
from pathlib import Path
from typing import IO

import redis
from django.conf import settings

from crm import broker
from crm.supervisor import Service


class CannotServe(Exception):
    """Why Thaw cannot start, in one line for the person who tried."""


def hold_lock(thaw_dir: Path) -> IO[str]:
    """Make this the one `serve` of `thaw_dir` for as long as the returned file is open."""
    lock = (thaw_dir / "serve.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        other = lock.read().strip() or "unknown"
        raise CannotServe(f"Thaw is already running on {thaw_dir} (process {other}).") from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def check_port(host: str, port: int) -> None:
    """Raise CannotServe where `port` cannot be listened on."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = f"Port {port} is taken on {host}: stop what uses it, or choose another with PORT=…"
        else:
            reason = f"Cannot listen on {host} port {port}: {error.strerror or error}."
        raise CannotServe(reason) from None


def embedded_broker() -> Service | None:
    """The broker to start, None where REDIS_URL names one, which must answer."""
    if settings.REDIS_URL:
        try:
            with redis.Redis.from_url(
                settings.REDIS_URL, socket_timeout=3, socket_connect_timeout=3
            ) as server:
                server.ping()
        except (redis.RedisError, ValueError, OSError) as error:
            raise CannotServe(f"No broker answers at REDIS_URL: {error}") from None
        return None
    program = broker.find_server()
    if program is None:
        raise CannotServe(broker.NOT_FOUND)
    command = broker.command(program, socket=settings.BROKER_SOCKET, directory=settings.THAW_DIR / "broker")
    return Service("broker", command, stage=0, stop_seconds=5)


def own_services() -> list[Service]:
    """Web, worker and beat."""
    celery = [sys.executable, "-m", "celery", "--quiet", "-A", "crm"]
    level = ["--loglevel", settings.LOG_LEVEL]
    web = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", settings.HOST]
    web += ["--port", str(settings.PORT), "--workers", str(settings.WEB_WORKERS)]
    web += ["--blocking-threads", str(settings.WEB_THREADS), "--http", "1", "--no-ws"]
    web += ["--log-level", "warning", "--respawn-failed-workers", "--respawn-interval", "0.5"]
    web += ["--workers-kill-timeout", "5", "crm.wsgi:application"]
    worker = [*celery, "worker", *level, "--concurrency", str(settings.WORKER_CONCURRENCY)]
    worker += ["--without-gossip", "--without-mingle"]
    beat = [*celery, "beat", *level, "--pidfile=", "--schedule", str(settings.THAW_DIR / "beat-schedule")]
    return [
        Service("web", web),
        Service("worker", worker, wait_for_ready=True),
        Service("beat", beat, wait_for_ready=True),
    ]


def environment() -> dict[str, str]:
    """The children's environment: this one, with what they must agree on spelled out."""
    path = os.pathsep.join(filter(None, [str(settings.BASE_DIR), os.environ.get("PYTHONPATH", "")]))
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "crm.settings"),
        "DEBUG": "0",
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
        # Asked to stop, a worker finishes what takes a few seconds and hands the rest back to the broker.
        "REMAP_SIGTERM": "SIGQUIT",
        "THAW_DIR": str(settings.THAW_DIR),
        "HOST": settings.HOST,
        "PORT": str(settings.PORT),
    }


def web_answers() -> bool:
    """Whether the web server answers /healthz."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.HOST, settings.HOST)  # noqa: S104
    connection = http.client.HTTPConnection(host, settings.PORT, timeout=1)
    try:
        connection.request("GET", "/healthz", headers={"Host": "127.0.0.1"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
