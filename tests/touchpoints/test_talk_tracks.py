"""Is what a rep says the approved words for this lead, and does each call keep the words it was made with?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from leads.models import AuditEvent, Lead, Segment, Workspace
from touchpoints import calls, merge, outcomes, pursue, take_back, talk, talk_defaults, talk_tracks
from touchpoints.models import Answer, CallAttempt, Pursuit, TalkTrack, Touchpoint
from touchpoints.outcomes import Logged
from touchpoints.refusals import Invalid
from touchpoints.talk import Disclosure, Objection, Question, Script, Tip, Voicemail

if TYPE_CHECKING:
    from crm.accounts.models import User

ALead = Callable[..., Lead]
MINUTE = timedelta(minutes=1)
FACTS = {"first_name": "Jo", "company": "", "sender": "Ada", "firm": "Lumenvale"}
SCRIPT = Script(
    opening="Is this a good moment?",
    intro="I call about your meters[ at {company}].",
    pitch="We find what runs at night.",
    questions=(
        Question("renewal", "When is it up, {first_name}?", "Ask early.", (Tip("May", "Advice: now."),)),
    ),
    objections=(Objection("No time.", "A minute."),),
    voicemails=(Voicemail("First, {sender}.", "a checklist"), Voicemail("Second.", "point four")),
    disclosures=(Disclosure("US", "A sales call by {firm}."),),
)


# --- what is said, without a database ----------------------------------------------------------------------------


class TestWords:
    @pytest.mark.parametrize(
        "text, count",
        [
            pytest.param("", 0, id="nothing"),
            pytest.param("We call {company} – once", 4, id="a field is a word, a dash is none"),
            pytest.param("At[ {company}| your place], now", 5, id="brackets are not counted, both ways are"),
            pytest.param("x " * 60, 60, id="sixty"),
            pytest.param("Звоним, чтобы понять", 3, id="any alphabet"),
        ],
    )
    def test_are_counted(self, text: str, count: int) -> None:
        assert talk.words(text) == count

    def test_a_pitch_of_sixty_may_be_kept_and_of_sixty_one_not(self) -> None:
        assert talk.problems(Script(pitch="word " * 60)) == []
        (problem,) = talk.problems(Script(pitch="word " * 61))
        assert problem.field == "pitch"
        assert "61 words" in problem.text
        assert "at most 60" in problem.text

    @pytest.mark.parametrize("language", talk_defaults.SCRIPTS)
    def test_the_defaults_keep_the_rules_themselves(self, language: str) -> None:
        script = talk_defaults.SCRIPTS[language]
        assert (talk.problems(script), talk.missing(script)) == ([], [])
        fields = [one.field for one in script.questions]
        assert fields == [one.field for one in talk_defaults.SCRIPTS["en"].questions]


class TestFields:
    def test_what_is_known_is_filled_in_and_what_is_not_shows_or_goes(self) -> None:
        assert talk.said("Hello {first_name}[ of {company}].", FACTS) == "Hello Jo."
        assert talk.said("Firms like {company}.", FACTS) == "Firms like …."
        assert talk.gaps(Script(pitch="{company} and {first_name}[ {job_title}]"), FACTS) == ["company"]

    def test_what_is_filled_in_is_not_read_again(self) -> None:
        assert talk.said("At {company}.", {"company": "{firm} [x]"}) == "At {firm} [x]."

    @pytest.mark.parametrize(
        "script, field, named",
        [
            pytest.param(Script(opening="Hi {frist_name}"), "opening", "frist_name", id="opening"),
            pytest.param(Script(intro="{}"), "intro", "{}", id="an empty field"),
            pytest.param(
                Script(objections=(Objection("No", "But {price}"),)), "objections", "Objection 1", id="row"
            ),
            pytest.param(
                Script(voicemails=(Voicemail("Hi [{name}"),)), "voicemails", "Voicemail 1", id="bracket"
            ),
            pytest.param(
                Script(voicemails=(Voicemail("Hi", "{name}"),)), "voicemails", "plain words", id="offer"
            ),
            pytest.param(
                Script(disclosures=(Disclosure("Texas", "x"),)), "disclosures", "Texas", id="no place"
            ),
            pytest.param(
                Script(questions=(Question("a", "A?"), Question("a", "B?"))),
                "questions",
                "twice",
                id="one name twice",
            ),
            pytest.param(
                Script(questions=tuple(Question(f"f{n}", "?") for n in range(9))),
                "questions",
                "at most 8",
                id="many",
            ),
        ],
    )
    def test_what_cannot_be_said_is_named(self, script: Script, field: str, named: str) -> None:
        problem = next(one for one in talk.problems(script) if named in one.text)
        assert problem.field == field


class TestVoicemails:
    def test_each_has_its_text_and_the_last_stays(self) -> None:
        said = [talk.voicemail(SCRIPT, left) for left in range(4)]
        assert [one and (one.number, one.offer) for one in said] == [
            (1, "a checklist"), (2, "point four"), (2, "point four"), (2, "point four"),
        ]  # fmt: skip
        assert talk.voicemail(Script(), 0) is None


class TestDisclosures:
    OWN = (Disclosure("US", "mine"),)
    DEFAULT = (Disclosure("*", "all"), Disclosure("US", "theirs"), Disclosure("US-NY", "ny"))

    def test_a_track_of_ones_own_never_loses_what_the_default_says_by_law(self) -> None:
        found = talk.disclosed(self.OWN, self.DEFAULT, ("US", "US-NY"))
        assert [(one.place, one.text) for one in found] == [("*", "all"), ("US", "mine"), ("US-NY", "ny")]

    def test_other_places_have_their_own(self) -> None:
        assert talk.disclosed(self.OWN, (), ("DK",)) == []


class Row:
    def __init__(
        self, pk: int, language: str, segment: int | None = None, position: int = 0, **more: bool
    ) -> None:
        self.pk, self.language, self.segment_id, self.position = pk, language, segment, position
        self.for_all = more.get("for_all", segment is None)


class TestWhichTrack:
    ROWS = [
        Row(1, "en", position=100),
        Row(2, "da", position=100),
        Row(3, "en", 7),
        Row(4, "en", 8),
        Row(5, "pl", 7),
    ]

    @pytest.mark.parametrize(
        "language, segments, expected",
        [
            pytest.param("da", set(), 2, id="their language"),
            pytest.param("da-dk", set(), 2, id="their language without the region"),
            pytest.param("de", set(), 1, id="English where there is none"),
            pytest.param("en", {8, 7}, 3, id="a segment before everybody, by order"),
            pytest.param("da", {7}, 2, id="words they understand before words made for them"),
            pytest.param("de", {8}, 4, id="their segment in English"),
        ],
    )
    def test_is_said(self, language: str, segments: set[int], expected: int) -> None:
        found = talk.chosen(self.ROWS, wanted=talk.languages(language), segments=segments)
        assert found is not None
        assert found.pk == expected

    def test_one_whose_segment_is_gone_is_nobodys(self) -> None:
        rows = [Row(1, "en", position=100), Row(9, "en", None, 0, for_all=False)]
        found = talk.chosen(rows, wanted=["en"], segments=set())
        assert found is not None
        assert found.pk == 1


def test_a_script_comes_back_from_its_row_as_it_was() -> None:
    row = TalkTrack(**talk.as_kept(SCRIPT))
    assert talk.script_of(row) == SCRIPT


# --- drafts and versions -----------------------------------------------------------------------------------------


def approved(manager: User, now: datetime, script: Script = SCRIPT, **changes: Any) -> TalkTrack:
    """A track of the manager's own, in use."""
    row = talk_tracks.start(changes.pop("name", "Meters"), changes.pop("language", "en"), by=manager, now=now)
    what = replace(talk_tracks.wanted_of(row), script=script, **changes)
    return talk_tracks.approve(talk_tracks.save(row, what, by=manager, now=now), by=manager, now=now)


