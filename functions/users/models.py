"""What a user, a session's family and failed attempts are, and the rules of each. No storage, no HTTP."""

import hashlib
import re
import secrets
from dataclasses import dataclass, field, replace
from typing import Final, Self

from shared.tokens import Role

FAMILY_SECONDS: Final = 30 * 24 * 3600
_TOKEN: Final = re.compile(r"(?P<family>[0-9a-f]{32})\.(?P<secret>[A-Za-z0-9_-]{43})")


@dataclass(frozen=True)
class User:
    """One account.

    `created_at` is RFC 3339. `version` grows by one with each change. Refresh tokens given out under an earlier
    `session_epoch` are void: so all of a user's sessions end by one write, without being looked for.
    """

    id: str
    email: str
    full_name: str
    password_hash: str = field(repr=False)
    role: Role
    is_active: bool
    created_at: str
    version: int = 1
    session_epoch: int = 0

    def changed(
        self,
        *,
        email: str | None = None,
        full_name: str | None = None,
        password_hash: str | None = None,
        role: Role | None = None,
        is_active: bool | None = None,
    ) -> "User":
        """The user after a change, itself where nothing differs. None leaves what is there.

        A new password and a deactivation end all sessions.
        """
        after = replace(
            self,
            email=self.email if email is None else email,
            full_name=self.full_name if full_name is None else full_name,
            password_hash=self.password_hash if password_hash is None else password_hash,
            role=self.role if role is None else role,
            is_active=self.is_active if is_active is None else is_active,
        )
        if after == self:
            return self
        ends_sessions = after.password_hash != self.password_hash or self.deactivated_in(after)
        return replace(
            after,
            version=self.version + 1,
            session_epoch=self.session_epoch + (1 if ends_sessions else 0),
        )

    def deactivated_in(self, after: "User") -> bool:
        """Whether the account is active now and no more in `after`."""
        return self.is_active and not after.is_active


@dataclass(frozen=True)
class Place:
    """Where in a list of users a page ended."""

    created_at: str
    user_id: str


@dataclass(frozen=True)
class UserPage:
    """One page of users, and where the next begins: None at the end."""

    users: list[User]
    next: Place | None


@dataclass(frozen=True)
class RefreshToken:
    """An opaque token: which family it is of, and a secret of 256 random bits."""

    family_id: str
    secret: str = field(repr=False)

    @classmethod
    def drawn(cls, family_id: str | None = None) -> Self:
        """A new token, of a new family unless one is named."""
        return cls(family_id or secrets.token_hex(16), secrets.token_urlsafe(32))

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The token in `text`, None if it cannot be one of ours."""
        match = _TOKEN.fullmatch(text)
        return cls(match["family"], match["secret"]) if match else None

    @property
    def text(self) -> str:
        """What the client keeps."""
        return f"{self.family_id}.{self.secret}"

    @property
    def digest(self) -> str:
        """What we keep. A plain SHA-256: nobody guesses 256 random bits, however fast the hash."""
        return hashlib.sha256(self.secret.encode()).hexdigest()


@dataclass(frozen=True)
class Family:
    """All refresh tokens that came of one log-in; only the newest is good, by its `digest`.

    `expires_at`, in epoch seconds, is counted from the log-in: a rotation does not move it.
    """

    id: str
    user_id: str
    session_epoch: int
    digest: str
    expires_at: int

    def serves(self, user: User, *, at: int) -> bool:
        """Whether tokens of this family may still be exchanged for the user's."""
        return (
            user.is_active
            and user.id == self.user_id
            and user.session_epoch == self.session_epoch
            and at < self.expires_at
        )


@dataclass(frozen=True)
class Failures:
    """Wrong passwords that came in one window of time; `last_at` in epoch seconds."""

    count: int = 0
    last_at: int = 0

    def backoff(self, *, at: int, tolerated: int, longest: int) -> int:
        """Seconds still to wait: none below `tolerated` failures, then 2 since the last failure, doubling with each
        further one up to `longest`."""
        if self.count < tolerated:
            return 0
        delay = min(longest, 2 << min(self.count - tolerated, 30))
        return max(0, self.last_at + delay - at)
