"""The do-not-call lists that every test finds loaded, through the door that everybody uses.

They are current for ever, cover all that the default rules ask about, and hold only numbers that nobody can have:
a test that is not about registries meets none. A test that is takes `no_lists`, and loads its own.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leads.models import RegistryLoad

# After any day a test plays on: a list's age counts, and this one never has any.
OBTAINED_ON = date(2099, 1, 1)
OBTAINED = datetime(2099, 1, 1, tzinfo=UTC)
WITHOUT_A_STATE = "800 833 844 855 866 877 888 787 939 340 670 671 684"


def load_current(directory: Path) -> None:
    from leads.area_codes import codes_of

    codes = sorted(codes_of("US") | set(WITHOUT_A_STATE.split()))
    load_list(directory, "us-ftc", "".join(f"{code},0000000\n" for code in codes))
    for registry in ("uk-tps", "uk-ctps"):
        load_list(directory, registry, "01000000000\n")


def load_list(
    directory: Path,
    registry: str,
    text: str,
    *,
    on: date = OBTAINED_ON,
    name: str = "list.txt",
    forced: bool = False,
    now: datetime = OBTAINED,
) -> RegistryLoad:
    """Load a file with this text, as the command does; the caller looks at what became of it."""
    from leads.registries import load

    path = directory / name
    path.write_text(text, newline="")
    row = load.start(path, registry=registry, list_date=on, forced=forced, now=now)
    return load.run(row.pk, clock=lambda: now, path=path)
