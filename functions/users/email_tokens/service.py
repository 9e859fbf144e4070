"""Issues one-time tokens, and limits the e-mails that carry them."""

from typing import Final

from shared.runtime import logging, metrics
from shared.runtime.clock import Clock, epoch
from users import emails
from users.email_tokens.models import EmailToken, IssuedToken, Kind, Window
from users.email_tokens.ports import EmailCounts, Sealer
from users.networks import network

_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR
_OF_ACCOUNT: Final = 5  # an hour
_TO_ADDRESS: Final = 5  # a day


class EmailTokens:
    """Issues the tokens of e-mails' links. Who issues one stores it with the event that carries
    it.

    Args:
        per_network: the most e-mails that a network may cause in an hour.
    """

    def __init__(
        self, *, sealer: Sealer, counts: EmailCounts, clock: Clock, per_network: int
    ) -> None:
        self._sealer = sealer
        self._counts = counts
        self._clock = clock
        self._per_network = per_network

    def issue(self, kind: Kind, *, user_id: str, email: str, bound_to: int = 0) -> IssuedToken:
        """A new token that is bound to an address."""
        token, text = EmailToken.generate(
            kind,
            user_id=user_id,
            email=email,
            bound_to=bound_to,
            at=epoch(self._clock()),
        )
        return IssuedToken(token, self._sealer.seal(text, user_id=user_id))

    def wait(self, *, user_id: str, email: str, source: str) -> int:
        """Count an e-mail that a request causes; return the seconds until it may be sent, 0 for
        now.

        Requests of a network beyond its limit do not count for others' accounts and addresses.

        Args:
            user_id: whose account it is about.
            email: the address that it goes to.
            source: the IP address of the request.
        """
        now = epoch(self._clock())
        of_network = Window.of(
            f"network {network(source)}", seconds=_HOUR, most=self._per_network, at=now
        )
        of_account = Window.of(f"account {user_id}", seconds=_HOUR, most=_OF_ACCOUNT, at=now)
        to_address = Window.of(
            f"address {emails.normalised(email)}", seconds=_DAY, most=_TO_ADDRESS, at=now
        )
        full = [of_network] if not self._counts.add(of_network) else []
        # Both are counted, also if the first is full: the time shows nothing of an account.
        full = full or [one for one in (of_account, to_address) if not self._counts.add(one)]
        if not full:
            return 0
        logging.logger().warning("an e-mail about an account was not sent: too many")
        metrics.count("AccountEmailsRefused")
        return max(one.end for one in full) - now
