"""What one-time tokens need: storage, and a key that encrypts them on their way."""

from typing import Protocol

from users.email_tokens.models import EmailToken, Window


class StoredTokens(Protocol):
    """The tokens that are neither used nor deleted. Accounts add and use them with a change."""

    def find(self, text: str) -> EmailToken | None:
        """The token with this text, also an expired one; None if there is none."""


class EmailCounts(Protocol):
    """How many e-mails were requested."""

    def add(self, window: Window) -> bool:
        """Count one e-mail, unless the window is full; whether it was counted."""


class Sealer(Protocol):
    """Encrypts."""

    def seal(self, text: str, *, user_id: str) -> str:
        """The text encrypted for the user with this id, in base64."""
