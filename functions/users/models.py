"""What a user, a session's family and attempts at passwords are, and the rules of each. No storage, no HTTP."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field, replace
from typing import Final, Self

from shared.auth.tokens import Role
from shared.contracts.erasure import ERASED, erased_email
from users.errors import AccountErased

FAMILY_SECONDS: Final = 30 * 24 * 3600
_TOKEN: Final = re.compile(r"([0-9a-f]{32})\.([A-Za-z0-9_-]{43})\.([0-9a-f]{32})")


@dataclass(frozen=True)
class User:
    """One account.

    `created_at` is RFC 3339. `version` grows by one with each change. Refresh tokens given out under an earlier
    `session_epoch` are void: so all of a user's sessions end by one write, without being looked for. `erased_at`, RFC
    3339, is there once the person's data is not; such an account never changes again.
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
    erased_at: str | None = None

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

        Raises:
            AccountErased: something differs, and there is nobody any more whose account this is.
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
        if self.erased_at:
            raise AccountErased
        ends_sessions = after.password_hash != self.password_hash or self.deactivated_in(after)
        return replace(
            after,
            version=self.version + 1,
            session_epoch=self.session_epoch + (1 if ends_sessions else 0),
        )

    def erased(self, *, at: str) -> "User":
        """The account without its person: inactive, and nobody can log in to it; itself where that was done before.

        Role, `created_at` and the id stay: what was bought under it is still one customer's.
        """
        if self.erased_at:
            return self
        return replace(
            self,
            email=erased_email(self.id),
            full_name=ERASED,
            password_hash="",  # no password's
            is_active=False,
            version=self.version + 1,
            session_epoch=self.session_epoch + 1,
            erased_at=at,
        )

    @property
    def profile(self) -> "Profile":
        """What lists show."""
        return Profile(
            self.id, self.email, self.full_name, self.role, self.is_active, self.created_at
        )

    def deactivated_in(self, after: "User") -> bool:
        """Whether the account is active now and no more in `after`."""
        return self.is_active and not after.is_active


@dataclass(frozen=True)
class Profile:
    """What lists show of a user: an index holds these attributes and no password's hash."""

    id: str
    email: str
    full_name: str
    role: Role
    is_active: bool
    created_at: str


@dataclass(frozen=True)
class Place:
    """Where in a list of users a page ended."""

    created_at: str
    user_id: str


@dataclass(frozen=True)
class UserPage:
    """One page of users, and where the next begins: None at the end."""

    users: list[Profile]
    next: Place | None


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


@dataclass(frozen=True)
class Attempts:
    """Passwords that were tried at one account from one source and are not known to be right, and until when the source
    is trusted. Times are epoch seconds, 0 for never."""

    count: int = 0
    last_at: int = 0
    trusted_until: int = 0

    def backoff(self, *, at: int, tolerated: int, longest: int) -> int:
        """Seconds still to wait: none below `tolerated` attempts, then 2 since the last one, doubling with each
        further one up to `longest`."""
        if self.count < tolerated:
            return 0
        delay = min(longest, 2 << min(self.count - tolerated, 30))
        return max(0, self.last_at + delay - at)

    def with_another(self, *, at: int, forgotten_after: int) -> "Attempts":
        """One more; those before it don't count once the last of them is so many seconds ago."""
        is_first = at - self.last_at >= forgotten_after
        return replace(self, count=1 if is_first else self.count + 1, last_at=at)
