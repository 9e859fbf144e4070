"""An e-mail, and who it is for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipient:
    """Whom a letter is for."""

    user_id: str
    full_name: str
    email: str


@dataclass(frozen=True)
class Letter:
    """A letter ready to be sent: to a recipient, or to the admins where there is none."""

    recipient: Recipient | None
    subject: str
    text: str
    html: str
    order_id: str | None = None