@pytest.mark.django_db
class TestDrafts:
    def test_each_language_of_the_opening_lines_has_a_default_in_use(self) -> None:
        rows = TalkTrack.objects.in_use().filter(key__startswith="default-")
        assert set(rows.values_list("language", flat=True)) == {"en", "da", "pl", "ru"}

    def test_reps_hear_of_it_only_once_it_is_approved(
        self, a_lead: ALead, ada: User, max_: User, now: datetime
    ) -> None:
        lead = a_lead(owner=ada)
        row = talk_tracks.start("Meters", "en", by=max_, now=now)
        chosen = talk_tracks.choose(lead, ("US",), now=now)
        assert chosen.track is not None
        assert chosen.track.key == "default-en"
        talk_tracks.approve(row, by=max_, now=now)
        chosen = talk_tracks.choose(lead, ("US",), now=now)
        assert chosen.track == row

    def test_a_change_is_a_new_version_and_the_old_one_stays_as_it_was(
        self, max_: User, now: datetime
    ) -> None:
        first = approved(max_, now)
        draft = talk_tracks.draft(first, by=max_, now=now)
        assert (draft.version, talk.script_of(draft)) == (2, SCRIPT)
        assert talk_tracks.draft(first, by=max_, now=now) == draft
        changed = replace(talk_tracks.wanted_of(draft), script=replace(SCRIPT, pitch="Shorter."))
        talk_tracks.save(draft, changed, by=max_, now=now)
        assert talk_tracks.choose(Lead(pk=0, language="en"), (), now=now).track == first
        talk_tracks.approve(draft, by=max_, now=now)
        first.refresh_from_db()
        assert (first.active, first.pitch) == (False, SCRIPT.pitch)
        assert [one.version for one in talk_tracks.versions(first.key)] == [2, 1]
        draft.refresh_from_db()
        assert talk_tracks.changed_parts(first, draft) == ["pitch"]
        event = AuditEvent.objects.filter(action="talk_track.approved").latest("pk")
        assert (event.actor, event.before["pitch"], event.after["pitch"]) == (max_, SCRIPT.pitch, "Shorter.")

    def test_an_approved_version_is_never_changed(self, max_: User, now: datetime) -> None:
        row = approved(max_, now)
        for act in (talk_tracks.approve, talk_tracks.discard):
            with pytest.raises(Invalid, match="meanwhile"):
                act(row, by=max_, now=now)
        with pytest.raises(Invalid, match="meanwhile"):
            talk_tracks.save(row, talk_tracks.wanted_of(row), by=max_, now=now)

    def test_the_database_holds_one_draft_and_one_version_in_use(self, max_: User, now: datetime) -> None:
        row = approved(max_, now)
        for more in ({"approved_at": now}, {}):
            if not more:
                talk_tracks.draft(row, by=max_, now=now)
            with pytest.raises(IntegrityError), transaction.atomic():
                TalkTrack.objects.create(key=row.key, version=9, name="x", **more)

    @pytest.mark.parametrize(
        "script, said",
        [
            pytest.param(Script(pitch="word " * 61), "61 words", id="a long pitch"),
            pytest.param(Script(pitch="Hello {nmae}"), "nmae", id="an unknown field"),
        ],
    )
    def test_what_cannot_be_said_is_not_kept(
        self, script: Script, said: str, max_: User, now: datetime
    ) -> None:
        row = talk_tracks.start("Meters", "en", by=max_, now=now)
        with pytest.raises(Invalid, match=said) as refused:
            talk_tracks.save(row, replace(talk_tracks.wanted_of(row), script=script), by=max_, now=now)
        assert refused.value.field == "pitch"
        row.refresh_from_db()
        assert talk.script_of(row) == talk_defaults.SCRIPTS["en"]

    def test_nothing_without_a_pitch_is_approved(self, max_: User, now: datetime) -> None:
        row = talk_tracks.start("Meters", "de", by=max_, now=now)
        with pytest.raises(Invalid, match="who we are"):
            talk_tracks.approve(row, by=max_, now=now)
        talk_tracks.save(row, replace(talk_tracks.wanted_of(row), script=Script(intro="x")), by=max_, now=now)
        with pytest.raises(Invalid, match="pitch"):
            talk_tracks.approve(row, by=max_, now=now)

    def test_the_last_track_for_everybody_stays(self, max_: User, now: datetime) -> None:
        rows = list(TalkTrack.objects.in_use())
        for row in rows[:-1]:
            talk_tracks.retire(row, by=max_, now=now)
        with pytest.raises(Invalid, match="last track"):
            talk_tracks.retire(rows[-1], by=max_, now=now)

    def test_two_of_one_name_and_language_are_refused(self, max_: User, now: datetime) -> None:
        talk_tracks.start("Meters", "en", by=max_, now=now)
        talk_tracks.start("Meters", "da", by=max_, now=now)
        with pytest.raises(Invalid, match="already"):
            talk_tracks.start("meters", "en", by=max_, now=now)


