"""Until when is a lead warm, and do the reasons given add up to that?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchpoints.warmth import (
    OverrideValue,
    Piece,
    Rule,
    Ruleset,
    Touch,
    Warmth,
    effective,
    sentence,
    warmth,
)
from touchpoints.warmth_story import corners

from .histories import DEFAULTS, NOW, histories, kinds, times

H = DEFAULTS.half_life
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def at(month: int, day: int, hour: int = 9) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def reasons(found: Warmth) -> dict[int, str]:
    return {one.touch.id: one.reason for one in found.uncounted}


def test_the_worked_example_of_the_domain() -> None:
    fair, follow, mailing = (
        Touch(1, "event", at(1, 29)),
        Touch(2, "social_follow", at(2, 17)),
        Touch(3, "direct_mail", at(2, 2)),
    )
    found = warmth([mailing, fair, follow], DEFAULTS, now=NOW)
    assert found.warm_until is not None
    assert found.warm_until.date() == at(3, 30).date()
    assert [(piece.touch.id, round(piece.share * 100)) for piece in found.evidence] == [
        (1, 46),
        (2, 36),
        (3, 17),
    ]
    assert [piece.alone_until for piece in found.evidence] == [at(3, 15), at(3, 10), at(2, 23)]


def test_all_our_own_noise_of_one_day_weighs_seven_eighths_and_warms_nobody() -> None:
    noise = ["email_sent", "text_sent", "social_message", *["voicemail_left"] * 3, *["visit"] * 3]
    found = warmth([Touch(n, kind, NOW) for n, kind in enumerate(noise)], DEFAULTS, now=NOW)
    assert len(found.evidence) == 7
    assert sum(2 ** ((piece.alone_until - NOW) / H) for piece in found.evidence) == pytest.approx(0.875)
    assert effective(found.warm_until, None, now=NOW)[0] == "cold"


@pytest.mark.parametrize(
    ("kind", "days"),
    [("referral", 90), ("event", 45), ("callback_request", 14), ("website_visit", -21), ("email_sent", -42)],
)
def test_one_touchpoint_warms_exactly_as_long_as_its_rule_says(kind: str, days: int) -> None:
    touch = Touch(1, kind, datetime(2026, 2, 1, 9, 30, 15, 123456, tzinfo=UTC))
    assert warmth([touch], DEFAULTS, now=NOW).warm_until == touch.occurred_at + timedelta(days=days)


@given(kinds, times)
def test_two_equal_pieces_add_exactly_one_half_life(kind: str, when: datetime) -> None:
    one = Touch(1, kind, when)
    alone = warmth([one], DEFAULTS, now=NOW).warm_until
    both = warmth([one, replace(one, id=2)], DEFAULTS, now=NOW).warm_until
    assert alone is not None
    assert both == alone + H


@given(histories, st.randoms())
def test_the_order_in_which_touchpoints_arrive_does_not_matter(history: list[Touch], random: Random) -> None:
    shuffled = random.sample(history, len(history))
    first, second = (warmth(some, DEFAULTS, now=NOW) for some in (history, shuffled))
    assert first.warm_until == second.warm_until
    assert first.evidence == second.evidence
    assert reasons(first) == reasons(second)


@given(histories, kinds, times)
def test_one_more_touchpoint_never_cools(history: list[Touch], kind: str, when: datetime) -> None:
    before = warmth(history, DEFAULTS, now=NOW).warm_until
    after = warmth([*history, Touch(0, kind, when)], DEFAULTS, now=NOW).warm_until
    assert after is not None
    assert before is None or after >= before - timedelta(microseconds=1)


@given(histories)
def test_together_the_evidence_reaches_at_least_as_far_as_its_best_piece(history: list[Touch]) -> None:
    found = warmth(history, DEFAULTS, now=NOW)
    if found.evidence:
        assert found.warm_until is not None
        assert found.warm_until >= max(piece.alone_until for piece in found.evidence)


@given(histories, st.timedeltas(timedelta(days=-3000), timedelta(days=3000)))
def test_shifting_all_times_shifts_the_result(history: list[Touch], by: timedelta) -> None:
    shifted = [replace(touch, occurred_at=touch.occurred_at + by) for touch in history]
    before, after = warmth(history, DEFAULTS, now=NOW), warmth(shifted, DEFAULTS, now=NOW + by)
    if before.warm_until is None:
        assert after.warm_until is None
    else:
        assert after.warm_until == before.warm_until + by


@given(histories, st.timedeltas(timedelta(days=-300), timedelta(days=3000)))
def test_time_passing_changes_nothing(history: list[Touch], by: timedelta) -> None:
    assert warmth(history, DEFAULTS, now=NOW) == warmth(history, DEFAULTS, now=NOW + by)


@given(histories, st.none() | times)
def test_every_touchpoint_is_counted_once_or_not_at_all_and_shares_sum_to_one(
    history: list[Touch], cooled_at: datetime | None
) -> None:
    found = warmth(history, DEFAULTS, now=NOW, cooled_at=cooled_at)
    ids = [piece.touch.id for piece in found.evidence] + [one.touch.id for one in found.uncounted]
    assert sorted(ids) == sorted(touch.id for touch in history)
    assert (found.warm_until is None) == (not found.evidence)
    if found.evidence:
        assert sum(piece.share for piece in found.evidence) == pytest.approx(1, abs=1e-12)
        shares = [piece.share for piece in found.evidence]
        assert shares == sorted(shares, reverse=True)


@given(histories)
def test_caps_take_the_latest_of_each_rule(history: list[Touch]) -> None:
    found = warmth([replace(touch, campaign="") for touch in history], DEFAULTS, now=NOW)
    for rule in DEFAULTS.rules:
        dates = sorted((t.occurred_at, t.id) for t in history if t.kind == rule.kind)
        counted = sorted((p.touch.occurred_at, p.touch.id) for p in found.evidence if p.rule_id == rule.id)
        assert counted == dates[-rule.counts_at_most :]


@given(histories)
def test_of_a_campaign_only_the_latest_of_a_kind_counts(history: list[Touch]) -> None:
    found = warmth(history, DEFAULTS, now=NOW)
    latest: dict[tuple[str, str], tuple[datetime, int]] = {}
    for touch in history:
        if touch.campaign:
            key, dated = (touch.kind, touch.campaign), (touch.occurred_at, touch.id)
            latest[key] = max(latest.get(key, dated), dated)
    counted = [piece.touch for piece in found.evidence if piece.touch.campaign]
    assert {(t.kind, t.campaign): (t.occurred_at, t.id) for t in counted}.items() <= latest.items()
    assert len({(t.kind, t.campaign) for t in counted}) == len(counted)
    beaten = {one.touch.id for one in found.uncounted if one.reason == "same_campaign"}
    assert beaten == {
        t.id for t in history if t.campaign and (t.occurred_at, t.id) != latest[t.kind, t.campaign]
    }


def test_three_registrations_for_one_event_are_one() -> None:
    history = [Touch(n, "event_registered", at(2, n), campaign="ABC Expo") for n in (1, 3, 2)]
    other_kind = Touch(9, "event", at(2, 1), campaign="ABC Expo")
    found = warmth([*history, other_kind], DEFAULTS, now=NOW)
    assert {piece.touch.id for piece in found.evidence} == {3, 9}
    assert reasons(found) == {1: "same_campaign", 2: "same_campaign"}


def test_a_campaign_counts_as_one_towards_the_limit_of_its_rule() -> None:
    history = [
        Touch(1, "webinar", at(1, 1)),
        *(Touch(n, "webinar", at(2, n), campaign="Stock-outs") for n in (2, 3, 4)),
    ]
    assert {piece.touch.id for piece in warmth(history, DEFAULTS, now=NOW).evidence} == {4, 1}


def test_a_refusal_makes_what_came_before_and_with_it_count_for_nothing() -> None:
    refused = at(2, 10)
    history = [Touch(1, "event", at(2, 9)), Touch(2, "event", refused), Touch(3, "event", refused + SECOND)]
    found = warmth(history, DEFAULTS, now=NOW, cooled_at=refused)
    assert [piece.touch.id for piece in found.evidence] == [3]
    assert reasons(found) == {1: "before_refusal", 2: "before_refusal"}


def test_the_first_rule_that_matches_decides_and_a_blank_condition_accepts_anything() -> None:
    rules = Ruleset(
        version=2,
        half_life=H,
        rules=(
            Rule(1, "social_follow", 30 * DAY, 2, network="LinkedIn", source="hub"),
            Rule(2, "social_follow", 10 * DAY, 2, network="LinkedIn"),
            Rule(3, "event", 5 * DAY, 2, campaign="ABC Expo", direction="inbound"),
        ),
    )
    history = [
        Touch(1, "social_follow", NOW, network="LinkedIn", source="hub"),
        Touch(2, "social_follow", NOW, network="LinkedIn", source="other"),
        Touch(3, "social_follow", NOW, network="X", source="hub"),
        Touch(4, "event", NOW, campaign="ABC Expo", direction="outbound"),
        Touch(5, "event", NOW, campaign="ABC Expo", direction="inbound"),
    ]
    found = warmth(history, rules, now=NOW)
    assert {piece.touch.id: piece.rule_id for piece in found.evidence} == {1: 1, 2: 2, 5: 3}
    assert reasons(found) == {3: "no_rule", 4: "no_rule"}


def test_evidence_that_has_faded_altogether_leaves_the_lead_cold_and_poisons_nothing() -> None:
    ancient = Touch(1, "referral", datetime(1970, 1, 1, tzinfo=UTC))
    assert warmth([ancient], DEFAULTS, now=NOW) == Warmth(
        None, (), warmth([ancient], DEFAULTS, now=NOW).uncounted
    )
    assert reasons(warmth([ancient], DEFAULTS, now=NOW)) == {1: "faded"}
    fresh = Touch(2, "referral", NOW)
    assert warmth([ancient, fresh], DEFAULTS, now=NOW).warm_until == NOW + 90 * DAY


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"half_life": timedelta(0)}, "half_life"),
        ({"rules": (Rule(7, "event", DAY, 0),)}, "counts_at_most of rule 7"),
        ({"rules": (Rule(7, "event", 901 * H, 1),)}, "warms_for of rule 7"),
    ],
    ids=["no half-life", "a rule that counts nothing", "a rule that reaches too far ahead"],
)
def test_rules_that_cannot_be_computed_are_refused_by_name(fields: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        replace(DEFAULTS, **fields)  # type: ignore[arg-type]


class TestOverride:
    until = NOW + 10 * DAY
    computed = NOW + 3 * DAY

    @pytest.mark.parametrize(
        ("warm_until", "override", "expected"),
        [
            (computed, None, ("warm", computed)),
            (NOW, None, ("cold", NOW)),
            (None, None, ("cold", None)),
            (None, OverrideValue("warm", until), ("warm", until)),
            (computed, OverrideValue("cold", until), ("cold", None)),
            (computed, OverrideValue("cold", NOW), ("warm", computed)),
            (None, OverrideValue("warm", NOW), ("cold", None)),
        ],
        ids=[
            "evidence in the future warms",
            "evidence that ends now is cold",
            "no evidence is cold",
            "set warm by hand",
            "set cold by hand",
            "a cold setting that ended",
            "a warm setting that ended",
        ],
    )
    def test_decides_while_it_lasts(
        self,
        warm_until: datetime | None,
        override: OverrideValue | None,
        expected: tuple[str, datetime | None],
    ) -> None:
        assert effective(warm_until, override, now=NOW) == expected


class TestCorners:
    def test_falls_by_the_hour_and_jumps_with_each_touchpoint(self) -> None:
        history = [Touch(1, "callback_request", NOW), Touch(2, "callback_request", NOW + 2 * DAY)]
        (alone,) = corners(history, DEFAULTS, now=NOW + DAY, cooled_at=None)
        assert alone == {"at": NOW, "days": 14}
        first, second = corners(history, DEFAULTS, now=NOW + 2 * DAY, cooled_at=None)
        assert first == alone
        assert second["at"] == NOW + 2 * DAY
        assert second["days"] > 14 + 12

    def test_shows_the_warmth_that_was_there_before_a_refusal(self) -> None:
        history = [Touch(1, "event", NOW)]
        points = corners(history, DEFAULTS, now=NOW + 2 * DAY, cooled_at=NOW + DAY)
        assert [(point["at"], point["days"] > 0) for point in points] == [(NOW, True), (NOW + DAY, False)]


class TestSentence:
    pieces = (
        Piece(Touch(1, "referral", NOW), 1, NOW, 0.62),
        Piece(Touch(2, "event", NOW), 1, NOW, 0.38),
    )
    words = {1: "referred by Ann Lee", 2: "met at ABC Expo"}

    def test_names_date_reasons_and_shares(self) -> None:
        said = sentence("warm", at(3, 14), self.pieces, self.words, now=NOW)
        assert said == "Warm until 14 March: referred by Ann Lee (62 %), met at ABC Expo (38 %)"

    @pytest.mark.parametrize(
        ("temperature", "until", "expected"),
        [
            ("cold", None, "Cold"),
            ("cold", at(2, 20), "Cold since 20 February"),
            ("warm", datetime(2027, 1, 5, tzinfo=UTC), "Warm until 5 January 2027"),
        ],
        ids=["nothing known", "evidence ran out", "another year is named"],
    )
    def test_without_evidence_says_only_what_is_known(
        self, temperature: str, until: datetime | None, expected: str
    ) -> None:
        assert sentence(temperature, until, (), {}, now=NOW) == expected  # type: ignore[arg-type]

    def test_keeps_a_long_list_short(self) -> None:
        many = tuple(Piece(Touch(n, "event", NOW), 1, NOW, 0.2) for n in range(5))
        said = sentence("warm", at(3, 14), many, lambda touch: f"met {touch.id}", now=NOW)
        assert said == "Warm until 14 March: met 0 (20 %), met 1 (20 %), met 2 (20 %), 2 more"
