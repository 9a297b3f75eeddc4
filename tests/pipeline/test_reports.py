"""Every figure of the manager's screen, against the scenario counted by hand."""

from datetime import date, timedelta

import pytest

from crm.pipeline.reports import REPORTS, UnknownPart
from crm.pipeline.statistics import proportion
from leads.models import LeadList, Workspace
from tests.pipeline.scenario import NOW, lay_out, scope_of
from touchpoints.models import CallAttempt, HandRaise, Meeting, Pursuit, StageChange, Touchpoint

pytestmark = pytest.mark.django_db


@pytest.fixture
def leads(ada, bea, cy):
    return lay_out(ada, bea, cy)


def tile(key, viewer, **query):
    return REPORTS[key].build(scope_of(viewer, **query))


def column(found, key, by):
    return {row.values[by]: row.values[key] for row in found.rows}


def numbers(key, viewer, part, leads, **query):
    """The scenario's numbers of the leads behind a figure."""
    by_pk = {lead.pk: number for number, lead in leads.items()}
    return sorted(by_pk[lead.pk] for lead in REPORTS[key].leads(scope_of(viewer, **query), part))


# --- Funnel and comparison --------------------------------------------------------------------------------


def test_the_funnel_counts_pursuits_by_their_furthest_step(leads, max_):
    found = tile("funnel", max_)
    assert column(found, "cold", "step") == {
        "attempted": 6,  # 1 2 3 4 5 13
        "connected": 3,  # 1 3 4
        "reached": 2,  # 3 4
        "conversation": 2,
        "meeting": 1,  # 3; the one of 5 was taken back
        "held": 1,
        "won": 1,
    }
    assert column(found, "warm", "step") == {
        "attempted": 4,  # 6 7 8 9
        "connected": 2,  # 6 7
        "reached": 2,
        "conversation": 2,
        "meeting": 2,
        "held": 1,  # 7
        "won": 0,
    }
    assert column(found, "cold_share", "step")["connected"] == 0.5
    assert numbers("funnel", max_, "connected.cold", leads) == [1, 3, 4]
    assert numbers("funnel", max_, "meeting.warm", leads) == [6, 7]


def test_talk_time_of_a_phone_system_makes_a_conversation(leads, max_):
    call = CallAttempt.objects.get(lead=leads[4], outcome="not_interested")
    call.outcome_id, call.duration_seconds = "disqualified", 61  # reached, no conversation by itself
    call.save()
    assert column(tile("funnel", max_), "cold", "step")["conversation"] == 1, "typed in by hand"
    CallAttempt.objects.filter(pk=call.pk).update(source="pbx")
    assert column(tile("funnel", max_), "cold", "step")["conversation"] == 2
    CallAttempt.objects.filter(pk=call.pk).update(duration_seconds=59)
    assert column(tile("funnel", max_), "cold", "step")["conversation"] == 1


def test_a_win_belongs_to_the_last_pursuit_before_it(leads, max_):
    first = leads[3].pursuits.get()
    second = Pursuit.objects.create(
        lead=leads[3],
        cadence=first.cadence,
        started_at=NOW - timedelta(days=2),
        temperature_at_start="warm",
        target=18,
    )
    CallAttempt.objects.create(lead=leads[3], pursuit=second, started_at=NOW - timedelta(days=2), attempt=1)
    won = {side: column(tile("funnel", max_), side, "step")["won"] for side in ("cold", "warm")}
    assert won == {"cold": 0, "warm": 1}
    StageChange.objects.filter(lead=leads[3]).update(at=NOW - timedelta(days=3))
    won = {side: column(tile("funnel", max_), side, "step")["won"] for side in ("cold", "warm")}
    assert won == {"cold": 1, "warm": 0}, "the second pursuit began after the win"


def test_cold_against_warm_with_intervals(leads, max_):
    rows = {row.values["measure"]: row.values for row in tile("comparison", max_).rows}
    connect = rows["connect_per_dial"]
    assert (connect["cold_n"], connect["cold_of"]) == (5, 20)  # g · cM · hx of 4+6+4+2+3+1
    assert (connect["warm_n"], connect["warm_of"]) == (2, 8)  # M M of 1+3+2+2
    wilson = proportion(5, 20)
    assert (connect["cold_low"], connect["cold_high"]) == (wilson.low, wilson.high)
    assert connect["ratio"] is None, "eight dials are too few for a ratio"
    assert (rows["meeting_per_pursuit"]["cold_n"], rows["meeting_per_pursuit"]["cold_of"]) == (1, 6)
    assert rows["won_per_meeting"]["cold_share"] == 1
    assert rows["won_per_meeting"]["warm_share"] == 0
    assert "not a cause" in tile("comparison", max_).definition


