"""How does a manager write a talk track down? Its texts, and a row a question, objection, voicemail and disclosure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf.locale import LANG_INFO
from django.utils.text import slugify
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from leads.models import Lead, Segment

from . import talk
from .icebreaker import LANGUAGES
from .talk_tracks import Wanted

if TYPE_CHECKING:
    from .models import TalkTrack

MOST_ROWS = 40
MOST_SAMPLES = 20


def language_name(code: str) -> str:
    """The language as its speakers write it."""
    return str(LANG_INFO.get(code, {}).get("name_local") or code).capitalize()


def _languages() -> list[tuple[str, str]]:
    """Those that opening lines come in first, then every other."""
    known = sorted(code for code in LANG_INFO if len(code) <= 3 and "name_local" in LANG_INFO[code])
    rest = [code for code in known if code not in LANGUAGES]
    return [(code, language_name(code)) for code in (*LANGUAGES, *rest)]


def _area(rows: int, **attrs: Any) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, **attrs})


class NewTrackForm(forms.Form):
    name = forms.CharField(label=_("name"), max_length=80)
    language = forms.ChoiceField(label=_("language"), choices=_languages)


class TrackForm(forms.Form):
    """All of a track but its rows."""

    name = forms.CharField(label=_("name"), max_length=80)
    segment = forms.ModelChoiceField(
        label=_("for the leads of"),
        queryset=Segment.objects.none(),
        required=False,
        empty_label=_("everybody"),
        help_text=_("A shared segment: its leads hear this before what is for everybody."),
    )
    position = forms.IntegerField(
        label=_("order"),
        min_value=0,
        max_value=999,
        help_text=_("Where two tracks fit a lead, the lower goes."),
    )
    opening = forms.CharField(
        label=_("opening"),
        required=False,
        max_length=600,
        widget=_area(2),
        help_text=_("After the greeting and what we know of them."),
    )
    intro = forms.CharField(
        label=_("who we are and why we call"), required=False, max_length=1000, widget=_area(2)
    )
    pitch = forms.CharField(
        label=_("pitch"),
        required=False,
        max_length=2000,
        widget=_area(4, **{"data-words": str(talk.MOST_WORDS)}),
        help_text=_("At most 60 words; a field counts as one."),
    )

    def __init__(self, *args: Any, track: TalkTrack, **kwargs: Any) -> None:
        names = ("name", "segment", "position", "opening", "intro", "pitch")
        kwargs.setdefault("initial", {name: getattr(track, name) for name in names})
        super().__init__(*args, **kwargs)
        self.fields["segment"].queryset = Segment.objects.filter(shared=True)  # type: ignore[attr-defined]


class QuestionForm(forms.Form):
    question = forms.CharField(label=_("question"), max_length=300, widget=_area(2))
    field = forms.CharField(
        label=_("name of the answer"),
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"placeholder": _("from the question")}),
    )
    tip = forms.CharField(label=_("tip"), required=False, max_length=500, widget=_area(3))
    answers = forms.CharField(
        label=_("answers, each with its tip"),
        required=False,
        max_length=4000,
        widget=_area(3, placeholder=_("more than a year | Advice: …")),
    )

    def clean_field(self) -> str:
        return slugify(self.cleaned_data["field"], allow_unicode=True)

    def clean_answers(self) -> tuple[talk.Tip, ...]:
        found = []
        for number, line in enumerate(self.cleaned_data["answers"].splitlines(), start=1):
            if not line.strip():
                continue
            answer, bar, tip = (part.strip() for part in line.partition("|"))
            if not (answer and bar and tip):
                text = gettext(
                    "Line %(n)d: expected the answer, a bar and the tip, as in “in May | Advice: …”."
                )
                raise forms.ValidationError(text % {"n": number})
            found.append(talk.Tip(answer[:200], tip))
        return tuple(found)


class ObjectionForm(forms.Form):
    objection = forms.CharField(label=_("they say"), max_length=300)
    answer = forms.CharField(label=_("you say"), max_length=1000, widget=_area(2))


class VoicemailForm(forms.Form):
    text = forms.CharField(label=_("after the beep"), max_length=1000, widget=_area(3))
    offer = forms.CharField(label=_("what it offers"), required=False, max_length=120)


class DisclosureForm(forms.Form):
    place = forms.CharField(
        label=_("place"), max_length=8, widget=forms.TextInput(attrs={"placeholder": "US-NY", "size": 6})
    )
    text = forms.CharField(label=_("what must be said first"), max_length=600, widget=_area(2))

    def clean_place(self) -> str:
        return str(self.cleaned_data["place"]).upper()


def _rows(form: type[forms.Form], *, ordered: bool) -> Any:
    return forms.formset_factory(
        form, extra=1, can_delete=True, can_order=ordered, max_num=MOST_ROWS, absolute_max=MOST_ROWS
    )


PARTS = {
    "questions": _rows(QuestionForm, ordered=True),
    "objections": _rows(ObjectionForm, ordered=True),
    "voicemails": _rows(VoicemailForm, ordered=True),
    "disclosures": _rows(DisclosureForm, ordered=False),
}


class SampleForm(forms.Form):
    """To whom the preview speaks."""

    lead = forms.ChoiceField(label=_("as said to"), required=False)

    def __init__(self, *args: Any, leads: list[Lead], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [
            (str(lead.pk), f"{lead.name}, {lead.company}" if lead.company else lead.name) for lead in leads
        ]
        self.fields["lead"] = forms.ChoiceField(
            label=_("as said to"), required=False, choices=[("", _("somebody made up")), *named]
        )


def parts_of(track: TalkTrack, data: Any = None) -> dict[str, Any]:
    """The rows of a track as formsets, by part."""
    script = talk.script_of(track)
    initial: dict[str, list[dict[str, Any]]] = {
        "questions": [
            {
                "question": one.question,
                "field": one.field,
                "tip": one.tip,
                "answers": "\n".join(f"{tip.answer} | {tip.tip}" for tip in one.answers),
            }
            for one in script.questions
        ],
        "objections": [{"objection": one.objection, "answer": one.answer} for one in script.objections],
        "voicemails": [{"text": one.text, "offer": one.offer} for one in script.voicemails],
        "disclosures": [{"place": one.place, "text": one.text} for one in script.disclosures],
    }
    return {name: rows(data, prefix=name, initial=initial[name]) for name, rows in PARTS.items()}


def wanted(form: TrackForm, parts: dict[str, Any], *, language: str) -> Wanted:
    """What a valid form and its valid rows say."""
    said = form.cleaned_data
    kept = {name: _kept(rows) for name, rows in parts.items()}
    script = talk.Script(
        opening=said["opening"].strip(),
        intro=said["intro"].strip(),
        pitch=said["pitch"].strip(),
        questions=tuple(
            talk.Question(
                one["field"] or talk.field_of(one["question"]), one["question"], one["tip"], one["answers"]
            )
            for one in kept["questions"]
        ),
        objections=tuple(talk.Objection(one["objection"], one["answer"]) for one in kept["objections"]),
        voicemails=tuple(talk.Voicemail(one["text"], one["offer"]) for one in kept["voicemails"]),
        disclosures=tuple(talk.Disclosure(one["place"], one["text"]) for one in kept["disclosures"]),
    )
    return Wanted(said["name"].strip(), language, script, said["segment"], said["position"])


def _kept(rows: Any) -> list[dict[str, Any]]:
    forms_in_order = rows.ordered_forms if rows.can_order else rows.forms
    return [
        one.cleaned_data for one in forms_in_order if one.cleaned_data and not one.cleaned_data.get("DELETE")
    ]
