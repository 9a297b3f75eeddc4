"""Do the operator's commands do what they say, and refuse what they cannot do?"""

import json
import tarfile
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from knox.auth import TokenAuthentication

from crm.accounts.models import ApiKey, Team, User
from tests.processes import Thaw


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Any:
    """given("text"): what the command finds on standard input."""
    return lambda text: monkeypatch.setattr("sys.stdin", StringIO(text))


@pytest.mark.django_db
def test_user_makes_and_changes(given: Any) -> None:
    given("first\n")
    call_command("user", "dee", "--role", "rep", stderr=StringIO())
    dee = User.objects.get(username="dee")
    assert (dee.role, dee.team, dee.is_staff) == ("rep", Team.objects.get(is_default=True), False)
    assert dee.check_password("first")

    given("second")
    call_command("user", "dee", "--role", "manager", "--team", "West", stderr=StringIO())
    dee.refresh_from_db()
    assert (dee.role, dee.team, Team.objects.filter(name="West").count()) == ("manager", dee.team, 1)
    assert dee.team.name == "West"
    assert dee.check_password("second")

    given("third")
    call_command("user", "dee", "--role", "admin", stderr=StringIO())
    dee.refresh_from_db()
    assert (dee.team.name, dee.is_staff, User.objects.count()) == ("West", True, 1)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "arguments, password, said",
    [
        (["dee", "--role", "boss"], "x", "--role"),
        (["dee"], "x", "--role"),
        (["d e e", "--role", "rep"], "x", "username"),
        (["", "--role", "rep"], "x", "username"),
        (["dee", "--role", "rep", "--team", ""], "x", "--team"),
        (["dee", "--role", "rep"], "", "standard input"),
    ],
    ids=["unknown role", "no role", "a name with blanks", "no name", "a team without a name", "no password"],
)
def test_user_refuses(given: Any, arguments: list[str], password: str, said: str) -> None:
    given(password)
    with pytest.raises(CommandError, match=said):
        call_command("user", *arguments)
    assert not User.objects.exists()
    assert Team.objects.count() == 1


def test_api_key_prints_a_key_that_opens(ada: User) -> None:
    out = StringIO()
    call_command("api_key", "phone system", "--user", "ada", "--scope", "calls:write", stdout=out)
    (key,) = out.getvalue().split()
    assert TokenAuthentication().authenticate_credentials(key.encode())[0] == ada
    kept = ApiKey.objects.get()
    assert (kept.name, kept.scopes, kept.expiry) == ("phone system", ["calls:write"], None)
    assert key not in kept.digest


def test_api_key_refuses(ada: User) -> None:
    for arguments, said in [
        (["x", "--user", "nobody"], "no user"),
        (["y" * 81, "--user", "ada"], "name"),
        (["x"], "--user"),
        (["x", "--user", "ada", "--scope", "everything"], "no scope"),
    ]:
        with pytest.raises(CommandError, match=said):
            call_command("api_key", *arguments)
    assert not ApiKey.objects.exists()


def test_a_refused_argument_leaves_no_traceback(idle_thaw: Thaw) -> None:
    for arguments in (
        ["user", "dee", "--role", "boss"],
        ["api_key", "x", "--user", "nobody"],
        ["restore", "no.tar"],
    ):
        done = idle_thaw.manage(*arguments, given="x")
        assert done.returncode != 0
        assert done.stdout == ""
        assert done.stderr.strip()
        assert "Traceback" not in done.stderr


def test_backup_and_restore_bring_everything_back(idle_thaw: Thaw) -> None:
    idle_thaw.manage("user", "ada", "--role", "rep", given="x")
    (idle_thaw.directory / "files").mkdir()
    (idle_thaw.directory / "files" / "upload.csv").write_text("kept")
    key = (idle_thaw.directory / "secret_key").read_text()
    saved = idle_thaw.manage("backup").stdout.strip()
    with tarfile.open(saved) as archive:
        manifest = archive.extractfile("manifest.json")
        assert manifest is not None
        assert json.load(manifest)["vendor"] == "sqlite"

    idle_thaw.manage("user", "bea", "--role", "rep", given="x")
    (idle_thaw.directory / "files" / "upload.csv").unlink()
    (idle_thaw.directory / "secret_key").write_text("another")
    done = idle_thaw.manage("restore", saved)
    assert done.returncode == 0, done.stderr
    assert (idle_thaw.directory / "secret_key").read_text() == key
    assert (idle_thaw.directory / "files" / "upload.csv").read_text() == "kept"
    assert idle_thaw.manage("api_key", "k", "--user", "ada").returncode == 0
    assert idle_thaw.manage("api_key", "k", "--user", "bea").returncode != 0


def test_a_restored_backup_does_not_bring_erased_persons_back(idle_thaw: Thaw) -> None:
    people = idle_thaw.directory / "people.csv"
    people.write_text("Name,Phone\nAnn Lee,+12125550142\nBo Ray,+12125550143\n")
    load = ("import_leads", str(people), "--list", "Fair", "--json")
    assert json.loads(idle_thaw.manage(*load).stdout)["created"] == 2
    before = idle_thaw.manage("backup").stdout.strip()
    erased = json.loads(idle_thaw.manage("erase", "1", "--reason", "letter", "--json").stdout)
    assert erased["rows"]["numbers"] == 1
    # The key was renewed since: the backup holds the old one only.
    keys = idle_thaw.directory / "erasure_key"
    old = keys.read_text().strip()
    keys.write_text(f"{'new' * 10}\n{old}\n")
    done = idle_thaw.manage("restore", before)
    assert done.returncode == 0, done.stderr
    assert "1 leads erased again" in done.stdout
    assert keys.read_text().split() == ["new" * 10, old]
    told = json.loads(idle_thaw.manage(*load).stdout)
    assert (told["created"], told["duplicates"], told["refused"]) == (0, 1, 1)
    assert json.loads(idle_thaw.manage("erase", "--reapply", "--json").stdout) == {"erased_again": []}


def test_a_damaged_backup_changes_nothing(idle_thaw: Thaw) -> None:
    idle_thaw.manage("user", "ada", "--role", "rep", given="x")
    saved = idle_thaw.directory / "cut.tar.gz"
    whole = idle_thaw.manage("backup").stdout.strip()
    with open(whole, "rb") as file:
        saved.write_bytes(file.read()[:-20000])
    done = idle_thaw.manage("restore", str(saved))
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert idle_thaw.manage("api_key", "k", "--user", "ada").returncode == 0


def test_restore_refuses_while_thaw_runs(thaw: Thaw) -> None:
    saved = thaw.manage("backup").stdout.strip()
    done = thaw.manage("restore", saved)
    assert done.returncode != 0
    assert "already running" in done.stderr