# --- Persistence ------------------------------------------------------------------------------------------


def test_attempts_and_who_is_given_up_too_early(leads, max_):
    found = tile("attempts", max_)
    assert found.marks["ended"] == 8  # 1 2 3 4 6 7 8 12; 13 was merged
    assert found.marks["share_given_up_early"] == 0.25  # 1 and 8
    assert found.marks["share_given_up_before_target"] == 0.375  # 1, 2 and 8
    assert found.marks["mean_calls"] == 5.0  # (4+6+4+2+1+3+2+18) / 8
    assert {k: n for k, n in column(found, "pursuits", "calls").items() if n} == {
        1: 1,
        2: 2,
        3: 1,
        4: 2,
        6: 1,
        18: 1,
    }
    assert column(found, "given_up", "calls")[2] == 1
    assert column(found, "exhausted", "calls")[18] == 1
    assert numbers("attempts", max_, "early", leads) == [1, 8]
    assert numbers("attempts", max_, "before_target", leads) == [1, 2, 8]
    assert numbers("attempts", max_, "calls.4", leads) == [1, 3]
    assert numbers("attempts", max_, "given_up.4", leads) == [1]


def test_at_a_target_of_four_nobody_is_given_up_early_after_four(leads, max_):
    Pursuit.objects.filter(lead=leads[1]).update(target=4)
    assert tile("attempts", max_).marks["given_up_early"] == 1
    assert numbers("attempts", max_, "early", leads) == [8]


def test_first_reach_by_attempt(leads, max_):
    found = tile("first_reach", max_)
    assert [
        tuple(row.values[key] for key in ("attempt", "at_risk", "reached", "censored")) for row in found.rows
    ] == [
        (1, 10, 1, 2),  # 6 reached; 9 (one on the line is not over) and 13 went no further
        (2, 7, 2, 1),  # 3 and 4; 8
        (3, 4, 1, 1),  # 7; 5
        (4, 2, 0, 1),  # 1
        (5, 1, 0, 0),
        (6, 1, 0, 1),  # 2
    ]
    survival = [0.9, 0.9 * 5 / 7, 0.9 * 5 / 7 * 3 / 4] + [0.9 * 5 / 7 * 3 / 4] * 3
    assert [row.values["reached_by"] for row in found.rows] == pytest.approx([1 - s for s in survival])
    assert [row.values["hazard"] for row in found.rows][:3] == pytest.approx([0.1, 2 / 7, 1 / 4])
    assert found.sentence == "No pursuit has been tried 18 times yet; the furthest has 6 attempts."
    assert numbers("first_reach", max_, "reached.2", leads) == [3, 4]
    assert numbers("first_reach", max_, "censored.1", leads) == [9, 13]


def test_the_sentence_says_what_going_on_to_eighteen_would_bring(leads, max_):
    """Twelve's eighteen calls are tried to the end; it and the others give attempts 5 to 18 their share."""
    Pursuit.objects.filter(lead=leads[12]).update(started_at=NOW - timedelta(days=20))
    assert "attempts 5–18 would bring 0\u00a0% of all first reaches" in tile("first_reach", max_).sentence
    Pursuit.objects.filter(lead=leads[12]).update(reached_at=NOW, reached_at_attempt=18)
    found = tile("first_reach", max_)
    # S(4) = 10/11 · 6/8 · 4/5; at 18 the last one at risk is reached: S(18) = 0.
    by_four = 1 - 10 / 11 * 6 / 8 * 4 / 5
    assert found.rows[3].values["reached_by"] == pytest.approx(by_four)
    assert f"would bring {round((1 - by_four) * 100)}\u00a0% of all first reaches" in found.sentence
    assert "rests on 1 pursuit" in found.sentence


def test_whoever_rang_us_is_reached_by_no_attempt(leads, max_):
    Pursuit.objects.filter(lead=leads[5]).update(reached_at=NOW, reached_at_attempt=4)
    found = tile("first_reach", max_)
    assert column(found, "reached", "attempt")[4] == 0
    assert column(found, "censored", "attempt")[3] == 1
    assert numbers("first_reach", max_, "censored.3", leads) == [5]


# --- When they pick up ------------------------------------------------------------------------------------


