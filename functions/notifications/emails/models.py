"""An e-mail, its recipient and its link."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Recipient:
    """The customer to whom an e-mail is sent; without a name, the e-mail greets nobody by it."""

    user_id: str
    email: str
    full_name: str | None = None


@dataclass(frozen=True)
class Link:
    """A link to a page of the shop.

    Attributes:
        user_id: the account that the token is for.
        sealed_token: the link's one-time token, encrypted (`shared.contracts.events`).
    """

    page: str
    user_id: str
    sealed_token: str = field(repr=False)


@dataclass(frozen=True)
class Email:
    """An e-mail to a customer, or to the admins without a recipient.

    Attributes:
        notice: the text of its notification, if that is not the e-mail's.
        link: the link that it is to have; the text has it if it was composed with its URL.
        is_listed: whether the customer may see its notification.
    """

    recipient: Recipient | None
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    order_id: str | None = None
    notice: str | None = None
    link: Link | None = None
    is_listed: bool = True
