"""The cast, and the real things tests run against: database, broker, worker, browser, the whole tree."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from tests.processes import Thaw, Valkey, Worker
from tests.settings import RUN_DIR, TEST_DIR

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from crm.accounts.models import Team, User

PASSWORD = "melt-the-ice-18"

# The browser's driver runs an event loop in the test's own thread; the tests still use the ORM one at a time.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


# How long an example takes is the machine's: nothing is judged by it.
hypothesis.settings.register_profile(
    "thaw", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("thaw")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--postgres", action="store_true", help="Run against real PostgreSQL, not SQLite.")


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("THAW_TEST_POSTGRES") and not os.environ.get("TEST_DATABASE_URL"):
        pytest.exit("SKIP: no PostgreSQL here (no TEST_DATABASE_URL, no server binaries).", returncode=0)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that commit empty the tables when they end; the rows that migrations brought come back for the
    next one of them. What does not depend on the database runs once, beside SQLite: tests that use none, those
    of the whole tree, which bring their own, and those of the screen."""
    for item in items:
        if _commits(item):
            # First of its markers: it is also what has the rows put aside when the database is made.
            item.add_marker(pytest.mark.django_db(transaction=True, serialized_rollback=True), append=False)
    if os.environ.get("THAW_TEST_POSTGRES"):
        once = [item for item in items if not _depends_on_the_database(item)]
        config.hook.pytest_deselected(items=once)
        items[:] = [item for item in items if item not in set(once)]


def _depends_on_the_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    if fixtures & {"idle_thaw", "browser"}:
        return False
    return (
        _commits(item)
        or bool(item.get_closest_marker("django_db"))
        or bool(fixtures & {"db", "django_db_setup", "live_worker"})
    )


def _commits(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("django_db")
    fixtures = getattr(item, "fixturenames", ())
    return bool(marker and marker.kwargs.get("transaction")) or bool(
        {"transactional_db", "live_server"}.intersection(fixtures)
    )


@pytest.fixture(autouse=True)
def _empty_cache(request: pytest.FixtureRequest) -> Iterator[None]:
    """The cache's table is nobody's model: emptying the tables leaves it as it is."""
    yield
    if _commits(request.node):
        from django.core.cache import cache

        with request.getfixturevalue("django_db_blocker").unblock():
            cache.clear()


# --- The lists --------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Do-not-call lists are loaded, as the guard asks of every workspace; see tests/lists.py."""
    from django.db import connection

    from tests.lists import load_current

    with django_db_blocker.unblock():
        load_current(tmp_path_factory.mktemp("lists"))
        if hasattr(connection, "_test_serialized_contents"):
            connection._test_serialized_contents = connection.creation.serialize_db_to_string()


@pytest.fixture
def no_lists(db: None) -> None:
    """A workspace that has loaded no do-not-call list yet."""
    from leads.models import RegistryArea, RegistryLoad, RegistryScrub

    RegistryScrub.objects.all().delete()
    RegistryArea.objects.all().delete()
    RegistryLoad.objects.all().delete()


# --- The cast ---------------------------------------------------------------------------------------------


@pytest.fixture
def north(db: None) -> Team:
    from crm.accounts.models import Team

    return Team.objects.create(name="North")


@pytest.fixture
def south(db: None) -> Team:
    from crm.accounts.models import Team

    return Team.objects.create(name="South")


@pytest.fixture
def person(db: None) -> Callable[..., User]:
    """person("dee", role="rep", team=…): one more user, with the password PASSWORD."""
    from crm.accounts.models import User

    def make(name: str, **fields: Any) -> User:
        fields.setdefault("first_name", name.capitalize())
        return User.objects.create_user(name, f"{name}@thaw.example", PASSWORD, **fields)

    return make


@pytest.fixture
def ada(person: Callable[..., User], north: Team) -> User:
    """A rep of team North."""
    return person("ada", role="rep", team=north)


@pytest.fixture
def bea(person: Callable[..., User], north: Team) -> User:
    """A rep, Ada's colleague."""
    return person("bea", role="rep", team=north)


@pytest.fixture
def cy(person: Callable[..., User], south: Team) -> User:
    """A rep of another team."""
    return person("cy", role="rep", team=south)


@pytest.fixture
def max_(person: Callable[..., User], north: Team) -> User:
    """The manager of team North."""
    return person("max", role="manager", team=north)


@pytest.fixture
def root(person: Callable[..., User]) -> User:
    """An admin without a team."""
    return person("root", role="admin", is_staff=True, is_superuser=True)


@pytest.fixture
def api_key(db: None) -> Callable[..., str]:
    """api_key(user, scopes=[…]): the plain key of a new API key."""
    from crm.accounts.models import ApiKey

    def make(user: User, **fields: Any) -> str:
        fields.setdefault("name", f"key {ApiKey.objects.filter(user=user).count() + 1}")
        return ApiKey.objects.create(user=user, expiry=None, **fields)[1]

    return make


# --- Broker and worker ------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def _valkey() -> Iterator[Valkey]:
    valkey = Valkey(RUN_DIR / "valkey.sock")
    yield valkey
    valkey.stop()


@pytest.fixture
def valkey(_valkey: Valkey) -> Valkey:
    """The broker, running and empty. Tests that do not ask for it run without one: nothing may need it."""
    if not _valkey.answers():
        _valkey.start()
    with _valkey.client() as client:
        client.flushall()
    return _valkey


@pytest.fixture
def live_worker(transactional_db: None, valkey: Valkey, tmp_path: Path) -> Iterator[Worker]:
    """A running worker. The test may `kill()` and `start()` it; nothing rings the sweeps but the test."""
    worker = Worker(tmp_path / "worker.log")
    worker.start()
    yield worker
    worker.stop()


@pytest.fixture
def live_engine(transactional_db: None, valkey: Valkey, tmp_path: Path) -> Iterator[Worker]:
    """A running worker with beat, which rings the sweeps."""
    worker = Worker(tmp_path / "worker.log", with_beat=True)
    worker.start()
    yield worker
    worker.stop()


# --- Browser ----------------------------------------------------------------------------------------------

CHROMIUM_SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser(django_db_setup: None) -> Iterator[Browser]:
    from django.db import connection
    from playwright.sync_api import sync_playwright

    executable = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    assert executable, "no chromium on PATH: install Debian's package chromium"
    migrated_rows = connection._test_serialized_contents
    with sync_playwright() as playwright:
        # Under the driver's event loop this thread has a connection of its own: it must know them as well.
        connection._test_serialized_contents = migrated_rows
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_SWITCHES)
        yield browser
        browser.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Leave behind, for the fixtures, whether the test failed."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


