"""Random histories of touchpoints, and the default rules as values, for the tests of both forms of warmth."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from touchpoints.defaults import DEFAULT_KINDS, HALF_LIFE
from touchpoints.warmth import Rule, Ruleset, Touch

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DEFAULTS = Ruleset(
    version=1,
    half_life=HALF_LIFE,
    rules=tuple(
        Rule(number, kind.key, timedelta(days=kind.warms_for_days), kind.counts_at_most)
        for number, kind in enumerate(DEFAULT_KINDS, start=1)
    ),
)

kinds = st.sampled_from(
    ["referral", "event", "direct_mail", "social_follow", "website_visit", "voicemail_left"]
)
times = st.datetimes(datetime(2025, 6, 1), datetime(2026, 3, 1), timezones=st.just(UTC))
touches = st.builds(
    Touch,
    id=st.integers(1, 10**9),
    kind=kinds,
    occurred_at=times,
    direction=st.sampled_from(["inbound", "outbound"]),
    network=st.sampled_from(["", "LinkedIn"]),
    campaign=st.sampled_from(["", "", "Spring", "ABC Expo"]),
    source=st.sampled_from(["", "form"]),
)
histories = st.lists(touches, max_size=12, unique_by=lambda touch: touch.id)
