"""Can people set their own hours, keys, phone and absences, managers their team's, and nobody anybody else's?"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm.accounts import working_hours
from crm.accounts.models import Absence, User
from leads.models import AuditEvent
from touchpoints import keys
from touchpoints.models import Outcome

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def week(**other: str) -> dict[str, str]:
    return {f"day_{day}": "09:00–17:00" if day < 6 else "" for day in range(1, 8)} | other


def about(user: User, **other: str) -> dict[str, str]:
    return {
        "first_name": "Ada",
        "language": "da",
        "tone": "informal",
        "time_zone": "Europe/Copenhagen",
        "extension": "",
        "dial_url": "",
        **week(),
        **other,
    }


# --- hours ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, spans",
    [
        pytest.param("", [], id="a day off"),
        pytest.param("9-17", [["09:00", "17:00"]], id="full hours"),
        pytest.param("9.30 – 12", [["09:30", "12:00"]], id="a dot and a dash"),
        pytest.param("9:00-12:00; 13-17:30", [["09:00", "12:00"], ["13:00", "17:30"]], id="a lunch break"),
        pytest.param("20-24", [["20:00", "24:00"]], id="to midnight"),
    ],
)
def test_hours_are_read_as_people_write_them(text: str, spans: working_hours.Spans) -> None:
    assert working_hours.read(text) == spans
    assert working_hours.read(working_hours.written(spans)) == spans


@pytest.mark.parametrize(
    "text, said",
    [
        ("nine to five", "no span"),
        ("9", "no span"),
        ("17-9", "ends before"),
        ("9-25", "no time"),
        ("9:75-10", "no time"),
        ("9-12, 11-15", "lies before"),
    ],
)
def test_hours_that_make_no_sense_are_refused(text: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        working_hours.read(text)


def test_a_week_is_told_in_one_line() -> None:
    hours = {**{str(day): [["09:00", "17:00"]] for day in (1, 2, 3, 4)}, "5": [["09:00", "12:00"]]}
    assert working_hours.in_words(hours) == "Mon–Thu 09:00–17:00; Fri 09:00–12:00"


# --- oneself ----------------------------------------------------------------------------------------------------


def test_a_rep_changes_their_own_settings_and_nothing_more(ada: User) -> None:
    role, dials = ada.role, ada.dials_a_day
    sent = about(ada, role="admin", dials_a_day="999", is_staff="on", day_6="10-13", day_1="")
    assert signed_in(ada).post(reverse("settings"), sent).status_code == 302
    ada.refresh_from_db()
    assert (ada.time_zone, ada.tone) == ("Europe/Copenhagen", "informal")
    assert ada.working_hours["6"] == [["10:00", "13:00"]]
    assert "1" not in ada.working_hours
    assert (ada.role, ada.dials_a_day, ada.is_staff) == (role, dials, False)
    assert AuditEvent.objects.get(action="user.hours").actor == ada


@pytest.mark.parametrize(
    "url, said",
    [
        ("javascript:alert({number})", "phone takes"),
        ("{number}@pbx.example", "phone takes"),
        ("sip:operator@pbx.example", "{number}"),
        ("https://pbx.example/?n={number};report-uri x", "blanks"),
    ],
)
def test_a_dial_address_that_is_none_is_refused(ada: User, url: str, said: str) -> None:
    answer = signed_in(ada).post(reverse("settings"), about(ada, dial_url=url))
    assert answer.status_code == 422
    assert said in str(answer.context["form"].errors["dial_url"])
    ada.refresh_from_db()
    assert ada.dial_url == ""


# --- keys -------------------------------------------------------------------------------------------------------


def all_keys(user: User, **other: str) -> dict[str, str]:
    standard = dict(Outcome.objects.filter(active=True).values_list("pk", "hotkey"))
    return {**keys.keys_of(standard, user.key_map), **other}


def test_keys_swap_places_and_go_back(ada: User) -> None:
    client = signed_in(ada)
    swapped = all_keys(ada, dial="e", elsewhere="D", no_answer="2", voicemail_left="1")
    assert client.post(reverse("settings_keys"), swapped).status_code == 302
    ada.refresh_from_db()
    assert ada.key_map == {"dial": "e", "elsewhere": "d", "no_answer": "2", "voicemail_left": "1"}
    client.post(reverse("settings_keys"), {"reset": "1"})
    ada.refresh_from_db()
    assert ada.key_map == {}


def test_two_things_never_share_a_key(ada: User) -> None:
    answer = signed_in(ada).post(reverse("settings_keys"), all_keys(ada, dial="1"))
    assert answer.status_code == 422
    assert "already" in str(answer.context["form"].errors["no_answer"])
    assert signed_in(ada).post(reverse("settings_keys"), all_keys(ada, dial="+")).status_code == 422
    ada.refresh_from_db()
    assert ada.key_map == {}


def test_the_workspace_s_own_keys_do_not_clash() -> None:
    standard = dict(Outcome.objects.filter(active=True).values_list("pk", "hotkey"))
    assert keys.clashes(keys.keys_of(standard, {})) == []


# --- absences ---------------------------------------------------------------------------------------------------


def absence(user: User, **other: Any) -> dict[str, Any]:
    today = timezone.localdate()
    days = {"starts_on": today + timedelta(days=3), "ends_on": today + timedelta(days=5)}
    return {"user": user.pk, "cover": "", "reason": "", **days, **other}


def test_a_rep_enters_an_absence_of_their_own_and_takes_it_away(ada: User, bea: User) -> None:
    client = signed_in(ada)
    assert client.post(reverse("settings_absences"), absence(ada, cover=bea.pk)).status_code == 302
    row = Absence.objects.get()
    assert (row.user, row.cover) == (ada, bea)
    client.post(reverse("settings_absence_remove", args=[row.pk]))
    assert not Absence.objects.exists()
    actions = AuditEvent.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["user.absence_added", "user.absence_removed"]


def test_nobody_enters_or_removes_an_absence_of_somebody_else(
    ada: User, bea: User, cy: User, max_: User
) -> None:
    assert signed_in(ada).post(reverse("settings_absences"), absence(bea)).status_code == 422
    assert signed_in(max_).post(reverse("settings_absences"), absence(cy)).status_code == 422
    row = Absence.objects.create(user=bea, starts_on=date(2027, 1, 4), ends_on=date(2027, 1, 5))
    assert signed_in(ada).post(reverse("settings_absence_remove", args=[row.pk])).status_code == 404
    assert Absence.objects.count() == 1
    assert signed_in(max_).post(reverse("settings_absences"), absence(bea)).status_code == 302


def test_absences_that_make_no_sense_are_refused(ada: User) -> None:
    client, today = signed_in(ada), timezone.localdate()
    backwards = absence(ada, starts_on=today, ends_on=today - timedelta(days=1))
    assert "ends_on" in client.post(reverse("settings_absences"), backwards).context["form"].errors
    assert (
        "cover"
        in client.post(reverse("settings_absences"), absence(ada, cover=ada.pk)).context["form"].errors
    )
    client.post(reverse("settings_absences"), absence(ada))
    assert "starts_on" in client.post(reverse("settings_absences"), absence(ada)).context["form"].errors
    assert Absence.objects.count() == 1


# --- the team ---------------------------------------------------------------------------------------------------


def test_a_manager_sets_what_a_member_dials_a_day(ada: User, cy: User, max_: User) -> None:
    client = signed_in(max_)
    answer = client.post(reverse("settings_member", args=[ada.pk]), {"dials_a_day": "40", **week()})
    assert answer.status_code == 302
    ada.refresh_from_db()
    assert ada.dials_a_day == 40
    assert AuditEvent.objects.get(action="user.hours").after["dials_a_day"] == 40
    assert client.get(reverse("settings_member", args=[cy.pk])).status_code == 404
    assert signed_in(ada).get(reverse("settings_team")).status_code == 403
    assert "Ada" in client.get(reverse("settings_team")).content.decode()
