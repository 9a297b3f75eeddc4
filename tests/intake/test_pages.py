"""Bringing a file in by page: what a rep, a manager and an admin see, do, and are kept from."""

import re
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from crm.intake import dialect, load
from crm.intake.models import LeadImport
from leads.models import Lead, LeadList

FILES = Path(__file__).parent / "files"
pytestmark = pytest.mark.django_db


def upload(client, data=None, name="hubspot.csv"):
    data = (FILES / name).read_bytes() if data is None else data
    return client.post("/leads/import/", {"file": SimpleUploadedFile(name, data)})


def confirm(client, page, **changes):
    """Send the columns as they were guessed, with these changes."""
    form = client.get(page).context["form"]
    data = {field.html_name: field.value() or "" for field in form}
    return client.post(page, {**data, **changes})


@pytest.fixture
def as_user(client):
    def sign_in(user):
        client.force_login(user)
        return client

    return sign_in


def test_from_upload_to_leads(as_user, ada):
    client = as_user(ada)
    page = upload(client).url
    columns = client.get(page)
    assert columns.status_code == 200
    assert "Last Activity Date" in columns.content.decode()
    done = confirm(client, page, list_name="Spring", who=f"user-{ada.pk}")
    assert done.url == page
    received = LeadImport.objects.get()
    assert received.status == "waiting"
    waiting = client.get(page).content.decode()
    assert 'hx-trigger="every 1s"' in waiting
    assert '<noscript><meta http-equiv="refresh"' in waiting
    assert client.get(f"{page}progress/").status_code == 200
    load.run(received.pk, clock=timezone.now)
    assert client.get(f"{page}progress/").headers["HX-Refresh"] == "true"
    finished = client.get(page).content.decode()
    assert "not an e-mail address" in finished
    assert "every 1s" not in finished
    assert set(LeadList.objects.get(name="Spring").leads.all()) == set(Lead.objects.filter(owner=ada))
    assert Lead.objects.count() == 3
    refused = b"".join(client.get(f"{page}refused.csv").streaming_content).decode()
    assert refused.startswith("\ufeffRecord ID,First Name")
    assert "cy.cole-at-cole.example" in refused


def test_columns_can_be_corrected_and_left_out(as_user, ada):
    client = as_user(ada)
    page = upload(client, b"Person,Work,Colour\nAnn Lee,ann@example.com,red\n", "x.csv").url
    form = client.get(page).context["form"]
    assert [field.value() for field in form if field.name.startswith("column")] == ["full_name", "", ""]
    nobody = confirm(client, page, column_0="", column_2="city")
    assert nobody.status_code == 422
    assert "who a row is about" in nobody.content.decode()
    assert not LeadList.objects.exists()
    confirm(client, page, column_1="email")
    load.run(LeadImport.objects.get().pk, clock=timezone.now)
    lead = Lead.objects.get()
    assert (lead.name, lead.email, lead.city) == ("Ann Lee", "ann@example.com", "")


@pytest.mark.parametrize(
    "data, word",
    [
        (b"", "empty"),
        (b"PK\x03\x04" + bytes(100), "XLSX"),
        (b"Ann,ann@example.com\n", "no header"),
        (bytes(range(256)) * 9, "NUL"),
    ],
)
def test_a_file_that_is_none_is_refused_on_the_page(as_user, ada, data, word):
    answer = upload(as_user(ada), data, "x.csv")
    assert answer.status_code == 422
    assert word in answer.content.decode()
    assert not LeadImport.objects.exists()


def test_no_file_at_all(as_user, ada):
    answer = as_user(ada).post("/leads/import/", {})
    assert answer.status_code == 422
    assert "No file was chosen" in answer.content.decode()


def test_too_large_is_said_without_storing_it(as_user, ada, monkeypatch):
    from crm.intake import uploads

    monkeypatch.setattr(uploads, "MAX_BYTES", 100_000)
    answer = upload(as_user(ada), b"name\n" + b"Ann\n" * 50_000, "x.csv")
    assert answer.status_code == 422
    assert "larger than" in answer.content.decode()
    assert not LeadImport.objects.exists()


def test_a_large_file_comes_by_disk(as_user, ada):
    answer = upload(as_user(ada), b"name,email\n" + b"Ann,ann@example.com\n" * 150_000, "x.csv")
    assert answer.status_code == 302
    assert LeadImport.objects.get().rows_total == 150_000


def test_the_upload_is_safe_from_other_sites(ada):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    assert upload(client).status_code == 403
    token = re.search(
        r'name="csrfmiddlewaretoken" value="(\w+)"', client.get("/leads/import/").content.decode()
    )[1]
    file = SimpleUploadedFile("x.csv", b"name\nAnn\n")
    assert client.post("/leads/import/", {"file": file, "csrfmiddlewaretoken": token}).status_code == 302


