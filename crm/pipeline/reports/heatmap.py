"""When do they pick up, in their own time?"""

from __future__ import annotations

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from crm.figures import count_text
from crm.pipeline.charts import weekday_name
from crm.pipeline.reports.scope import CONNECT, Scope
from crm.pipeline.reports.tile import Column, Row, Tile, UnknownPart
from crm.pipeline.statistics import FEW, proportion, shrunk
from leads.models import Lead


def heatmap(scope: Scope) -> Tile:
    cells = list(
        scope.dials()
        .filter(local_weekday__isnull=False, local_hour__isnull=False)
        .values("local_weekday", "local_hour")
        .annotate(dials=Count("pk"), connects=Count("pk", filter=CONNECT))
        .order_by("local_weekday", "local_hour")
    )
    dials = sum(cell["dials"] for cell in cells)
    connects = sum(cell["connects"] for cell in cells)
    mean = proportion(connects, dials).share or 0.0
    return Tile(
        key="heatmap",
        title=_("When they pick up (their time)"),
        definition=_(
            "Connects per dial by weekday and hour where the lead is. Each cell is drawn towards the mean as"
            " if %(few)d more dials had gone at the mean; cells with fewer than %(few)d dials are left grey."
        )
        % {"few": FEW},
        denominator=_("%(dials)s dials of the period with a known local time; %(connects)s connects")
        % {"dials": count_text(dials), "connects": count_text(connects)},
        columns=(
            Column("day", _("Day"), "text"),
            Column("hour", _("Hour")),
            Column("dials", _("Dials")),
            Column("connects", _("Connects")),
            Column("share", _("Connect rate"), "share", total="dials"),
            Column("estimate", _("Drawn to the mean"), "share", total="dials"),
        ),
        rows=[
            Row(
                {
                    "weekday": cell["local_weekday"],
                    "day": weekday_name(cell["local_weekday"]),
                    "hour": cell["local_hour"],
                    "dials": cell["dials"],
                    "connects": cell["connects"],
                    "share": cell["connects"] / cell["dials"],
                    "estimate": shrunk(cell["connects"], cell["dials"], mean=mean),
                    "thin": cell["dials"] < FEW,
                },
                parts={"dials": f"{cell['local_weekday']}.{cell['local_hour']}"},
            )
            for cell in cells
        ],
        marks={"mean": mean, "few": FEW},
    )


def heatmap_leads(scope: Scope, part: str) -> QuerySet[Lead]:
    day, _dot, hour = part.partition(".")
    if not (day.isdecimal() and hour.isdecimal()):
        raise UnknownPart("weekday.hour, as in 2.10")
    dials = scope.dials().filter(local_weekday=int(day), local_hour=int(hour))
    return scope.leads().filter(pk__in=dials.values("lead"))
