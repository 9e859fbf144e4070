"""Fakes of the notifications' provider of e-mails, and of what makes their links."""

from collections.abc import Callable

from notifications.emails.models import Email, Link


class FakeEmailSender:
    """Accepts e-mails, or raises `error` if it is set."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Email]] = []
        self.error: Exception | None = None

    def send(self, email: Email, *, to: str) -> str:
        if self.error:
            raise self.error
        self.sent.append((to, email))
        return f"message-{len(self.sent)}"


class FakeLinks:
    """Makes URLs of links whose tokens are not encrypted, or raises `error` if it is set.

    Attributes:
        decrypting: called meanwhile.
    """

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.decrypting: Callable[[], None] = lambda: None

    def url(self, link: Link) -> str:
        self.decrypting()
        if self.error:
            raise self.error
        return f"https://shop.test/{link.page}?token={link.sealed_token}"
