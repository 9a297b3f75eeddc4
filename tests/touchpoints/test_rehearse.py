"""Is a rehearsal the call without the call: the same words and keys, nobody dialled, nothing written?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from touchpoints import rehearsal, talk_defaults
from touchpoints.models import CallAttempt, TalkTrack
from touchpoints.rehearsal import ROUNDS, State

if TYPE_CHECKING:
    from crm.accounts.models import User

NOW = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def scenes(seed: int, *, objections: int = 5) -> list[rehearsal.Scene]:
    return [rehearsal.scene(seed, n, language="en", objections=objections) for n in range(ROUNDS)]


class TestWhomOneMeets:
    def test_the_same_seed_is_the_same_rehearsal(self) -> None:
        assert scenes(7) == scenes(7)
        assert scenes(7) != scenes(8)

    def test_everybody_says_that_they_are_made_up_and_has_a_number_nobody_has(self) -> None:
        for seed in range(50):
            for scene in scenes(seed):
                assert scene.person.last_name in ("Example", "Sample", "Testing", "Instance")
                assert all("555-0100" <= number <= "555-0199" for number in scene.person.numbers)

    def test_over_a_rehearsal_or_two_every_kind_of_answer_and_every_objection_comes(self) -> None:
        met = [scene for seed in range(20) for scene in scenes(seed)]
        assert {scene.meets for scene in met} == {"person", "gatekeeper", "voicemail", "nobody"}
        assert {index for scene in met for index in scene.objections} == set(range(5))
        assert all(not scene.objections for scene in met if scene.meets != "person")

    def test_no_objection_stands_at_the_head_of_two_rounds(self) -> None:
        for seed in range(50):
            heads = [scene.objections[0] for scene in scenes(seed) if scene.objections]
            assert len(heads) == len(set(heads))

    def test_a_track_without_objections_is_rehearsed_too(self) -> None:
        assert all(scene.objections == () for scene in scenes(3, objections=0))


class TestWhatOneDoes:
    START = State(seed=1, track=1)

    def test_nothing_is_logged_without_a_dial(self) -> None:
        assert rehearsal.log(self.START, "no_answer", answered=0, now=NOW) == self.START

    def test_the_clock_runs_from_the_dial_to_the_key(self) -> None:
        state = rehearsal.dial(self.START, now=NOW)
        assert rehearsal.dial(state, now=NOW + 9 * SECOND) == state
        state = rehearsal.log(state, "gatekeeper", answered=2, now=NOW + 40 * SECOND)
        assert (state.round, state.dialled_at, state.done[0].seconds) == (1, "", 40)

    def test_back_takes_the_outcome_back_and_the_clock_goes_on(self) -> None:
        state = rehearsal.log(rehearsal.dial(self.START, now=NOW), "busy", answered=0, now=NOW + 40 * SECOND)
        back = rehearsal.undo(state, now=NOW + 60 * SECOND)
        assert (back.round, back.done) == (0, ())
        again = rehearsal.log(back, "no_answer", answered=0, now=NOW + 70 * SECOND)
        assert again.done[0].seconds == 50
        assert rehearsal.undo(self.START, now=NOW) == self.START

    def test_it_ends_after_its_rounds_and_says_what_was_practised(self) -> None:
        state, met = self.START, scenes(1)
        fitting = {"person": "callback_requested", "gatekeeper": "gatekeeper", "voicemail": "voicemail_left"}
        for n, scene in enumerate(met):
            state = rehearsal.dial(state, now=NOW)
            for _more in scene.objections:
                state = rehearsal.hear(state, scene)
            assert rehearsal.hear(state, scene) == state
            key = fitting.get(scene.meets, "no_answer") if n else "meeting_booked"
            state = rehearsal.log(state, key, answered=1, now=NOW + 30 * SECOND)
        assert state.over
        assert rehearsal.skip(state) == state
        flags = {
            "callback_requested": (True, True),
            "gatekeeper": (True, False),
            "voicemail_left": (False, False),
        }
        flags |= {"no_answer": (False, False), "meeting_booked": (True, True)}
        told = rehearsal.summary(state, met, flags)
        heard = [index for scene in met for index in scene.objections]
        first_fits = met[0].meets == "person"
        assert (told.calls, told.skipped, told.fitting) == (ROUNDS, 0, ROUNDS - 1 + first_fits)
        assert (told.seconds, told.answered) == (30, ROUNDS)
        assert dict(told.objections) == {index: heard.count(index) for index in heard}

    @pytest.mark.parametrize(
        "meets, outcome, flags, fits",
        [
            pytest.param("nobody", "no_answer", (False, False), True, id="nobody"),
            pytest.param("nobody", "voicemail_left", (False, False), False, id="no beep"),
            pytest.param("voicemail", "voicemail_left", (False, False), True, id="a beep"),
            pytest.param("gatekeeper", "gatekeeper", (True, False), True, id="gatekeeper"),
            pytest.param("gatekeeper", "meeting_booked", (True, True), False, id="not reached"),
            pytest.param("person", "not_interested", (True, True), True, id="a no"),
            pytest.param("person", "hung_up", (True, False), True, id="hung up"),
            pytest.param("person", "no_answer", (False, False), False, id="they did answer"),
        ],
    )
    def test_a_key_fits_what_happened(
        self, meets: Any, outcome: str, flags: tuple[bool, bool], fits: bool
    ) -> None:
        assert rehearsal.fits(meets, outcome, connect=flags[0], reach=flags[1]) is fits

    def test_the_state_travels_and_comes_back(self) -> None:
        state = rehearsal.log(rehearsal.dial(self.START, now=NOW), "busy", answered=0, now=NOW + SECOND)
        assert rehearsal.state_of(state.as_json()) == state


# --- the page ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
class TestThePage:
    @pytest.fixture
    def rep(self, client: Client, ada: User) -> Client:
        client.force_login(ada)
        return client

    def state(self, page: Any) -> dict[str, str]:
        return {"state": page.context["state"], "round": str(page.context["round"])}

    def test_a_whole_rehearsal_writes_nothing(self, rep: Client) -> None:
        url = reverse("rehearse")
        with time_machine.travel(NOW, tick=False) as clock, CaptureQueriesContext(connection) as said:
            page = rep.get(url, {"seed": "1"})
            for n, scene in enumerate(scenes(1)):
                assert page.context["person"] == scene.person
                page = rep.post(url, {**self.state(page), "act": "dial"}, headers={"HX-Request": "true"})
                assert len(page.context["happens"]) == 1
                for _more in scene.objections:
                    page = rep.post(url, {**self.state(page), "act": "hear"}, headers={"HX-Request": "true"})
                clock.shift(20)
                sent = {**self.state(page), "outcome": "no_answer", "answer_1": "May" if n == 0 else " "}
                page = rep.post(url, sent, headers={"HX-Request": "true"})
        summary = page.context["summary"]
        assert (summary.calls, summary.seconds, summary.answered) == (ROUNDS, 20, 1)
        text = page.content.decode()
        for objection, _times in page.context["practised"]:
            assert objection.answer in text
        writes = [one["sql"] for one in said if one["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
        assert [sql for sql in writes if "django_session" not in sql] == []
        assert not CallAttempt.objects.exists()

    def test_nobody_can_take_it_for_a_call(self, rep: Client) -> None:
        page = rep.get(reverse("rehearse"), {"seed": "1"})
        dialled = rep.post(reverse("rehearse"), {**self.state(page), "act": "dial"})
        for text in (page.content.decode(), dialled.content.decode()):
            assert "Rehearsal" in text
            assert "Nobody is called, nobody exists, nothing is kept." in text
            assert "made up" in text
            screen = text[text.index('id="rehearsal"') :]
            assert "tel:" not in screen
            assert reverse("call_dial") not in screen
            assert "hx-post" in screen
            assert "You may call" not in screen

    def test_the_words_are_those_of_a_real_call(self, rep: Client, ada: User) -> None:
        page = rep.get(reverse("rehearse"), {"seed": "1"})
        script = talk_defaults.SCRIPTS["en"]
        track = page.context["track"]
        assert (track.script.pitch, [one.field for one, _known in track.questions]) == (
            script.pitch,
            [one.field for one in script.questions],
        )
        assert ada.get_full_name() in track.first[0].text
        keys = {one["hotkey"] for one in page.context["outcome_buttons"]}
        assert {"1", "2", "7", "X"} <= keys

    def test_what_was_typed_stands_until_the_round_is_over(self, rep: Client) -> None:
        url = reverse("rehearse")
        page = rep.post(url, {**self.state(rep.get(url, {"seed": "1"})), "act": "dial"})
        typed = {"field_1": "priority", "answer_1": "cost", "notes": "keen"}
        page = rep.post(url, {**self.state(page), **typed, "act": "hear"})
        assert (page.context["notes"], page.context["track"].questions[0][1]) == ("keen", "cost")
        page = rep.post(url, {**self.state(page), **typed, "outcome": "no_answer"})
        assert (page.context["notes"], page.context["track"].questions[0][1]) == ("", "")

    def test_a_state_that_is_not_ours_begins_anew(self, rep: Client) -> None:
        page = rep.post(reverse("rehearse"), {"state": "forged", "act": "dial"})
        assert page.status_code == 200
        assert page.context["round"] == 1

    def test_another_track_is_chosen_by_address(self, rep: Client) -> None:
        danish = TalkTrack.objects.in_use().get(language="da")
        page = rep.get(reverse("rehearse"), {"track": danish.pk, "seed": "1"})
        assert page.context["track"].id == danish.pk
        assert rep.get(reverse("rehearse"), {"track": "99999", "seed": "x"}).context["track"].language == "en"

    def test_without_any_track_it_says_what_is_missing(self, rep: Client) -> None:
        TalkTrack.objects.all().delete()
        assert "A manager approves a talk track first." in rep.get(reverse("rehearse")).content.decode()
