"""What does the OpenAPI document say beyond what serializers know? Refusals, replays, and strict bodies."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction, OpenApiParameter

from crm.api.problems import MEDIA_TYPE

ERROR = {
    "type": "object",
    "required": ["field", "code", "detail"],
    "properties": {name: {"type": "string"} for name in ("field", "code", "detail")},
}
PROBLEM = {
    "type": "object",
    "description": "A refusal (RFC 9457). `errors`, `candidates` and `guard` where they apply.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Stable; texts may change."},
        "errors": {"type": "array", "items": ERROR},
        "candidates": {"type": "array", "items": {"type": "object"}},
        "guard": {"type": "object"},
    },
}
REFUSED = {
    "description": "Refused",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


class KeyScheme(OpenApiAuthenticationExtension):
    target_class = "crm.api.keys.KeyAuthentication"
    name = "key"
    priority = 1

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key; it is shown once, when it is made.",
        }


class StrictBody(OpenApiSerializerExtension):
    """A body with a field nobody reads is refused, and the schema says so."""

    target_class = "leads.api.strict.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Direction) -> Any:
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        if direction == "request" and schema.get("type") == "object":
            schema["additionalProperties"] = False
        return schema


class WordOfTheWorkspace(OpenApiSerializerFieldExtension):
    """Words that a manager may add to (kinds, outcomes) are no enumeration: `/rules/` and refusals list them."""

    target_class = "leads.api.strict.OneOf"

    def map_serializer_field(self, auto_schema: Any, direction: Direction) -> Any:
        if self.target.ask is not None:
            return {
                "type": "string",
                "minLength": 1,
                "description": "One of those that `/api/v1/rules/` lists.",
            }
        return auto_schema._map_serializer_field(self.target, direction, bypass_extensions=True)


class Operations(AutoSchema):
    """Every POST takes an Idempotency-Key; operations are named for resource and verb."""

    def get_override_parameters(self) -> list[Any]:
        if self.method != "POST":
            return []
        return [
            OpenApiParameter(
                "Idempotency-Key",
                {"type": "string", "minLength": 1, "maxLength": 200},
                OpenApiParameter.HEADER,
                description="Done once, and answered the same for 24 hours.",
            )
        ]

    def get_tags(self) -> list[str]:
        return [self.path.split("/")[3]]

    def get_operation_id(self) -> str:
        parts = [part for part in self.path.split("/")[3:] if part and not part.startswith("{")]
        one = "_one" if "{" in self.path and self.method in ("GET", "PATCH", "DELETE") else ""
        return "_".join([*parts, self.method.lower()]) + one


def add_refusals(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """The hook: every operation may be refused, in the one form."""
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    for path in result["paths"].values():
        for operation in path.values():
            operation["responses"].setdefault("4XX", REFUSED)
    return result
