"""Sessions: log in, get the next pair of tokens, log out."""

from hmac import compare_digest

from shared.runtime import logging, metrics
from shared.runtime.clock import Clock, epoch
from users.accounts.ports import Passwords, Users
from users.login_throttle.service import Guard
from users.sessions.access_tokens import AccessTokens
from users.sessions.errors import BadCredentials, BadRefreshToken, TokenSuperseded
from users.sessions.models import Family, RefreshToken
from users.sessions.ports import Families
from users.sessions.schemas import LogIn, TokenPair


class SessionService:
    """Exchanges passwords and refresh tokens for pairs of tokens.

    Args:
        guard: slows down who tries out passwords.
        tokens: mints the access tokens.
    """

    def __init__(
        self,
        *,
        users: Users,
        families: Families,
        passwords: Passwords,
        guard: Guard,
        tokens: AccessTokens,
        clock: Clock,
    ) -> None:
        self._users = users
        self._families = families
        self._passwords = passwords
        self._guard = guard
        self._tokens = tokens
        self._clock = clock

    def log_in(self, credentials: LogIn, *, source: str) -> TokenPair:
        """The first pair of a new family.

        Unknown, wrong and deactivated take the same steps, so that neither answer nor time tells them apart.

        Args:
            source: the IP address of the request.

        Raises:
            TooManyAttempts: too many failures came before it.
            BadCredentials: no active account has this address and password.
        """
        with self._guard.attempt(credentials.email, source) as attempt:
            user = self._users.find_by_email(credentials.email)
            password_hash = user.password_hash if user else None
            is_right = self._passwords.match(password_hash, credentials.password)
            if user is None or not is_right or not user.is_active:
                metrics.count("LogInsFailed")
                raise BadCredentials
            self._guard.succeeded(attempt)
        access_token = self._tokens.mint(user)
        family, token = Family.begun(user, at=epoch(self._clock()))
        self._families.add(family)
        logging.logger().info("a user logged in", extra={"user_id": user.id})
        metrics.count("LogIns")
        return TokenPair(access_token=access_token, refresh_token=token.text)

    def refresh(self, text: str) -> TokenPair:
        """The next pair; the token that was given is spent.

        A spent one ends its family, for either of its two holders may be a thief. A client that lost an answer and
        asks again looks the same, and has to log in.

        Raises:
            BadRefreshToken: see there.
        """
        held = self._held(text)
        if held is None:
            raise BadRefreshToken
        token, family = held
        if not compare_digest(family.digest, token.digest):
            raise self._reused(family)
        user = self._users.find(family.user_id)
        if user is None or not family.serves(user, at=epoch(self._clock())):
            self._families.end(family.id)
            raise BadRefreshToken
        # Before the rotation: if signing fails, the client's token is still good.
        access_token = self._tokens.mint(user)
        following = RefreshToken.drawn(family.id, family.key)
        try:
            self._families.rotate(family.id, old=token.digest, new=following.digest)
        except TokenSuperseded as cause:
            raise self._reused(family) from cause
        return TokenPair(access_token=access_token, refresh_token=following.text)

    def log_out(self, text: str) -> None:
        """End the token's family, also if the token is spent. One that is none of ours, or no more, has none to end."""
        if held := self._held(text):
            self._families.end(held[1].id)

    def _held(self, text: str) -> tuple[RefreshToken, Family] | None:
        """The token in `text` and the family that gave it, spent or not."""
        token = RefreshToken.parse(text)
        family = self._families.find(token.family_id) if token else None
        return (token, family) if token and family and family.gave(token) else None

    def _reused(self, family: Family) -> BadRefreshToken:
        self._families.end(family.id)
        logging.logger().warning(
            "a refresh token was used again: its family has ended",
            extra={"user_id": family.user_id},
        )
        metrics.count("RefreshTokensReused")
        return BadRefreshToken()
