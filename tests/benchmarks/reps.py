"""People at work against a real server: a rep looks, dials, talks and logs, and the open page polls meanwhile."""

from __future__ import annotations

import http.client
import random
import re
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

TOKEN = "b" * 32
SHOWN = re.compile(rb'id="screen"[^>]*? data-call="(\d*)" data-lead="(\d*)"')
# What an open call page asks for by itself, and every how many seconds.
POLLS = {"/call/alerts/": 15.0, "/call/rail/": 20.0, "/call/renew/": 60.0}
OUTCOMES = ("no_answer",) * 7 + ("gatekeeper", "gatekeeper", "busy", "not_interested", "hung_up")


@dataclass
class Heard:
    """What the reps met: leads served (rep, lead), seconds taken by kind of request, answers that were none."""

    served: list[tuple[int, int]] = field(default_factory=list)
    taken: dict[str, list[float]] = field(
        default_factory=lambda: {"look": [], "dial": [], "log": [], "poll": []}
    )
    refused: list[str] = field(default_factory=list)
    logged: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Rep(threading.Thread):
    """One rep with a browser's connection and session until `ends` (by the monotonic clock)."""

    def __init__(self, who: int, session: str, url: str, heard: Heard, *, begins: float, ends: float) -> None:
        super().__init__(daemon=True)
        self.who, self.heard, self.begins, self.ends = who, heard, begins, ends
        self.dice = random.Random(who)
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        self.headers = {
            "Cookie": f"sessionid={session}; csrftoken={TOKEN}",
            "X-CSRFToken": TOKEN,
            "HX-Request": "true",
        }
        self.next_poll = {path: begins + self.dice.uniform(0, every) for path, every in POLLS.items()}

    def run(self) -> None:
        self._wait(self.begins - time.monotonic() + self.dice.uniform(0, 20), polling=False)
        call, lead = self._screen("look", "GET", "/call/")
        while time.monotonic() < self.ends and lead:
            self.heard.served.append((self.who, int(lead)))
            self._wait(self.dice.uniform(4, 12))
            call, _lead = self._screen("dial", "POST", "/call/dial/", lead=lead)
            if not call:
                self.heard.refused.append(f"rep {self.who} could not dial lead {lead}")
                return
            self._wait(self.dice.choice((12, 15, 18, 20, 25, 45)) * self.dice.uniform(0.8, 1.2))
            said = self.dice.choice(OUTCOMES)
            call, lead = self._screen("log", "POST", f"/call/{call}/outcome/", outcome=said)
            self.heard.logged += 1

    def _wait(self, seconds: float, *, polling: bool = True) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            path = min(self.next_poll, key=lambda one: self.next_poll[one])
            if polling and self.next_poll[path] < until:
                time.sleep(max(0.0, self.next_poll[path] - time.monotonic()))
                self._ask("poll", "POST" if "renew" in path else "GET", path)
                self.next_poll[path] = time.monotonic() + POLLS[path]
            else:
                time.sleep(left)

    def _screen(self, kind: str, method: str, path: str, **said: str) -> tuple[str, str]:
        """The open call and the lead of the screen that comes back, blank where there is none."""
        found = SHOWN.search(self._ask(kind, method, path, **said))
        return (found[1].decode(), found[2].decode()) if found else ("", "")

    def _ask(self, kind: str, method: str, path: str, **said: str) -> bytes:
        body = urlencode(said) if method == "POST" else None
        form = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
        begun = time.perf_counter()
        self.connection.request(method, path, body, {**self.headers, **form})
        answer = self.connection.getresponse()
        content = answer.read()
        with self.heard.lock:
            self.heard.taken[kind].append(1000 * (time.perf_counter() - begun))
            if answer.status not in (200, 204):
                self.heard.refused.append(f"{method} {path}: {answer.status}")
        return content
