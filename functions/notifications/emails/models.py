"""An e-mail and its recipient."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipient:
    """The customer to whom an e-mail is sent."""

    user_id: str
    full_name: str
    email: str


@dataclass(frozen=True)
class Email:
    """An e-mail that is ready to be sent: to a customer, or to the admins without a recipient."""

    recipient: Recipient | None
    subject: str
    text: str
    html: str
    order_id: str | None = None
