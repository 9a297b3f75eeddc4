"""Is this request exactly what was asked for? Serializers, fields and views that name whatever is not.

Every app's API builds on these: unknown fields and query parameters, wrong types, naive times and texts a
database cannot keep are refused by name, and nothing is guessed or silently dropped.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import serializers
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.settings import api_settings

if TYPE_CHECKING:
    from leads.register import FieldError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Times further ahead are typing errors, and beyond the year 9999 they stop being times at all.
FAR_AHEAD = datetime(2200, 1, 1, tzinfo=UTC)
CLOCKS_DIFFER = timedelta(minutes=5)
MOST_DATA_BYTES = 64 * 1024
BIGGEST_ID = 2**63 - 1
BODY = "body"
# NUL, which PostgreSQL keeps in no text, and halves of surrogate pairs, which are no text at all.
UNKEEPABLE = re.compile("[\0\ud800-\udfff]")


class Problem(APIException):
    """A refusal with a code of its own, and what a client needs to go on: `candidates`, `guard` (RFC 9457)."""

    def __init__(self, status: int, code: str, detail: str, **extra: Any) -> None:
        super().__init__(detail, code)
        self.status_code = status
        self.code = code
        self.extra = extra


def refuse(errors: Iterable[FieldError]) -> ValidationError:
    """The exception that answers 400 with these errors, one for each field named."""
    by_field: dict[str, list[ErrorDetail]] = {}
    for error in errors:
        by_field.setdefault(error.field, []).append(ErrorDetail(error.detail, error.code))
    return ValidationError(by_field)


def flat_errors(detail: Any, path: str = "") -> list[dict[str, str]]:
    """A validation error's tree as [{field, code, detail}], the field as a dotted path ("lead.phones.0.number")."""
    if isinstance(detail, Mapping):
        return [
            error
            for key, inner in detail.items()
            for error in flat_errors(
                inner, path if key == api_settings.NON_FIELD_ERRORS_KEY else _join(path, key)
            )
        ]
    if isinstance(detail, (list, tuple)):
        errors = []
        for index, inner in enumerate(detail):
            nested = isinstance(inner, (Mapping, list, tuple))
            errors += flat_errors(inner, _join(path, index) if nested else path)
        return errors
    return [{"field": path or BODY, "code": getattr(detail, "code", "invalid"), "detail": str(detail)}]


