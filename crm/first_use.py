"""Is there a database to work with? Thaw's own commands make the embedded one where there is none yet."""

from __future__ import annotations

import fcntl
import sys

OWN_COMMANDS = frozenset(
    {
        "api_key",
        "check_number",
        "demo",
        "evaluate",
        "import_leads",
        "load_suppressions",
        "plan_cadence",
        "user",
    }
)


def prepare(arguments: list[str]) -> None:
    """Migrate an embedded database that is empty before one of our commands runs; leave every other one alone.

    Only one of several processes does it, the others wait. What it says goes to stderr.
    """
    if len(arguments) < 2 or arguments[1] not in OWN_COMMANDS or {"-h", "--help"} & set(arguments):
        return
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    if not settings.IS_SQLITE or connection.introspection.table_names():
        return
    with (settings.THAW_DIR / "migrate.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not connection.introspection.table_names():
            sys.stderr.write("Making the database…\n")
            call_command("migrate", verbosity=0)
