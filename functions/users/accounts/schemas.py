"""Request and response bodies of accounts."""

import re
import unicodedata
from typing import Annotated, Final, Literal, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    StringConstraints,
)

from shared.auth.tokens import Role
from shared.personal import PersonalSecret
from shared.web import texts
from shared.web.fields import RequestBody, ResponseBody, Time, omitted_if_none, unset
from shared.web.health import Health
from users import emails
from users.accounts.models import UserChanges

# Control characters, lone surrogates, line and paragraph separators.
_UNPRINTABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
# A scheme, an e-mail address, or a domain: a dot before two letters, which no initials have.
_LINK: Final = re.compile(r"\w{2}:\S|\S@\S|[.\u3002]\w[^\s.\u3002,)]")


def _printable(text: str) -> str:
    if any(unicodedata.category(character) in _UNPRINTABLE for character in text):
        raise ValueError("must not contain control characters")
    return text


def _name(text: str) -> str:
    """A name is mailed to others, so it carries no link and nothing that hides one."""
    has_format = any(unicodedata.category(character) == "Cf" for character in text)
    if has_format or _LINK.search(unicodedata.normalize("NFKC", text)):
        raise ValueError(
            "must be a name: no web or e-mail address, no invisible characters, and a blank after"
            " a full stop"
        )
    return _printable(text)


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
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(_name),
    Field(
        json_schema_extra={"pattern": texts.without(texts.UNPRINTABLE + texts.FORMAT)},
        examples=["Alice Example"],
    ),
]
NewPassword = Annotated[
    str,
    PersonalSecret,
    StringConstraints(min_length=12, max_length=128),
    AfterValidator(_printable),
    Field(
        json_schema_extra={"pattern": rf"^[^{texts.UNPRINTABLE}]*$"},
        examples=["correct-horse-battery"],
    ),
]
# A password to compare. Any text up to this length may be sent: it is a wrong password then.
Password = Annotated[str, PersonalSecret, StringConstraints(min_length=1, max_length=1024)]


class RegistrationRequest(RequestBody):
    """A new account."""

    email: Email
    full_name: FullName
    password: NewPassword = Field(repr=False)


class AccountChangeRequest(RequestBody):
    """A change of an account: fields that are left out keep their values.

    Only the owner may change `email` and `password`, only an admin `role` and `is_active`: these
    four need the caller's own `current_password`. A new `email` takes effect when it is confirmed.
    """

    email: Email = unset()
    full_name: FullName = unset()
    password: NewPassword = unset(repr=False)
    current_password: Password = unset(repr=False)
    role: Role = unset()
    is_active: bool = unset()

    @property
    def changes(self) -> UserChanges:
        """The fields that were given, but for the address and the passwords."""
        given = self.model_fields_set - {"email", "password", "current_password"}
        return cast("UserChanges", {name: getattr(self, name) for name in given})


class DeactivationRequest(RequestBody):
    """The caller's own password: to erase the caller's own account, it is needed."""

    current_password: Password = unset(repr=False)


class AccountResponse(ResponseBody):
    """An account."""

    id: str
    email: str
    full_name: str
    role: Role
    is_active: bool
    email_confirmed: bool
    created_at: Time


class AccountListResponse(BaseModel):
    """A page of users, newest first."""

    users: list[AccountResponse]
    count: int
    next_cursor: str | None


class DeactivationResponse(BaseModel):
    """The account is inactive; `erased` if the request asked for that."""

    deactivated: Literal[True]
    erased: Literal[True] | None = omitted_if_none()


class UsersHealth(Health):
    """The number of users, and how many of them are active."""

    total: int | None = omitted_if_none()
    active: int | None = omitted_if_none()
