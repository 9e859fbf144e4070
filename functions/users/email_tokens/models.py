"""A one-time token of an e-mail's link, and its rules."""

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Final, Literal, Self

from users import emails

type Kind = Literal["confirm", "change", "reset", "undo"]
"""What the token does: confirm the account's address, move the account to a new address, set a new
password, or bring the account back to an address that it left."""

_HOUR: Final = 3600
_LIFETIMES: Final[dict[Kind, int]] = {
    "confirm": 24 * _HOUR,
    "change": 24 * _HOUR,
    "reset": _HOUR,
    "undo": 72 * _HOUR,
}


@dataclass(frozen=True)
class EmailToken:
    """A token as it is stored: neither its text nor the address can be read from it.

    Attributes:
        digest: the SHA-256 of the text, in hexadecimal. 256 random bits cannot be guessed.
        address: the SHA-256 of the address that the token is bound to, in hexadecimal.
        bound_to: when the token was issued, the account's session epoch (of `change`) or the number
            of its resets (of `reset`): the token is void when that has grown.
        expires_at: epoch seconds.
    """

    digest: str
    user_id: str
    kind: Kind
    address: str
    bound_to: int
    expires_at: int

    @classmethod
    def generate(
        cls, kind: Kind, *, user_id: str, email: str, bound_to: int, at: int
    ) -> tuple[Self, str]:
        """A new token that is bound to an address, and its text."""
        text = secrets.token_urlsafe(32)
        until = at + _LIFETIMES[kind]
        token = cls(digest(text), user_id, kind, address_digest(email), bound_to, until)
        return token, text

    def is_bound_to(self, email: str | None) -> bool:
        """Whether the token was issued for this address, in upper or lower case."""
        return email is not None and self.address == address_digest(email)


@dataclass(frozen=True)
class IssuedToken:
    """A new token, and its text encrypted: only the writer of e-mails can read it."""

    token: EmailToken
    sealed: str = field(repr=False)


@dataclass(frozen=True)
class Window:
    """A time in which no more than so many e-mails may be requested.

    Attributes:
        key: what they have in common: a digest, so that the item holds no address.
        start: epoch seconds.
    """

    key: str
    start: int
    seconds: int
    most: int

    @classmethod
    def of(cls, what: str, *, seconds: int, most: int, at: int) -> Self:
        """The window of what they have in common that holds this moment, in epoch seconds."""
        return cls(digest(what), at - at % seconds, seconds, most)

    @property
    def end(self) -> int:
        return self.start + self.seconds


def digest(text: str) -> str:
    """The digest under which the token with this text is stored."""
    return hashlib.sha256(text.encode()).hexdigest()


def address_digest(email: str) -> str:
    """Stands for an address where the address itself is not needed."""
    return digest(emails.normalised(email))