class TestWhoMay:
    def offered(self, client):
        page = upload(client, name="linkedin.csv").url
        return page, [key for key, _label in client.get(page).context["form"].fields["who"].choices]

    def test_reps_give_to_themselves_and_their_pool(self, as_user, ada, bea, south):
        page, offered = self.offered(as_user(ada))
        assert offered == [f"user-{ada.pk}", f"team-{ada.team.pk}"]
        client = as_user(ada)
        for stranger in (f"user-{bea.pk}", f"team-{south.pk}", "nobody"):
            assert confirm(client, page, who=stranger).status_code == 422
        assert LeadImport.objects.get().status == "mapping"

    def test_managers_give_to_their_team(self, as_user, max_, ada, bea, cy, south):
        page, offered = self.offered(as_user(max_))
        assert offered == [f"team-{max_.team.pk}", f"user-{max_.pk}", f"user-{ada.pk}", f"user-{bea.pk}"]
        confirm(as_user(max_), page, who=f"user-{bea.pk}")
        assert LeadImport.objects.get().owner == bea

    def test_admins_give_to_anyone(self, as_user, root, ada, cy, south):
        _page, offered = self.offered(as_user(root))
        assert {f"user-{ada.pk}", f"user-{cy.pk}", f"team-{south.pk}", "nobody"} <= set(offered)

    def test_nobody_sees_anothers_import(self, as_user, ada, bea, max_, root):
        client = as_user(ada)
        page = upload(client).url
        for user in (bea, max_):
            client = as_user(user)
            for method, path in (
                ("get", page),
                ("post", page),
                ("get", f"{page}progress/"),
                ("get", f"{page}refused.csv"),
                ("post", f"{page}discard/"),
            ):
                assert getattr(client, method)(path).status_code == 404
            assert "hubspot.csv" not in client.get("/leads/import/").content.decode()
        assert LeadImport.objects.get().status == "mapping"
        assert as_user(root).get(page).status_code == 200

    def test_strangers_are_asked_to_sign_in(self, client):
        assert client.get("/leads/import/").status_code == 302
        assert upload(client).url.startswith("/account/login/")
        assert not LeadImport.objects.exists()

    def test_whose_lead_a_row_fitted_is_not_told(self, as_user, ada, cy):
        from leads.register import NewLead, create_lead

        new = NewLead({"first_name": "Secret", "last_name": "Name", "email": "hal@hope.example"})
        create_lead(new, owner=cy, now=timezone.now())
        client = as_user(ada)
        page = upload(client, name="linkedin.csv").url
        confirm(client, page)
        load.run(LeadImport.objects.get().pk, clock=timezone.now)
        shown = client.get(page).content.decode()
        assert "Secret" not in shown
        assert LeadImport.objects.get().duplicate_count == 1


def test_dropping_a_file(as_user, ada):
    client = as_user(ada)
    page = upload(client).url
    file = LeadImport.objects.get().file
    assert client.get(f"{page}discard/").status_code == 405
    assert client.post(f"{page}discard/").url == "/leads/import/"
    assert not LeadImport.objects.exists()
    assert not file.storage.exists(file.name)


def test_confirming_twice_imports_once(as_user, ada):
    client = as_user(ada)
    page = upload(client, name="linkedin.csv").url
    confirm(client, page, list_name="One")
    assert client.post(page, {"list_name": "Two"}).status_code == 302
    load.run(LeadImport.objects.get().pk, clock=timezone.now)
    assert client.post(page, {"list_name": "Three"}).status_code == 302
    assert list(LeadList.objects.values_list("name", flat=True)) == ["One"]
    assert Lead.objects.count() == 1


def test_many_refusals_are_paged(as_user, ada):
    client = as_user(ada)
    page = upload(client, b"name,email\n" + b"Ann,nope\n" * 120, "x.csv").url
    confirm(client, page)
    load.run(LeadImport.objects.get().pk, clock=timezone.now)
    assert len(client.get(page).context["rows"]) == 50
    assert len(client.get(f"{page}?page=3").context["rows"]) == 20


@pytest.mark.parametrize("path", ["/leads/import/", "columns", "done"])
def test_pages_take_the_same_queries_whatever_they_show(as_user, ada, path, django_assert_max_num_queries):
    client = as_user(ada)
    pages = [upload(client, b"name,email\n" + b"Ann,nope\n" * 30, f"x{i}.csv").url for i in range(4)]
    if path == "done":
        confirm(client, pages[0])
        load.run(LeadImport.objects.get(pk=int(pages[0].split("/")[-2])).pk, clock=timezone.now)
    with django_assert_max_num_queries(8):
        assert client.get(path if path.startswith("/") else pages[0]).status_code == 200


def test_a_hostile_name_is_only_text(as_user, ada):
    client = as_user(ada)
    page = upload(client, b"name,<script>x</script>\nAnn,<script>y</script>\n", "<script>z.csv").url
    shown = client.get(page).content.decode() + client.get("/leads/import/").content.decode()
    assert "<script>x" not in shown
    assert "<script>y" not in shown
    assert "<script>z" not in shown


def test_in_a_browser(page, sign_in, ada, transactional_db):
    sign_in(page, ada)
    page.goto("/leads/import/")
    page.set_input_files("input[type=file]", str(FILES / "hubspot.csv"))
    page.get_by_role("button", name="Upload").click()
    page.get_by_label("List", exact=True).fill("Spring")
    page.get_by_role("button", name="Import 4 rows").click()
    page.wait_for_selector("progress")
    received = LeadImport.objects.get()
    load.run(received.pk, clock=timezone.now)
    page.wait_for_selector("text=Refused rows")
    assert page.get_by_text("not an e-mail address").is_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    assert "cy.cole-at-cole.example" in Path(download.value.path()).read_text(encoding="utf-8")


def test_the_reader_ends_where_the_file_says(as_user, ada):
    # A dialect that was kept is all the worker needs: it never guesses again.
    client = as_user(ada)
    upload(client, (FILES / "danish_cp1252.csv").read_bytes(), "danish_cp1252.csv")
    kept = LeadImport.objects.get().how_written
    assert isinstance(kept, dialect.Dialect)
    assert (kept.encoding, kept.delimiter, kept.rows) == ("cp1252", ";", 2)