# --- for whom ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
class TestSegments:
    def test_the_leads_of_a_segment_hear_their_own(
        self, a_lead: ALead, ada: User, max_: User, now: datetime
    ) -> None:
        bakers = Segment.objects.create(name="Bakers", query={"industry": "Bakery"}, owner=max_, shared=True)
        own = approved(max_, now, segment=bakers)
        baker, smith = a_lead(owner=ada, industry="Bakery"), a_lead(owner=ada, industry="Forge")
        assert talk_tracks.choose(baker, ("US",), now=now).track == own
        other = talk_tracks.choose(smith, ("US",), now=now).track
        assert other is not None
        assert other.key == "default-en"
        bakers.delete()
        left = talk_tracks.choose(baker, ("US",), now=now).track
        assert left is not None
        assert left.key == "default-en"

    def test_a_segment_that_cannot_be_read_is_refused(self, max_: User, now: datetime) -> None:
        mine = Segment.objects.create(name="Mine", query={"owner": "me"}, owner=max_, shared=True)
        row = talk_tracks.start("Meters", "en", by=max_, now=now)
        with pytest.raises(Invalid, match="me") as refused:
            talk_tracks.save(row, replace(talk_tracks.wanted_of(row), segment=mine), by=max_, now=now)
        assert refused.value.field == "segment"

    def test_any_number_of_segments_costs_two_queries(
        self, a_lead: ALead, ada: User, max_: User, now: datetime
    ) -> None:
        for n in range(5):
            segment = Segment.objects.create(
                name=f"S{n}", query={"industry": f"I{n}"}, owner=max_, shared=True
            )
            approved(max_, now, name=f"T{n}", segment=segment)
        lead = a_lead(owner=ada, industry="I3")
        with CaptureQueriesContext(connection) as context:
            found = talk_tracks.choose(lead, ("US",), now=now).track
        assert found is not None
        assert found.name == "T3"
        assert len(context) == 2

    def test_a_lead_of_no_known_language_hears_the_houses(
        self, a_lead: ALead, ada: User, now: datetime
    ) -> None:
        lead = a_lead(owner=ada)
        Workspace.objects.update(language="da")
        found = talk_tracks.choose(lead, ("US",), now=now).track
        assert found is not None
        assert found.language == "da"


