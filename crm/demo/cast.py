"""Who works in the demo, where its leads came from, and how do the eight reps differ?"""

from dataclasses import dataclass, field

FIRM = "Lumenvale"
TEAMS = ("North", "South")


@dataclass(frozen=True, slots=True)
class Rep:
    """A rep's place, habits and skill; 1.0 is average. `gives_up_at` is 0 for those who follow the plan."""

    username: str
    first_name: str
    last_name: str
    team: str
    zone: str
    language: str = "en"
    role: str = "rep"
    hours: tuple[int, int] = (9, 17)
    dials: tuple[int, int] = (68, 82)
    skill: float = 1.0
    pitch: float = 1.0
    gives_up_at: int = 0
    voicemails: float = 0.0
    hurry: float = 1.0  # the plan's waits are taken this many times as long
    late: float = 0.05  # how often a hand-raise or a promised callback waits
    share: float = 1.0
    favours: tuple[str, ...] = ()
    markets: dict[str, float] = field(default_factory=dict)
    away_in_week: int = 0

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"


REPS: tuple[Rep, ...] = (
    Rep(
        "ada", "Ada", "Lindholm", "North", "Europe/Copenhagen", "da",
        dials=(72, 84), skill=1.25, pitch=1.2, voicemails=0.25, hurry=0.65, late=0.02, share=1.0,
        markets={"DK": 3.0, "SE": 2.0, "PL": 0.7, "RU": 0.6},
    ),
    Rep(
        "bea", "Bea", "Nowak", "North", "Europe/Warsaw", "pl",
        hours=(8, 16), dials=(64, 76), favours=("early", "late_morning"),
        markets={"PL": 4.0, "RU": 4.0},
    ),
    Rep(
        "cem", "Cem", "Yıldız", "North", "Europe/Berlin", "en",
        dials=(80, 90), skill=0.95, pitch=0.9, gives_up_at=4, late=0.3, share=2.3,
        markets={"DE": 2.0},
    ),
    Rep(
        "dora", "Dora", "Hughes", "North", "Europe/London", "en",
        hours=(9, 18), skill=0.9, voicemails=0.55, favours=("afternoon", "late_afternoon"),
        markets={"GB": 2.0, "FR": 2.0, "NP": 2.0}, away_in_week=5,
    ),
    Rep(
        "eli", "Eli", "Carter", "South", "America/New_York", "en",
        dials=(76, 88), skill=1.0, pitch=0.8, gives_up_at=4, voicemails=0.1, late=0.35, share=2.3,
        markets={"US": 1.5},
    ),
    Rep(
        "fia", "Fia", "Romero", "South", "America/Chicago", "en",
        hours=(8, 17), skill=1.05, voicemails=0.4, favours=("late_afternoon",), markets={"US": 1.5},
    ),
    Rep(
        "gus", "Gus", "Okafor", "South", "America/Los_Angeles", "en",
        hours=(7, 16), dials=(66, 80), skill=0.75, late=0.15, markets={"US": 1.5, "CA": 2.0},
    ),
    Rep(
        "hana", "Hana", "Kimura", "South", "Australia/Sydney", "en",
        hours=(8, 17), dials=(60, 68), skill=1.15, pitch=1.35, hurry=0.65, late=0.02, share=1.15,
        markets={"AU": 3.0, "NP": 2.0},
    ),
)  # fmt: skip
STAFF: tuple[Rep, ...] = (
    *REPS,
    Rep("max", "Max", "Brandt", "North", "Europe/Copenhagen", role="manager"),
    Rep("mona", "Mona", "Delgado", "South", "America/New_York", role="manager"),
    Rep("admin", "Robin", "Hale", "", "UTC", role="admin"),
)


@dataclass(frozen=True, slots=True)
class Origin:
    """A list leads came on: how many of them, how well they answer, and what happened before the first call."""

    name: str
    source: str
    weight: float
    quality: float
    story: str


ORIGINS: tuple[Origin, ...] = (
    Origin("Manufacturers and wholesalers 2026", "bought", 0.27, 0.8, "cold"),
    Origin("Trade directory, all regions", "directory", 0.22, 0.85, "cold"),
    Origin("Own research: cold stores and bakeries", "built", 0.2, 1.15, "read"),
    Origin("Visitors of the Energy Fair", "event", 0.12, 1.2, "fair"),
    Origin("Referred by customers", "referral", 0.06, 1.35, "referral"),
    Origin("Enquiries on our website", "inbound", 0.06, 1.3, "inbound"),
    Origin("Newsletter readers", "other", 0.07, 1.0, "reader"),
)
HOUSEHOLDS = Origin("Households with an old boiler", "bought", 0.0, 0.9, "cold")
