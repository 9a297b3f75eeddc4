"""How is a registry's file handed in? One or several at once; its date asked for only where its name gives none."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from leads.law_words import registry_name
from leads.registries import reach
from leads.registries.files import named

ENDINGS = (".zip", ".txt", ".csv", ".xml")
MOST_FILES = 400


class Files(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files at once: a list of them."""

    widget = Files

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:  # type: ignore[override]
        given = (list(data) if isinstance(data, list | tuple) else [data]) or [None]
        return [super(FilesField, self).clean(one, initial) for one in given]


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class HandInForm(forms.Form):
    registry = forms.ChoiceField(label=_("Registry"))
    files = FilesField(
        label=_("Files"),
        widget=Files(attrs={"accept": ",".join(ENDINGS)}),
        help_text=_("As the registry gives them: zipped or not, one for each area or all in one."),
    )
    list_date = forms.DateField(
        label=_("List date"),
        required=False,
        widget=DayInput,
        help_text=_("Only for files whose name does not give it, as 2026-11-01_212_….txt.zip does."),
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        choices: Any = self.fields["registry"]
        choices.choices = [(key, f"{registry_name(key)} ({key})") for key in reach.registries()]

    def clean_files(self) -> list[UploadedFile]:
        files: list[UploadedFile] = self.cleaned_data["files"]
        if len(files) > MOST_FILES:
            raise forms.ValidationError(
                gettext("%(n)d files are too many at once; expected at most %(most)d.")
                % {"n": len(files), "most": MOST_FILES}
            )
        return files

    def clean_list_date(self) -> date | None:
        on: date | None = self.cleaned_data["list_date"]
        if on and on > self.today:
            raise forms.ValidationError(_("A list of a day to come cannot be; expected today or earlier."))
        return on

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if said.get("list_date") is None and "list_date" not in self.errors:
            undated = [
                str(file.name) for file in said.get("files", []) if named(str(file.name)).list_date is None
            ]
            if undated:
                wrong = gettext("The name of %(files)s gives no list date; expected one here.")
                self.add_error("list_date", wrong % {"files": ", ".join(undated[:3])})
        return said


class ForceForm(forms.Form):
    """The same file once more, and why it is to be loaded although it was refused."""

    file = forms.FileField(
        label=_("The same file again"),
        widget=forms.FileInput(attrs={"accept": ",".join(ENDINGS)}),
        help_text=_("A refused file is not kept: a list is full of people who want to be left alone."),
    )
    reason = forms.CharField(
        label=_("Why load it anyway"),
        max_length=300,
        help_text=_("Kept in the audit trail beside your name."),
    )