# --- on the call -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
class TestOnTheCall:
    def test_a_call_keeps_its_version_and_what_was_said_first(
        self, a_lead: ALead, ada: User, max_: User, now: datetime
    ) -> None:
        bakers = Segment.objects.create(name="Bakers", query={"industry": "Bakery"}, owner=max_, shared=True)
        row = approved(max_, now, segment=bakers)
        lead = a_lead(owner=ada, country="US", region="NY", industry="Bakery")
        pursue.start([lead], by=ada, now=now)
        call = calls.dial(lead, user=ada, now=now)
        assert call.talk_track == row
        # What is said to everybody everywhere is said here too; the track's own stands for its country.
        assert [one["place"] for one in call.disclosures] == ["*", "US"]
        assert call.disclosures[1]["text"] == "A sales call by {firm}."
        talk_tracks.approve(talk_tracks.draft(row, by=max_, now=now), by=max_, now=now)
        call.refresh_from_db()
        assert call.talk_track == row

    def test_what_is_approved_during_a_call_waits_for_the_next(
        self, client: Client, a_lead: ALead, ada: User, max_: User, now: datetime
    ) -> None:
        row = approved(max_, now)
        lead = a_lead(owner=ada, country="US")
        pursue.start([lead], by=ada, now=now - timedelta(days=3))
        client.force_login(ada)
        with time_machine.travel(now, tick=False):
            client.post(reverse("call_dial"), {"lead": lead.pk}, headers={"HX-Request": "true"})
            talk_tracks.approve(talk_tracks.draft(row, by=max_, now=now), by=max_, now=now)
            page = client.get(reverse("call"))
        assert page.context["track"].version == 1
        assert [one.place for one in page.context["track"].first] == ["*", "US"]
        said = page.content.decode()
        assert (
            said.index("Say this first") < said.index("Why now") < said.index("We find what runs at night.")
        )

    def test_the_nth_voicemail_says_the_nth_text_and_the_offer_is_kept(
        self, a_lead: ALead, ada: User, max_: User, now: datetime
    ) -> None:
        row = approved(max_, now)
        lead = a_lead(owner=ada, company="Acme")
        pursue.start([lead], by=ada, now=now)
        said = []
        for attempt, days in ((1, 0), (7, 2)):
            at = now + timedelta(days=days)
            # One voicemail a phase: the second comes in the next.
            Pursuit.objects.update(step=attempt, attempt=attempt)
            call = calls.dial(lead, user=ada, now=at)
            call = outcomes.log_outcome(call, Logged("voicemail_left", notes="n"), user=ada, now=at + MINUTE)
            touch = Touchpoint.objects.get(external_id__startswith=f"call:{call.pk}:")
            said.append((call.voicemail, touch.summary, touch.data))
        assert said == [
            (1, "a checklist · n", {"talk_track": row.pk, "voicemail": 1}),
            (2, "point four · n", {"talk_track": row.pk, "voicemail": 2}),
        ]

    def test_taken_back_there_was_no_voicemail(self, a_lead: ALead, ada: User, now: datetime) -> None:
        lead = a_lead(owner=ada)
        pursue.start([lead], by=ada, now=now)
        call = calls.dial(lead, user=ada, now=now)
        outcomes.log_outcome(call, Logged("voicemail_left"), user=ada, now=now)
        take_back.undo(call, user=ada, now=now)
        call = outcomes.log_outcome(
            CallAttempt.objects.get(pk=call.pk), Logged("no_answer"), user=ada, now=now + MINUTE
        )
        assert call.voicemail is None


