"""The base classes of bodies, and fields that bodies and headers of several services share."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, Final, Self

from fastapi import Header
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

IDEMPOTENCY_KEY_PATTERN: Final = "^[!-~]([ -~]{0,253}[!-~])?$"
"""1 to 255 visible ASCII characters, with spaces only between them."""

OptionalIdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=IDEMPOTENCY_KEY_PATTERN,
        description="New for each change, and the same for a retry: then the change is made once.",
    ),
]


class RequestBody(BaseModel):
    """A body that has these members and no others."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ResponseBody(BaseModel):
    """A body whose members are the attributes of a model; a `validation_alias` is the attribute's
    name where it differs."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of(cls, model: object) -> Self:
        return cls.model_validate(model)


Time = Annotated[
    str,
    Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-20T08:30:00.000Z"]),
]
"""RFC 3339 in UTC, a text that `shared.runtime.clock` has made."""


def listed(values: Iterable[str]) -> Any:
    """A text that the document lists, and a response may not: after a rollback, an item of a later
    release has one that this release does not know.

    Example:
        `status: Annotated[str, listed(STATUSES)]`
    """
    return Field(json_schema_extra={"enum": list(values)})


def omitted_if_none() -> Any:
    """The default of a member of a response that is left out where it is None, and so never null.

    Example:
        `read_at: Time | None = omitted_if_none()`
    """
    return Field(
        default=None,
        exclude_if=lambda value: value is None,
        json_schema_extra=_without_null,
    )


def _without_null(schema: dict[str, Any]) -> None:
    [kind] = (kind for kind in schema.pop("anyOf") if kind != {"type": "null"})
    schema.update(kind)


# No number of the API is longer; a power of ten of a few characters could fill the memory.
_MAX_DIGITS: Final = 20


def _whole_number(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Decimal) and value.is_finite() and value.adjusted() < _MAX_DIGITS:
        return int(value) if value == value.to_integral_value() else value
    return value


def unset(**options: Any) -> Any:
    """The default of a change's field that may be left out, but not be null: it is never read.

    Args:
        options: those of pydantic's `Field`.
    """
    return Field(default=None, **options)


WholeNumber = BeforeValidator(_whole_number)
"""Lets a strict int field take `2.0` and `2e0`, which are 2 in JSON Schema; it follows the
field's limits: `Annotated[int, Field(ge=0), WholeNumber]`.
"""
