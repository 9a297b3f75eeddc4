"""Thaw's settings as the tests run them: a private THAW_DIR, a broker that runs only for those who ask for
it, and SQLite in a file or, with `--postgres` (or THAW_TEST_POSTGRES=1), real PostgreSQL."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests import postgres

if "--postgres" in sys.argv:
    os.environ["THAW_TEST_POSTGRES"] = "1"

# One directory for the whole run. The workers of pytest-xdist inherit its name, the first process removes it.
if "THAW_TEST_DIR" not in os.environ:
    os.environ["THAW_TEST_DIR"] = tempfile.mkdtemp(prefix="thaw-test-")
    atexit.register(shutil.rmtree, os.environ["THAW_TEST_DIR"], ignore_errors=True)
    if os.environ.get("THAW_TEST_POSTGRES"):
        postgres.provide()

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
TEST_DIR = Path(os.environ["THAW_TEST_DIR"])
RUN_DIR = TEST_DIR / WORKER
RUN_DIR.mkdir(exist_ok=True)

for name in ("HOST", "PORT", "PUBLIC_URL", "SECRET_KEY", "EMAIL_URL", "DEBUG", "LOG_LEVEL"):
    os.environ.pop(name, None)
os.environ["THAW_DIR"] = str(RUN_DIR)
os.environ["REDIS_URL"] = f"unix://{RUN_DIR}/valkey.sock"
os.environ["LOG_FORMAT"] = "console"
if os.environ.get("THAW_TEST_POSTGRES"):
    os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL", "postgres:///no-postgresql-found")
else:
    os.environ["DATABASE_URL"] = f"sqlite:///{RUN_DIR}/thaw.sqlite3"

from crm.settings import *  # noqa: E402, F403
from crm.settings import DATABASES, IS_SQLITE  # noqa: E402

# A file, not memory: live servers, workers and other processes of a test look at the same rows.
if IS_SQLITE:
    DATABASES["default"]["TEST"] = {"NAME": f"{RUN_DIR}/test.sqlite3"}
    DATABASES["default"]["OPTIONS"]["init_command"] = (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON;"
    )
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 0
# Files are looked for when asked for: else every client of every test would first read all of them.
WHITENOISE_AUTOREFRESH = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