@pytest.mark.django_db
class TestAnswers:
    def told(self, lead: Lead, user: User, question: str, answer: str, *, now: datetime) -> CallAttempt:
        call = calls.dial(lead, user=user, now=now)
        logged = Logged("gatekeeper", answers={question: answer}, fields={question: "renewal"})
        return outcomes.log_outcome(call, logged, user=user, now=now + MINUTE)

    def test_stand_under_the_questions_name_whatever_its_wording(
        self, client: Client, a_lead: ALead, ada: User, max_: User, now: datetime
    ) -> None:
        approved(max_, now)
        lead = a_lead(owner=ada)
        pursue.start([lead], by=ada, now=now)
        self.told(lead, ada, "When is it up, Jo?", "May", now=now)
        self.told(lead, ada, "Hvornår fornyes det?", "June", now=now + timedelta(days=2))
        (answer,) = Answer.objects.filter(lead=lead)
        assert (answer.field, answer.question, answer.answer) == ("renewal", "Hvornår fornyes det?", "June")
        client.force_login(ada)
        with time_machine.travel(now + timedelta(days=4), tick=False):
            shown = client.get(reverse("call"), {"lead": lead.pk}).context["track"].questions
            page = client.get(lead.get_absolute_url()).content.decode()
        assert [(one.field, known) for one, known in shown] == [("renewal", "June")]
        assert "Hvornår fornyes det?" in page
        assert "June" in page

    def test_taken_back_what_was_known_before_stands_again(
        self, a_lead: ALead, ada: User, now: datetime
    ) -> None:
        lead = a_lead(owner=ada)
        pursue.start([lead], by=ada, now=now)
        self.told(lead, ada, "When is it up?", "May", now=now)
        later = now + timedelta(days=2)
        call = self.told(lead, ada, "When?", "June", now=later)
        take_back.undo(call, user=ada, now=later + MINUTE)
        (answer,) = Answer.objects.filter(lead=lead)
        assert (answer.question, answer.answer) == ("When is it up?", "May")

    def test_two_leads_become_one_and_the_later_answer_stays(
        self, a_lead: ALead, ada: User, max_: User, now: datetime
    ) -> None:
        stays, goes = a_lead(owner=ada), a_lead(owner=ada)
        for lead, question, answer, days in ((stays, "When?", "May", 2), (goes, "Hvornår?", "June", 1)):
            at = now - timedelta(days=days)
            Answer.objects.create(lead=lead, field="renewal", question=question, answer=answer, at=at)
        merge.merge(stays, goes, by=max_, now=now)
        assert [one.answer for one in Answer.objects.filter(lead=stays)] == ["June"]

    def test_the_form_sends_the_name_along(
        self, client: Client, a_lead: ALead, ada: User, now: datetime
    ) -> None:
        lead = a_lead(owner=ada)
        pursue.start([lead], by=ada, now=now)
        call = calls.dial(lead, user=ada, now=now)
        sent = {"outcome": "gatekeeper", "question_1": "Who?", "field_1": "decides_with", "answer_1": "Ann"}
        client.force_login(ada)
        with time_machine.travel(now, tick=False):
            client.post(reverse("call_outcome", args=[call.pk]), sent, headers={"HX-Request": "true"})
        assert Answer.objects.get(lead=lead).field == "decides_with"


