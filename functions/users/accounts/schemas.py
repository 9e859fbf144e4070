"""Bodies of requests and answers, as the contract has them."""

import unicodedata
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from shared.auth.tokens import Role
from shared.web.fields import Time
from shared.web.health import Health
from users import emails

# Control characters, lone surrogates, line and paragraph separators.
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
# The same for the document, as a set of a pattern (of surrogates JSON texts are free).
_UNPRINTABLE_SET = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"


def _printable(text: str) -> str:
    if any(unicodedata.category(character) in _UNPRINTABLE for character in text):
        raise ValueError("must not contain control characters")
    return text


def _given(value: object) -> object:
    if value is None:
        raise ValueError("must not be null; leave it out to keep what is there")
    return value


def _omissible(schema: dict[str, Any]) -> None:
    """Fields that default to None may be left out, but not be null: let the schema say so."""
    for name, member in schema["properties"].items():
        if "anyOf" in member:
            [real] = [option for option in member["anyOf"] if option != {"type": "null"}]
            schema["properties"][name] = {"title": member["title"], **real}


Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=emails.LONGEST),
    AfterValidator(emails.parse),
    Field(
        json_schema_extra={"format": "email", "pattern": emails.PATTERN},
        examples=["alice@example.com"],
    ),
]
FullName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_printable),
    Field(
        json_schema_extra={
            "pattern": rf"^[^{_UNPRINTABLE_SET}]*[^{_UNPRINTABLE_SET}\s][^{_UNPRINTABLE_SET}]*$"
        },
        examples=["Alice Example"],
    ),
]
NewPassword = Annotated[
    str,
    StringConstraints(min_length=12, max_length=128),
    AfterValidator(_printable),
    Field(
        json_schema_extra={"pattern": rf"^[^{_UNPRINTABLE_SET}]*$"},
        examples=["correct-horse-battery"],
    ),
]
# One that is to be compared: whatever is not a password that we take is a wrong one, up to a sane length.
Password = Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class RequestBody(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Registration(RequestBody):
    """What one registers with."""

    email: Email
    full_name: FullName
    password: NewPassword = Field(repr=False)


class AccountChange(RequestBody):
    """What changes of an account: fields left out stay.

    `role` and `is_active` are an admin's to change. One's own new `password` needs the `current_password`.
    """

    model_config = ConfigDict(json_schema_extra=_omissible)

    email: Annotated[Email | None, BeforeValidator(_given)] = None
    full_name: Annotated[FullName | None, BeforeValidator(_given)] = None
    password: Annotated[NewPassword | None, BeforeValidator(_given)] = Field(
        default=None, repr=False
    )
    current_password: Annotated[Password | None, BeforeValidator(_given)] = Field(
        default=None, repr=False
    )
    role: Annotated[Role | None, BeforeValidator(_given)] = None
    is_active: Annotated[bool | None, BeforeValidator(_given)] = None

    @property
    def is_for_admins(self) -> bool:
        """Whether it names what only an admin may change."""
        return self.role is not None or self.is_active is not None


class Account(BaseModel):
    """A user, as the API shows one."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    email: str
    full_name: str
    role: Role
    is_active: bool
    created_at: Time


class Accounts(BaseModel):
    """A page of users, newest first."""

    users: list[Account]
    count: int
    next_cursor: str | None


class Deactivated(BaseModel):
    """The account is inactive now, whether by this request or before it; `erased` where that was asked for."""

    deactivated: Literal[True] = True
    erased: Annotated[Literal[True] | None, Field(exclude_if=lambda value: value is None)] = None


class UsersHealth(Health):
    """How many users there are, and how many of them are active."""

    total: int | None = None
    active: int | None = None
