"""What a session is: a family of refresh tokens, and its rules."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Final, Self

from users.accounts.models import User

FAMILY_SECONDS: Final = 30 * 24 * 3600
_TOKEN: Final = re.compile(r"([0-9a-f]{32})\.([A-Za-z0-9_-]{43})\.([0-9a-f]{32})")


@dataclass(frozen=True)
class RefreshToken:
    """An opaque token: which family it is of, a secret of 256 random bits, and the family's mark on it.

    The mark tells a token that was given out, spent or not, from one that was made up: who learns a family's id
    alone can do nothing to it.
    """

    family_id: str
    secret: str = field(repr=False)
    mark: str = field(repr=False)

    @classmethod
    def drawn(cls, family_id: str, key: str) -> Self:
        """A new token of the family with this key."""
        secret = secrets.token_urlsafe(32)
        return cls(family_id, secret, _mark(key, secret))

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The token in `text`, None if it cannot be one of ours."""
        match = _TOKEN.fullmatch(text)
        return cls(*match.groups()) if match else None

    @property
    def text(self) -> str:
        """What the client keeps."""
        return f"{self.family_id}.{self.secret}.{self.mark}"

    @property
    def digest(self) -> str:
        """What we keep. A plain SHA-256: nobody guesses 256 random bits, however fast the hash."""
        return hashlib.sha256(self.secret.encode()).hexdigest()


@dataclass(frozen=True)
class Family:
    """All refresh tokens that came of one log-in; only the newest is good, by its `digest`.

    `expires_at`, in epoch seconds, is counted from the log-in: a rotation does not move it. With the `key` alone nobody
    gets in: it makes marks, and no secrets.
    """

    id: str
    user_id: str
    session_epoch: int
    digest: str
    expires_at: int
    key: str = field(repr=False)

    @classmethod
    def begun(cls, user: User, *, at: int) -> tuple[Self, RefreshToken]:
        """A new family of the user's, and its first token."""
        id_, key = secrets.token_hex(16), secrets.token_hex(32)
        token = RefreshToken.drawn(id_, key)
        return cls(id_, user.id, user.session_epoch, token.digest, at + FAMILY_SECONDS, key), token

    def gave(self, token: RefreshToken) -> bool:
        """Whether the token is, or has been, one of this family."""
        return hmac.compare_digest(token.mark, _mark(self.key, token.secret))

    def serves(self, user: User, *, at: int) -> bool:
        """Whether tokens of this family may still be exchanged for the user's."""
        return (
            user.is_active
            and user.id == self.user_id
            and user.session_epoch == self.session_epoch
            and at < self.expires_at
        )


def _mark(key: str, secret: str) -> str:
    return hmac.digest(bytes.fromhex(key), secret.encode(), "sha256").hex()[:32]
