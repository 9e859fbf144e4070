"""What a session is: a family of refresh tokens, and its rules."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Final, Self

from users.accounts.models import User

_FAMILY_SECONDS: Final = 30 * 24 * 3600
_TOKEN: Final = re.compile(r"([0-9a-f]{32})\.([A-Za-z0-9_-]{43})\.([0-9a-f]{32})")


@dataclass(frozen=True)
class RefreshToken:
    """An opaque token: the id of its family, a secret of 256 random bits, and a MAC of the secret.

    The MAC distinguishes a token that was issued, spent or not, from an invented one: knowing the
    id of a family is not enough to end it.
    """

    family_id: str
    secret: str = field(repr=False)
    mac: str = field(repr=False)

    @classmethod
    def generate(cls, family_id: str, key: str) -> Self:
        """A new token of the family with this key."""
        secret = secrets.token_urlsafe(32)
        return cls(family_id, secret, _mac(key, secret))

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The token in `text`, None if it has another form."""
        match = _TOKEN.fullmatch(text)
        return cls(*match.groups()) if match else None

    @property
    def text(self) -> str:
        """What the client stores."""
        return f"{self.family_id}.{self.secret}.{self.mac}"

    @property
    def digest(self) -> str:
        """What the table stores. A plain SHA-256: 256 random bits cannot be guessed."""
        return hashlib.sha256(self.secret.encode()).hexdigest()


@dataclass(frozen=True)
class Family:
    """The refresh tokens that one log-in led to; only the newest is valid, by its `digest`.

    Attributes:
        expires_at: epoch seconds, counted from the log-in; a rotation does not change it.
        key: makes the MACs. It cannot make a valid token: the secret's digest has to match as well.
    """

    id: str
    user_id: str
    session_epoch: int
    digest: str
    expires_at: int
    key: str = field(repr=False)

    @classmethod
    def start(cls, user: User, *, at: int) -> tuple[Self, RefreshToken]:
        """A new family of the user's, and its first token."""
        id_, key = secrets.token_hex(16), secrets.token_hex(32)
        token = RefreshToken.generate(id_, key)
        family = cls(id_, user.id, user.session_epoch, token.digest, at + _FAMILY_SECONDS, key)
        return family, token

    def has_issued(self, token: RefreshToken) -> bool:
        """Whether the token is one of this family, spent or not."""
        return hmac.compare_digest(token.mac, _mac(self.key, token.secret))

    def is_valid_for(self, user: User, *, at: int) -> bool:
        """Whether the tokens of this family may still be exchanged for the user's."""
        return (
            user.is_active
            and user.id == self.user_id
            and user.session_epoch == self.session_epoch
            and at < self.expires_at
        )


@dataclass(frozen=True)
class TokenPair:
    """An access token, and the refresh token that gets the next pair, once."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


def _mac(key: str, secret: str) -> str:
    return hmac.digest(bytes.fromhex(key), secret.encode(), "sha256").hex()[:32]