def test_the_heatmap_is_in_their_time_and_draws_thin_cells_to_the_mean(leads, max_):
    found = tile("heatmap", max_)
    assert [
        tuple(row.values[key] for key in ("weekday", "hour", "dials", "connects", "thin"))
        for row in found.rows
    ] == [(1, 9, 2, 2, True), (2, 10, 18, 3, True), (3, 15, 8, 2, True)]
    assert found.marks["mean"] == 0.25
    assert [row.values["estimate"] for row in found.rows] == pytest.approx([9.5 / 32, 10.5 / 48, 9.5 / 38])
    assert numbers("heatmap", max_, "1.9", leads) == [4]
    assert numbers("heatmap", max_, "3.15", leads) == [6, 7, 8, 9]


# --- Today ------------------------------------------------------------------------------------------------


def test_waiting_hand_raisers(leads, max_):
    found = tile("hand_raisers", max_)
    assert column(found, "hand_raises", "wait") == {"in_time": 1, "late": 1, "old": 1}  # 10, 5, 9; 1 is lost
    assert found.headline.value == 3
    assert "3.0 d" in found.headline.of
    assert numbers("hand_raisers", max_, "all", leads) == [5, 9, 10]
    assert numbers("hand_raisers", max_, "late", leads) == [5]


def test_speed_to_lead(leads, max_):
    found = tile("speed", max_)
    assert found.marks["median_minutes"] == 7  # 2, 4, 10, 60
    assert found.marks["p90_minutes"] == 60
    assert column(found, "hand_raises", "kind") == {"in_time": 2, "late": 2, "unanswered": 3, "fresh": 1}
    assert found.marks["share_in_time"] == pytest.approx(2 / 7)
    assert numbers("speed", max_, "in_time", leads) == [6, 8]
    assert numbers("speed", max_, "unanswered", leads) == [1, 5, 9]


@pytest.mark.parametrize(
    ("waits", "median", "p90"),
    [
        pytest.param([3], 3, 3, id="one"),
        pytest.param([1, 3], 2, 3, id="two"),
        pytest.param([1, 3, 5], 3, 5, id="three"),
        pytest.param(list(range(1, 11)), 5.5, 9, id="ten"),
        pytest.param(list(range(1, 21)), 10.5, 18, id="twenty"),
        pytest.param([7] * 15, 7, 7, id="all the same"),
    ],
)
def test_quantiles_of_waits(leads, max_, waits, median, p90):
    HandRaise.objects.all().delete()
    for wait in waits:
        at = NOW - timedelta(days=2)
        touchpoint = Touchpoint.objects.create(
            lead=leads[3], kind_id="web_form", direction="inbound", occurred_at=at, recorded_at=at
        )
        HandRaise.objects.create(
            lead=leads[3], touchpoint=touchpoint, raised_at=at, first_attempt_at=at + timedelta(minutes=wait)
        )
    found = tile("speed", max_)
    assert (found.marks["median_minutes"], found.marks["p90_minutes"]) == (median, p90)


def test_due_against_capacity(leads, max_):
    found = tile("capacity", max_)
    days = {row.values["day"]: (row.values["due"], row.values["capacity"]) for row in found.rows}
    assert len(days) == 11
    assert days[date(2026, 3, 18)] == (3, 97)  # 5 overdue, 9, 10; 40 + 60 less 3 calls made
    assert days[date(2026, 3, 19)] == (1, 100)  # 8; a mail is no dial
    assert days[date(2026, 3, 20)] == (0, 40)  # Bea is away
    assert days[date(2026, 3, 21)] == (0, 0)  # Saturday
    assert found.marks == {"overdue": 1, "made_today": 3}
    assert numbers("capacity", max_, "2026-03-18", leads) == [5, 9, 10]
    assert numbers("capacity", max_, "2026-03-19", leads) == [8]


def test_days_are_those_of_the_workspace(leads, max_):
    Workspace.objects.update(time_zone="Pacific/Auckland")  # it is Thursday, 04:00 there
    found = tile("capacity", max_)
    days = {row.values["day"]: row.values["due"] for row in found.rows}
    assert min(days) == date(2026, 3, 19)
    # 5 was due at 04:00 the day before; 9 at 05:00, 10 at 09:00 today; 8 at 04:00 tomorrow.
    assert (days[date(2026, 3, 19)], days[date(2026, 3, 20)]) == (3, 1)
    assert found.marks["overdue"] == 1


