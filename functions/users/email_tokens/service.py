"""Issues one-time tokens."""

from shared.runtime.clock import Clock, epoch
from users.email_tokens.models import EmailToken, IssuedToken, Kind
from users.email_tokens.ports import Sealer


class EmailTokens:
    """Issues the tokens of e-mails' links. Who issues one stores it with the event that carries
    it."""

    def __init__(self, *, sealer: Sealer, clock: Clock) -> None:
        self._sealer = sealer
        self._clock = clock

    def issue(self, kind: Kind, *, user_id: str, email: str, session_epoch: int = 0) -> IssuedToken:
        """A new token that is bound to an address."""
        token, text = EmailToken.generate(
            kind,
            user_id=user_id,
            email=email,
            session_epoch=session_epoch,
            at=epoch(self._clock()),
        )
        return IssuedToken(token, self._sealer.seal(text, user_id=user_id))