FAILED = pytest.StashKey[bool]()
# What was pressed, and where the keys went: it survives no navigation, and needs none.
SEE_KEYS = """addEventListener("keydown", (event) =>
    (window.pressed ??= []).push(`${event.code} at ${event.target.id || event.target.tagName}`), true)"""
LOOK = """() => ({ pressed: window.pressed, hasFocus: document.hasFocus(), frames: frames.length,
    at: document.activeElement?.outerHTML.slice(0, 120), screen: { ...document.getElementById("screen")?.dataset } })"""


@pytest.fixture
def page(browser: Browser, live_server: Any, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A fresh page on the live server (`page.goto("/call/")`), 1280 × 720. The test fails where a script
    broke or the content security policy was violated. Of a test that failed it prints what was pressed, what
    was asked of the server, and how the page stands."""
    context = browser.new_context(
        base_url=live_server.url, viewport={"width": 1280, "height": 720}, locale="en-GB"
    )
    context.set_default_timeout(10_000)
    page = context.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on(
        "console",
        lambda said: broken.append(said.text) if "Content Security Policy" in said.text else None,
    )
    seen: list[str] = []
    page.add_init_script(SEE_KEYS)
    page.on("console", lambda said: seen.append(said.text))
    page.on("request", lambda asked: seen.append(f"{asked.method} {asked.url}"))
    page.on("requestfailed", lambda asked: seen.append(f"failed {asked.url}: {asked.failure}"))
    page.on("response", lambda answer: seen.append(f"{answer.status} {answer.url}"))
    yield page
    if request.node.stash.get(FAILED, False):
        print(*seen[-60:], page.evaluate(LOOK), sep="\n")
    context.close()
    assert not broken, broken


@pytest.fixture
def sign_in(live_server: Any) -> Callable[[Page, User], None]:
    """sign_in(page, ada): give the page a signed-in session without going through the form."""
    from django.test import Client

    def sign(page: Page, user: User) -> None:
        client = Client()
        client.force_login(user)
        page.context.add_cookies(
            [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
        )

    return sign


# --- The whole tree ---------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def migrated() -> Path:
    """A THAW_DIR whose database is migrated and empty, made once for all workers of the run."""
    directory = TEST_DIR / "migrated"
    with (TEST_DIR / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.exists():
            draft = Thaw(TEST_DIR / "migrating")
            done = draft.manage("migrate", "--verbosity", "0")
            assert done.returncode == 0, done.stderr
            draft.directory.rename(directory)
    return directory


@pytest.fixture
def idle_thaw(migrated: Path, tmp_path: Path) -> Iterator[Thaw]:
    """An installation that nobody started yet; what the test starts is stopped."""
    thaw = Thaw(tmp_path / "thaw")
    shutil.copytree(migrated, thaw.directory)
    (thaw.directory / "secret_key").unlink(missing_ok=True)
    yield thaw
    if thaw.process is not None and thaw.process.poll() is None:
        thaw.stop()


@pytest.fixture
def thaw(idle_thaw: Thaw) -> Thaw:
    """The whole process tree, running and ready."""
    idle_thaw.start()
    return idle_thaw
