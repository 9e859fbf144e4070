"""What a session is: a family of refresh tokens, and its rules."""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Self

from shared.runtime.clock import epoch, rfc3339
from users.accounts.models import User

_FAMILY_SECONDS: Final = 30 * 24 * 3600
# A reload in the middle of a refresh loses the answer with the next cookie.
_LEEWAY_SECONDS: Final = 30
_SESSION_ID: Final = re.compile(r"[0-9a-f]{32}")
# Families that an earlier release has started have an id without the user's.
_TOKEN: Final = re.compile(r"((?:[0-9a-f]{32}){1,2})\.([A-Za-z0-9_-]{43})\.([0-9a-f]{32})")


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

    def following(self, key: str) -> Self:
        """The token that a browser gets for this one: the same one, however often it asks."""
        digest = hmac.digest(bytes.fromhex(key), f"next {self.secret}".encode(), "sha256")
        secret = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return type(self)(self.family_id, secret, _mac(key, secret))

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
    """The refresh tokens that one log-in led to, a session; only the newest is valid, by its
    `digest`.

    Attributes:
        id: the user's id and the session's, 32 hexadecimal digits each. An earlier release had the
            latter only; such a family is in no list.
        created_at, last_used_at: RFC 3339.
        client: the kind of client that has logged in.
        is_browser: whether a cookie holds its tokens.
        previous_until: until when a browser may exchange the token before the newest one again, in
            epoch seconds.
        expires_at: epoch seconds, counted from the log-in; a rotation does not change it.
        key: makes the MACs. It cannot make a valid token: the secret's digest has to match as well.
    """

    id: str
    user_id: str
    session_epoch: int
    digest: str
    expires_at: int
    key: str = field(repr=False)
    created_at: str = ""
    last_used_at: str = ""
    client: str = ""
    is_browser: bool = False
    previous_until: int | None = None

    @classmethod
    def start(
        cls, user: User, *, at: datetime, client: str, is_browser: bool = False
    ) -> tuple[Self, RefreshToken]:
        """A new family of the user's, and its first token."""
        # In the order of time, as of UUIDv7 (RFC 9562, section 5.7).
        session_id = f"{int(at.timestamp() * 1000):012x}{secrets.token_hex(10)}"
        id_, key = user.id + session_id, secrets.token_hex(32)
        token = RefreshToken.generate(id_, key)
        family = cls(
            id=id_,
            user_id=user.id,
            session_epoch=user.session_epoch,
            digest=token.digest,
            expires_at=epoch(at) + _FAMILY_SECONDS,
            key=key,
            created_at=rfc3339(at),
            last_used_at=rfc3339(at),
            client=client,
            is_browser=is_browser,
        )
        return family, token

    @property
    def session_id(self) -> str:
        """Its id among those of the user."""
        return self.id.removeprefix(self.user_id)

    def has_issued(self, token: RefreshToken) -> bool:
        """Whether the token is one of this family, spent or not."""
        return hmac.compare_digest(token.mac, _mac(self.key, token.secret))

    def accepts(self, token: RefreshToken, *, at: int) -> bool:
        """Whether the token may be exchanged: the newest one or, within the leeway of a browser,
        the one before."""
        return hmac.compare_digest(self.digest, token.digest) or (
            at < (self.previous_until or 0)
            and hmac.compare_digest(self.digest, self.following(token).digest)
        )

    def following(self, token: RefreshToken) -> RefreshToken:
        """The token that an accepted one is exchanged for.

        Pages that are left lose answers, or get them late. Were a browser given another token for
        the same one, it could be left with one that is neither the newest nor the one before.
        """
        if self.is_browser:
            return token.following(self.key)
        return RefreshToken.generate(self.id, self.key)

    def rotated(self, following: RefreshToken, *, at: datetime) -> Self:
        """The family after its newest token was exchanged for the following one."""
        after = replace(self, digest=following.digest, last_used_at=rfc3339(at))
        if not self.is_browser:
            return after
        return replace(after, previous_until=epoch(at) + _LEEWAY_SECONDS)

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
    """An access token, and the refresh token that gets the next pair, once.

    Attributes:
        refresh_seconds: for how long the refresh token's family lives.
        device: the token by which the log-in throttle knows the device; empty after a refresh.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    refresh_seconds: int = 0
    device: str = field(default="", repr=False)


def is_session_id(text: str) -> bool:
    """Whether it has the form of a session's id."""
    return _SESSION_ID.fullmatch(text) is not None


def _mac(key: str, secret: str) -> str:
    return hmac.digest(bytes.fromhex(key), secret.encode(), "sha256").hex()[:32]
