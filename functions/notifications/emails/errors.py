"""What can go wrong with an e-mail."""

from shared.errors import OwnError, TemporaryFailure
from shared.messaging.redelivery import GiveUp


class EmailRefused(OwnError):
    """The provider will not take this message, now or later. The text is the provider's code."""


class EmailBlocked(GiveUp):
    """The provider refuses such messages until an operator changes the account: it is in the sandbox, paused, or at its
    daily quota. The text is the provider's code."""


class EmailUnavailable(TemporaryFailure):
    """The provider did not take the message, but may take it later. The text is the provider's code."""


class EmailUnanswered(OwnError):
    """The message was sent and no answer came: the provider may have taken it. The text is the SDK's error."""
