"""What the links in e-mails do: confirm an address."""

from collections.abc import Callable
from typing import Final

from shared.runtime import logging
from shared.runtime.clock import Clock, epoch
from shared.storage.conflicts import retry_on_conflict
from users.accounts.models import User
from users.accounts.ports import Users
from users.email_tokens.errors import BadToken
from users.email_tokens.models import EmailToken, Kind
from users.email_tokens.ports import StoredTokens

_CONFIRMING: Final[frozenset[Kind]] = frozenset({"confirm"})


class EmailLinkService:
    """Exchanges the tokens of e-mails' links for what they stand for, each once."""

    def __init__(self, *, users: Users, tokens: StoredTokens, clock: Clock) -> None:
        self._users = users
        self._tokens = tokens
        self._clock = clock

    def confirm(self, text: str) -> None:
        """Confirm the address that the token is bound to.

        Raises:
            BadToken: the token is unknown, used, expired or void.
        """
        token = self._find(text, _CONFIRMING)
        self._use(token, self._confirm)

    def _confirm(self, token: EmailToken, user: User) -> None:
        if not token.is_bound_to(user.email):
            raise BadToken
        self._users.save(user, user.confirmed(), spent=token)

    def _find(self, text: str, kinds: frozenset[Kind]) -> EmailToken:
        token = self._tokens.find(text)
        if token is None or token.kind not in kinds or token.expires_at <= epoch(self._clock()):
            raise BadToken
        return token

    def _use(self, token: EmailToken, use: Callable[[EmailToken, User], None]) -> None:
        """Use a token on its account, again on the new state after a lost race."""

        def used(user: User | None) -> None:
            if user is None or not user.is_active:
                raise BadToken
            use(token, user)
            logging.logger().info(
                "the link of an e-mail was used", extra={"user_id": user.id, "kind": token.kind}
            )

        retry_on_conflict(lambda: self._users.find(token.user_id), used)