def _join(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


class StrictSerializer(serializers.Serializer[Any]):
    """A serializer that refuses fields it does not know or does not let be written, by name."""

    default_error_messages = {
        "invalid": _("Expected a JSON object, not {datatype}."),
        "unknown_field": _("Unknown field; expected one of: {allowed}."),
        "read_only": _("This field cannot be set."),
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, Mapping):
            names = {list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
            text = str(self.error_messages["invalid"]).format(
                datatype=names.get(type(data), type(data).__name__)
            )
            raise ValidationError({api_settings.NON_FIELD_ERRORS_KEY: [ErrorDetail(text, "invalid")]})
        errors = self._strangers(data) | self._missing(data)
        try:
            values = super().to_internal_value(data)
        except ValidationError as error:
            raise ValidationError({**error.detail, **errors}) from None  # type: ignore[dict-item]
        if errors:
            raise ValidationError(errors)
        return values

    def _strangers(self, data: Mapping[str, Any]) -> dict[str, list[ErrorDetail]]:
        writable = [name for name, field in self.fields.items() if not field.read_only]
        errors = {}
        for name in data:
            if name in writable:
                continue
            code = "read_only" if name in self.fields or name in self.read_only_names() else "unknown_field"
            text = str(self.error_messages[code]).format(allowed=", ".join(writable))
            errors[str(name)] = [ErrorDetail(text, code)]
        return errors

    def _missing(self, data: Mapping[str, Any]) -> dict[str, list[ErrorDetail]]:
        """An object inside another is sent whole, even where the outer one is changed in part."""
        if self.parent is None:
            return {}
        missing = [name for name, field in self.fields.items() if field.required and name not in data]
        return {
            name: [ErrorDetail(self.fields[name].error_messages["required"], "required")] for name in missing
        }

    def read_only_names(self) -> Iterable[str]:
        """Names a client sees in answers, so that sending one back is called what it is."""
        return ()


class Text(serializers.CharField):
    """Text, and only text: a number or a list is not turned into one."""

    default_error_messages = {"invalid": _("Expected text.")}

    def __init__(self, **kwargs: Any) -> None:
        if not kwargs.get("required", False) and not kwargs.get("read_only", False):
            kwargs.setdefault("allow_blank", True)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Whole(serializers.IntegerField):
    """A whole number that a database can hold; true, "5" and 5.5 are none."""

    default_error_messages = {"invalid": _("Expected a whole number.")}

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_value", BIGGEST_ID)
        kwargs.setdefault("min_value", -BIGGEST_ID)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class Flag(serializers.BooleanField):
    """true or false; "yes" and 1 are neither."""

    default_error_messages = {"invalid": _("Expected true or false.")}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class Money(serializers.DecimalField):
    """An amount; sent and answered as a JSON number, text with digits is understood."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=14, decimal_places=2, coerce_to_string=False, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)

    def to_representation(self, value: Any) -> float:
        return float(value)


class Time(serializers.DateTimeField):
    """An instant with its offset. `past`: it happened, so it may lie at most five minutes ahead, for clocks differ."""

    default_error_messages = {
        "invalid": _("Expected a time in ISO 8601 with an offset, as in 2026-03-01T09:30:00+01:00."),
        "naive": _("No offset: expected a time in ISO 8601 with one, as in 2026-03-01T09:30:00+01:00."),
        "in_the_future": _("Lies more than 5 minutes ahead; expected a time that has been."),
        "too_early": _("Lies before 1970."),
        "too_late": _("Lies after the year 2199."),
    }

    def __init__(self, *, past: bool = False, **kwargs: Any) -> None:
        self.past = past
        super().__init__(**kwargs)

    def enforce_timezone(self, value: datetime) -> datetime:
        if timezone.is_naive(value):
            self.fail("naive")
        return value

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str):
            self.fail("invalid")
        instant = super().to_internal_value(value)
        if instant < EPOCH:
            self.fail("too_early")
        if instant >= FAR_AHEAD:
            self.fail("too_late")
        instant = instant.astimezone(UTC)
        if self.past and instant > self.context["now"] + CLOCKS_DIFFER:
            self.fail("in_the_future")
        return instant


class OneOf(serializers.ChoiceField):
    """One of a few words; a refusal lists them. `choices` may be a function, asked once a request."""

    default_error_messages = {"invalid_choice": _("“{input}” is not one of: {allowed}.")}

    def __init__(self, choices: Any, **kwargs: Any) -> None:
        self.ask = choices if callable(choices) else None
        super().__init__(() if self.ask else choices, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if data == "" and self.allow_blank:
            return ""
        allowed = self._allowed()
        if not isinstance(data, str) or data not in allowed:
            self.fail("invalid_choice", input=_shown(data), allowed=", ".join(allowed))
        return data

    def to_representation(self, value: Any) -> Any:
        return value

    def _allowed(self) -> list[str]:
        if self.ask is None:
            return [str(choice) for choice in self.choices]
        asked: dict[Any, list[str]] = self.context.setdefault("choices", {})
        if self.ask not in asked:
            asked[self.ask] = list(self.ask())
        return asked[self.ask]


class Facts(serializers.JSONField):
    """A JSON object with anything in it that every database can keep."""

    default_error_messages = {
        "invalid": _("Expected a JSON object."),
        "unkeepable": _("Holds a character or a number that cannot be stored."),
        "too_large": _("Larger than {most} bytes as JSON."),
    }

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            self.fail("invalid")
        if not keepable(data):
            self.fail("unkeepable")
        if len(json.dumps(data)) > MOST_DATA_BYTES:
            self.fail("too_large", most=MOST_DATA_BYTES)
        return data


def keepable(data: Any) -> bool:
    """Whether every text and number in it can be stored: no NUL, no lone surrogate, nothing infinite."""
    waiting = [data]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str):
            if UNKEEPABLE.search(one):
                return False
        elif isinstance(one, float) and not math.isfinite(one):
            return False
    return True


def _shown(data: Any) -> str:
    return str(data)[:60].encode("utf-8", "replace").decode()


class Filters(DjangoFilterBackend):
    """Hands a FilterSet the instant of the request along with it."""

    def get_filterset_kwargs(self, request: Request, queryset: Any, view: Any) -> dict[str, Any]:
        return {**super().get_filterset_kwargs(request, queryset, view), "now": view.now}


class StrictView:
    """A view's other half: refuses query parameters that nothing reads, and puts `now` into every context.

    `reads_parameters` names what the view itself reads; a list also knows its filters and its paging.
    """

    reads_parameters: tuple[str, ...] = ()

    @property
    def now(self) -> datetime:
        """The instant of this request, the same wherever it is asked."""
        if not hasattr(self, "_now"):
            self._now = timezone.now()
        return self._now

    def get_serializer_context(self) -> dict[str, Any]:
        return {"request": self.request, "view": self, "now": self.now}  # type: ignore[attr-defined]

    def check(self, serializer: type[serializers.Serializer[Any]], **kwargs: Any) -> dict[str, Any]:
        """The body as `serializer` understands it; raises ValidationError."""
        context = {**self.get_serializer_context(), **kwargs.pop("context", {})}
        checked = serializer(data=self.request.data, context=context, **kwargs)  # type: ignore[attr-defined]
        checked.is_valid(raise_exception=True)
        return checked.validated_data  # type: ignore[no-any-return]

    def known_parameters(self) -> set[str]:
        known = set(self.reads_parameters)
        if getattr(self, "action", None) == "list":
            known |= {"cursor", "page_size"}
            if filterset := getattr(self, "filterset_class", None):
                known |= set(filterset.base_filters)
        return known

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # "?format=" belongs to the schema alone; here it is a parameter like any other.
        if not force and "format" in request.query_params and "format" not in self.known_parameters():
            self._refuse_parameters(["format"])
        return super().perform_content_negotiation(request, force)  # type: ignore[misc]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        known = self.known_parameters()
        if unknown := [name for name in request.query_params if name not in known]:
            self._refuse_parameters(unknown)

    def _refuse_parameters(self, unknown: list[str]) -> None:
        known = ", ".join(sorted(self.known_parameters())) or gettext("none")
        text = gettext("Unknown query parameter; expected: %(known)s.") % {"known": known}
        raise ValidationError({name: [ErrorDetail(text, "unknown_parameter")] for name in unknown})