def test_meetings_this_week_against_the_goal(leads, max_):
    found = tile("meetings", max_)
    assert column(found, "meetings", "meetings_kind") == {
        "set": 2,  # 6 and 7; the one of 5 was taken back
        "set_warm": 2,
        "due": 1,
        "held": 1,
        "no_show": 0,
        "called_off": 1,
    }
    assert found.headline.goal == 6  # two reps, three each
    assert numbers("meetings", max_, "set", leads) == [6, 7]


def test_broken_promises(leads, max_):
    found = tile("promises", max_)
    assert column(found, "promises", "kind") == {"on_time": 1, "late": 1, "overdue": 1, "broken": 1}
    assert found.headline.value == 2
    assert numbers("promises", max_, "bad", leads) == [5, 6]


# --- Reps -------------------------------------------------------------------------------------------------


def test_activity_by_rep(leads, max_, ada, bea):
    rows = {row.values["username"]: row.values for row in tile("reps", max_).rows}
    assert set(rows) == {"ada", "bea"}
    today = ("dials_today", "connects_today", "reaches_today", "meetings_today", "noes_today")
    assert [rows["ada"][key] for key in today] == [2, 0, 0, 0, 0]
    assert [rows["bea"][key] for key in today] == [1, 1, 1, 1, 0]
    period = ("dials", "connects", "reaches", "meetings", "noes", "hang_ups", "abuse")
    assert [rows["ada"][key] for key in period] == [18, 3, 2, 1, 0, 0, 0]
    assert [rows["bea"][key] for key in period] == [10, 4, 3, 2, 1, 1, 0]
    assert (rows["ada"]["given_up_early"], rows["ada"]["ended"]) == (2, 5)  # 1 8 of 1 2 3 8 12
    assert (rows["bea"]["given_up_early"], rows["bea"]["ended"]) == (0, 3)
    assert numbers("reps", max_, f"given_up_early.{ada.pk}", leads) == [1, 8]
    assert numbers("reps", max_, f"noes.{bea.pk}", leads) == [4]
    assert numbers("reps", max_, f"dials_today.{ada.pk}", leads) == [9]


# --- Where leads stand and come from ----------------------------------------------------------------------


def test_leads_by_stage_and_the_temperature_they_have_now(leads, max_):
    found = tile("stages", max_)
    assert column(found, "leads", "stage") == {
        "new": 1,
        "attempted": 6,  # 2 4 5 8 9 12; 13 is merged
        "reached": 0,
        "conversation": 0,
        "meeting": 1,
        "held": 1,
        "won": 1,
        "lost": 1,
    }
    assert column(found, "warm", "stage")["meeting"] == 1
    assert column(found, "warm", "stage")["held"] == 0, "its date has passed"
    assert numbers("stages", max_, "held.cold", leads) == [7]


def test_lists_and_sources(leads, max_, root):
    rows = {row.values["name"]: row.values for row in tile("lists", max_).rows}
    keys = ("leads", "attempted", "completed", "reached", "meeting", "won")
    assert [rows["Fair"][key] for key in keys] == [4, 4, 4, 2, 1, 1]
    assert [rows["Bought"][key] for key in keys] == [3, 3, 2, 2, 1, 0]  # 4 5 6; 11 is South's, 13 merged
    assert rows["Bought"]["penetration"] == pytest.approx(2 / 3)
    assert {row.values["name"]: row.values["leads"] for row in tile("lists", root).rows} == {
        "Fair": 4,
        "Bought": 4,
    }
    assert column(tile("sources", max_), "leads", "source") == {"event": 4, "bought": 3}
    assert numbers("sources", max_, "completed.bought", leads) == [4, 6]


def test_a_lead_on_two_lists_of_one_source_counts_once(leads, max_):
    LeadList.objects.update(source="event")
    assert column(tile("sources", max_), "leads", "source") == {"event": 6}


def test_blocked_dials_by_their_first_reason(leads, max_, root):
    assert column(tile("blocked", max_), "dials", "code") == {"hours_closed": 2, "internal_dnc": 1}
    assert column(tile("blocked", max_), "leads", "code") == {"hours_closed": 1, "internal_dnc": 1}
    assert column(tile("blocked", root), "dials", "code") == {"hours_closed": 3, "internal_dnc": 1}
    assert numbers("blocked", root, "hours_closed", leads) == [1, 11]


# --- Whose figures, of when -------------------------------------------------------------------------------


