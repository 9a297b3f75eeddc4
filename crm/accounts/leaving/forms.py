"""How does a manager want somebody's leads dealt out, and how does a team share what comes in?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.accounts.models import Team
from touchpoints import reassign
from touchpoints.models import Reassignment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crm.accounts.models import User
    from touchpoints.models import FollowUp

POOL = "pool"
AS_THE_OTHERS = ""


class DealForm(forms.Form):
    """Receivers, method, days, and who gets each call that was agreed."""

    method = forms.ChoiceField(label=_("how"), choices=Reassignment.Method, widget=forms.RadioSelect)
    receivers = forms.MultipleChoiceField(
        label=_("to whom"), required=False, widget=forms.CheckboxSelectMultiple
    )
    days = forms.IntegerField(
        label=_("spread over days"),
        min_value=1,
        max_value=reassign.MOST_DAYS,
        help_text=_(
            "Calls that are due move so that nobody's day overflows. What was agreed with a lead, promised or asked "
            "for keeps its time."
        ),
    )

    def __init__(
        self, *args: Any, people: Sequence[User], agreed: Sequence[FollowUp], pool: str, **kwargs: Any
    ) -> None:
        self.people = {str(one.pk): one for one in people}
        self.agreed = agreed
        kwargs.setdefault("initial", {"method": Reassignment.Method.ROUND_ROBIN, "days": 5})
        super().__init__(*args, **kwargs)
        names = [(pk, _name(one)) for pk, one in self.people.items()]
        self.fields["receivers"].choices = names  # type: ignore[attr-defined]
        choices = [(AS_THE_OTHERS, gettext("as the others")), *names, (POOL, pool)]
        for row in agreed:
            self.fields[_field(row)] = forms.ChoiceField(
                label=gettext("who calls %(name)s") % {"name": row.lead.name}, choices=choices, required=False
            )

    @property
    def callbacks(self) -> list[tuple[FollowUp, Any]]:
        """Each agreed call with its field."""
        return [(row, self[_field(row)]) for row in self.agreed]

    @property
    def others(self) -> list[Any]:
        return [self["method"], self["receivers"], self["days"]]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("method") != Reassignment.Method.POOL and not data.get("receivers"):
            self.add_error("receivers", gettext("Choose at least one person, or the pool."))
        return data

    def wish(self) -> reassign.Wish:
        data = self.cleaned_data
        said = {row.pk: data[_field(row)] for row in self.agreed if data[_field(row)] != AS_THE_OTHERS}
        return reassign.Wish(
            receivers=tuple(int(pk) for pk in data["receivers"]),
            method=data["method"],
            days=data["days"],
            callbacks={pk: None if to == POOL else int(to) for pk, to in said.items()},
        )

    def chosen_people(self) -> list[User]:
        """Everybody who gets leads, or a single call."""
        wish = self.wish()
        named = {*wish.receivers, *wish.callbacks.values()}
        return [one for one in self.people.values() if one.pk in named]


class SharingForm(forms.ModelForm):  # type: ignore[type-arg]
    """Who gets what comes into a team's pool, and when idle leads return to it."""

    class Meta:
        model = Team
        fields = ("gives_new", "gives_hand_raises", "idle_days")
        widgets = {"gives_new": forms.RadioSelect, "gives_hand_raises": forms.RadioSelect}
        help_texts = {
            "gives_new": _(
                "Given out as they start, to reps who are here today, to each as many as their coming days can carry."
            ),
            "gives_hand_raises": _("Reps at work come first; when nobody is here, the pool has it."),
            "idle_days": _(
                "Leads nobody worked for so long; their owner is told three days before. What was promised stays. "
                "0: never."
            ),
        }


def _field(row: FollowUp) -> str:
    return f"callback_{row.pk}"


def _name(one: User) -> str:
    return one.get_full_name() or one.username