# --- the pages ---------------------------------------------------------------------------------------------------


def sent_of(row: TalkTrack, **changes: Any) -> dict[str, Any]:
    """What the editor's form sends for a track."""
    parts: dict[str, list[dict[str, Any]]] = {
        "questions": [
            {"question": one["question"], "field": one["field"], "tip": one["tip"], "answers": ""}
            for one in row.questions
        ],
        "objections": list(row.objections),
        "voicemails": list(row.voicemail),
        "disclosures": [{"place": place, "text": text} for place, text in row.disclosures.items()],
    }
    sent: dict[str, Any] = {"name": row.name, "segment": "", "position": "0"}
    sent |= {"opening": row.opening, "intro": row.intro, "pitch": row.pitch}
    for part, rows in parts.items():
        sent |= {f"{part}-TOTAL_FORMS": len(rows), f"{part}-INITIAL_FORMS": len(rows)}
        sent |= {f"{part}-{n}-{name}": value for n, one in enumerate(rows) for name, value in one.items()}
    return {**sent, **changes}


@pytest.mark.django_db
class TestPages:
    @pytest.fixture
    def draft(self, max_: User, now: datetime) -> TalkTrack:
        return talk_tracks.start("Meters", "en", by=max_, now=now)

    def test_a_manager_writes_previews_and_approves(
        self, client: Client, draft: TalkTrack, max_: User
    ) -> None:
        client.force_login(max_)
        page = reverse("rules_track", args=[draft.pk])
        assert client.get(page).status_code == 200
        sent = sent_of(draft, pitch="Short, {first_name}.")
        preview = client.post(reverse("rules_track_preview", args=[draft.pk]), sent).content.decode()
        assert "Short, " in preview
        assert "{first_name}" not in preview
        draft.refresh_from_db()
        assert draft.pitch != "Short, {first_name}."
        assert client.post(page, sent).status_code == 302
        draft.refresh_from_db()
        assert (draft.pitch, draft.approved_at) == ("Short, {first_name}.", None)
        client.post(page, {**sent, "approve": "1"})
        draft.refresh_from_db()
        assert draft.approved_by == max_
        assert draft.is_in_use
        assert "v1" in client.get(page).content.decode()

    def test_what_is_wrong_stands_beside_its_field(
        self, client: Client, draft: TalkTrack, max_: User
    ) -> None:
        client.force_login(max_)
        page = reverse("rules_track", args=[draft.pk])
        long = client.post(page, sent_of(draft, pitch="word " * 61, approve="1"))
        assert long.status_code == 422
        assert "61 words" in str(long.context["form"].errors["pitch"])
        unknown = client.post(page, sent_of(draft, opening="Hi {nmae}"))
        assert "nmae" in str(unknown.context["form"].errors["opening"])
        untold = client.post(page, sent_of(draft, **{"questions-0-answers": "May"}))
        assert untold.status_code == 422
        assert "Line 1" in untold.content.decode()
        draft.refresh_from_db()
        assert (draft.approved_at, draft.opening) == (None, talk_defaults.SCRIPTS["en"].opening)

    def test_a_preview_speaks_to_a_lead_of_the_managers(
        self, client: Client, draft: TalkTrack, a_lead: ALead, ada: User, cy: User, max_: User, now: datetime
    ) -> None:
        own, other = a_lead(owner=ada, first_name="Ingrid"), a_lead(owner=cy, first_name="Secret")
        client.force_login(max_)
        page = reverse("rules_track_preview", args=[draft.pk])
        sent = sent_of(draft, pitch="Hello {first_name} of {company}.")
        with time_machine.travel(now, tick=False):
            said = client.post(page, {**sent, "sample-lead": own.pk}).content.decode()
            not_said = client.post(page, {**sent, "sample-lead": other.pk}).content.decode()
        assert "Hello Ingrid of …" in said
        assert "company is not known of them" in said
        assert "Secret" not in not_said

    def test_reps_read_what_is_in_use_and_change_nothing(
        self, client: Client, draft: TalkTrack, ada: User, max_: User, now: datetime
    ) -> None:
        client.force_login(ada)
        shown = client.get(reverse("rules_tracks")).content.decode()
        assert "Default" in shown
        assert "Meters" not in shown
        assert client.get(reverse("rules_track", args=[draft.pk])).status_code == 404
        talk_tracks.approve(draft, by=max_, now=now)
        page = client.get(reverse("rules_track", args=[draft.pk])).content.decode()
        assert "Meters" in page
        assert reverse("rules_track_draft", args=[draft.pk]) not in page
        assert reverse("rules_guard") not in page
        assert client.post(reverse("rules_track", args=[draft.pk]), sent_of(draft)).status_code == 403

    def test_the_pages_cost_the_same_whatever_there_is(
        self, client: Client, draft: TalkTrack, max_: User, now: datetime
    ) -> None:
        client.force_login(max_)
        talk_tracks.approve(draft, by=max_, now=now)
        urls = (reverse("rules_tracks"), reverse("rules_track", args=[draft.pk]))

        def cost() -> list[int]:
            counts = []
            for url in urls:
                with CaptureQueriesContext(connection) as context:
                    client.get(url)
                counts.append(len(context))
            return counts

        before = cost()
        for n in range(3):
            talk_tracks.approve(talk_tracks.draft(draft, by=max_, now=now), by=max_, now=now)
            approved(max_, now, name=f"More {n}")
        assert cost() == before
