"""Sessions: log in, get the next pair of tokens, list sessions, log out."""

from shared.runtime import logging, metrics
from shared.runtime.clock import Clock, epoch
from shared.storage.conflicts import ConcurrentChange, retry_on_conflict
from users.accounts.models import ActiveCaller, User
from users.accounts.ports import Passwords, Users
from users.login_throttle.service import LoginThrottle
from users.sessions.access_tokens import AccessTokens
from users.sessions.errors import BadCredentials, BadRefreshToken, SessionNotFound
from users.sessions.models import Family, RefreshToken, TokenPair, is_session_id
from users.sessions.ports import Families


class SessionService:
    """Exchanges passwords and refresh tokens for pairs of tokens."""

    def __init__(
        self,
        *,
        users: Users,
        families: Families,
        passwords: Passwords,
        throttle: LoginThrottle,
        tokens: AccessTokens,
        clock: Clock,
    ) -> None:
        self._users = users
        self._families = families
        self._passwords = passwords
        self._throttle = throttle
        self._tokens = tokens
        self._clock = clock

    def log_in(
        self,
        *,
        email: str,
        password: str,
        source: str,
        client: str = "",
        device: str = "",
        is_browser: bool = False,
    ) -> TokenPair:
        """The first pair of a new family.

        An unknown address, a wrong password and an inactive account take the same steps, so that
        neither the answer nor its time shows which it was.

        Args:
            source: the IP address of the request.
            client: the kind of client, for the list of sessions.
            device: the token of the device from its last log-in, if it has one.
            is_browser: whether a cookie will hold the refresh token.

        Raises:
            TooManyAttempts: too many attempts failed before.
            BadCredentials: no active account has this address and password.
        """
        with self._throttle.attempt(email, source, device) as attempt:
            user = self._users.find_by_email(email)
            is_right = self._passwords.match(self._users.find_password_hash(user), password)
            if user is None or not is_right or not user.is_active:
                metrics.count("LogInsFailed")
                raise BadCredentials
            self._throttle.succeeded(attempt)
        device = self._throttle.remember(attempt, email)
        at = self._clock()
        family, token = Family.start(user, at=at, client=client, is_browser=is_browser)
        access_token = self._tokens.issue(user, family.session_id)
        self._families.add(family)
        logging.logger().info("a user logged in", extra={"user_id": user.id})
        return TokenPair(access_token, token.text, family.expires_at - epoch(at), device)

    def refresh(self, text: str, *, is_browser: bool = False) -> TokenPair:
        """The next pair; the given token is spent.

        A spent token ends its family, because one of its two holders may be a thief. A client that
        lost an answer and sends the token again looks the same, and has to log in; a browser has
        a leeway (`Family.accepts`).

        Args:
            is_browser: whether the token comes from a cookie. A token of the other kind of session
                is unknown.

        Raises:
            BadRefreshToken: the token is unknown, spent, ended or expired.
        """
        return retry_on_conflict(lambda: self._find(text, is_browser=is_browser), self._exchange)

    def log_out(self, text: str, *, is_browser: bool = False) -> None:
        """End the family of a token, also of a spent one. An unknown token changes nothing."""
        if found := self._find(text, is_browser=is_browser):
            self._families.end(found[1].id)

    def _exchange(self, found: tuple[RefreshToken, Family] | None) -> TokenPair:
        if found is None:
            raise BadRefreshToken
        token, family = found
        at = self._clock()
        if not family.accepts(token, at=epoch(at)):
            raise self._reused(family)
        user = self._users.find(family.user_id)
        if user is None or not family.is_valid_for(user, at=epoch(at)):
            self._families.end(family.id)
            raise BadRefreshToken
        # Signed before the rotation: if signing fails, the client's token is still valid.
        access_token = self._tokens.issue(user, family.session_id)
        following = family.following(token)
        try:
            # An answer that was lost is given again, and nothing changes.
            if following.digest != family.digest:
                self._families.rotate(family, family.rotated(following, at=at))
        except ConcurrentChange as cause:
            if family.is_browser:
                raise  # the same token may still be within the leeway
            raise self._reused(family) from cause
        return TokenPair(access_token, following.text, family.expires_at - epoch(at))

    def log_out_everywhere(self, caller: ActiveCaller) -> None:
        """End all sessions of the caller, this one too."""

        def log_out(before: User) -> None:
            # A concurrent change may have done it.
            if before.session_epoch == caller.session_epoch:
                self._users.save(before, before.logged_out())

        retry_on_conflict(lambda: caller.account, log_out)
        logging.logger().info("a user logged out everywhere", extra={"user_id": caller.id})

    def list(self, user: User) -> list[Family]:
        """The user's sessions that may still be used, the newest first: those among the newest
        hundred."""
        now = epoch(self._clock())
        return [f for f in self._families.newest(user.id) if f.is_valid_for(user, at=now)]

    def end(self, user: User, session_id: str) -> None:
        """End one of the user's sessions. Its access token is valid until it expires.

        Raises:
            SessionNotFound: it does not exist, or is another user's.
        """
        if not is_session_id(session_id) or not self._families.end(user.id + session_id):
            raise SessionNotFound

    def _find(self, text: str, *, is_browser: bool) -> tuple[RefreshToken, Family] | None:
        """The token in `text` and the family of this kind that has issued it."""
        token = RefreshToken.parse(text)
        family = self._families.find(token.family_id) if token else None
        if not token or not family or family.is_browser is not is_browser:
            return None
        return (token, family) if family.has_issued(token) else None

    def _reused(self, family: Family) -> BadRefreshToken:
        self._families.end(family.id)
        logging.logger().warning(
            "a refresh token was used again: its family has ended",
            extra={"user_id": family.user_id},
        )
        metrics.count("RefreshTokensReused")
        return BadRefreshToken()
