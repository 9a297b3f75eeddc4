"""The tests' settings, in the process of a worker that works on a test's own database."""

import os

from celery.signals import worker_process_init, worker_ready

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES

DATABASES["default"]["NAME"] = os.environ["THAW_TEST_DATABASE_NAME"]


@worker_ready.connect
def say_ready(**_: object) -> None:
    print("tests.worker_settings: ready", flush=True)


@worker_process_init.connect
def take_small_steps(**_: object) -> None:
    """A test that interferes with a change of rules needs it to take many steps, not many leads."""
    if steps := os.environ.get("THAW_TEST_RULE_CHUNK"):
        from touchpoints import reevaluate

        reevaluate.CHUNK = int(steps)
