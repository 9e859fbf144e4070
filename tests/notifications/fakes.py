"""A fake of the notifications' provider of e-mails."""

from notifications.emails.models import Email


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