def test_admins_see_all_and_may_narrow_to_a_team(leads, root):
    assert column(tile("funnel", root), "cold", "step")["attempted"] == 7
    assert column(tile("funnel", root, team="South"), "cold", "step")["attempted"] == 1
    assert column(tile("reps", root, team="South"), "dials", "username") == {"cy": 1}
    assert tile("hand_raisers", root).headline.value == 4


def test_a_rep_sees_what_is_the_reps_own(leads, ada):
    assert column(tile("funnel", ada), "cold", "step")["attempted"] == 3
    assert set(column(tile("reps", ada), "dials", "username")) == {"ada"}
    assert tile("meetings", ada).headline.goal == 3


def test_a_list_narrows_every_tile(leads, max_):
    query = {"list": "Bought"}  # 4 5 6 and 13
    assert column(tile("funnel", max_, **query), "cold", "step")["attempted"] == 3
    assert tile("attempts", max_, **query).marks["ended"] == 2
    assert tile("heatmap", max_, **query).marks["mean"] == pytest.approx(3 / 7)
    assert tile("hand_raisers", max_, **query).headline.value == 1
    assert column(tile("reps", max_, **query), "dials", "username") == {"ada": 0, "bea": 7}
    assert sum(column(tile("stages", max_, **query), "leads", "stage").values()) == 3


def test_the_period_is_that_of_the_filter(leads, max_):
    assert tile("attempts", max_, period="today").marks["ended"] == 0
    assert tile("attempts", max_, since="2026-03-17", until="2026-03-17").marks["ended"] == 8
    assert tile("attempts", max_, since="2026-03-16", until="2026-03-16").marks["ended"] == 0
    assert column(tile("funnel", max_, period="1y"), "cold", "step")["attempted"] == 7, (
        "12 began 200 days earlier"
    )
    reps = column(tile("reps", max_, period="today"), "dials", "username")
    assert reps == {"ada": 2, "bea": 1}
    assert column(tile("reps", max_, until="2026-03-10"), "dials_today", "username") == {"ada": 2, "bea": 1}


# --- What holds for every tile ----------------------------------------------------------------------------

# What counts calls, hand-raises or dials has fewer leads behind it where one lead has several.
COUNTS_LEADS = {"funnel", "attempts", "first_reach", "stages", "lists", "sources", "promises", "meetings"}


@pytest.mark.parametrize("key", sorted(REPORTS))
def test_the_leads_behind_a_figure_are_the_very_leads(leads, root, key):
    found = tile(key, root)
    seen = 0
    for row in found.rows:
        for name, part in row.parts.items():
            value = row.values[name]
            behind = REPORTS[key].leads(scope_of(root), part).distinct().count()
            if key in COUNTS_LEADS:
                assert behind == value, (name, part)
            else:
                assert bool(behind) == bool(value), (name, part)
            seen += bool(value)
    assert seen, "no figure of the tile leads anywhere"
    if found.headline:
        assert REPORTS[key].leads(scope_of(root), found.headline.part).exists()


@pytest.mark.parametrize("key", sorted(REPORTS))
def test_every_tile_says_what_it_counts_and_of_what(leads, max_, key):
    found = tile(key, max_)
    assert found.key == key
    assert found.title
    assert len(found.definition) > 40
    assert found.denominator
    columns = {column.key for column in found.columns}
    totals = {column.total for column in found.columns if column.total}
    assert all(columns | totals <= set(row.values) for row in found.rows)


@pytest.mark.parametrize("key", sorted(REPORTS))
def test_an_unknown_part_is_refused(leads, max_, key):
    if key == "blocked":
        assert not REPORTS[key].leads(scope_of(max_), "no_such_code").exists()
        return
    with pytest.raises(UnknownPart):
        REPORTS[key].leads(scope_of(max_), "nonsense.of_it")


@pytest.mark.parametrize("key", sorted(REPORTS))
def test_an_empty_workspace_has_tiles_without_figures(max_, key):
    found = tile(key, max_)
    assert found.title
    for row in found.rows:
        assert not any(isinstance(v, float) and v for v in row.values.values())


def test_a_cancelled_meeting_is_none(leads, max_):
    Meeting.objects.update(status="cancelled")
    assert column(tile("funnel", max_), "warm", "step")["meeting"] == 0
    assert column(tile("reps", max_), "meetings", "username") == {"ada": 0, "bea": 0}


def test_the_others_teams_leads_stay_behind(leads, max_):
    for key in REPORTS:
        found = tile(key, max_)
        for row in found.rows:
            for part in row.parts.values():
                assert 11 not in numbers(key, max_, part, leads), (key, part)
