"""Lambda entry for the queue: sends the e-mail of each event."""

from dataclasses import dataclass

# Before pydantic: see there.
from shared.messaging.workers import queue_worker  # isort: skip

from notifications.emails.links import KmsLinks
from notifications.emails.service import Notifier
from notifications.emails.ses import SesEmailSender
from notifications.repository import DynamoNotifications
from shared.runtime.aws import client
from shared.runtime.entry import Entry, Handler
from shared.runtime.settings import QueueSettings
from shared.storage.dynamodb import Table


@dataclass(frozen=True)
class Settings(QueueSettings):
    """The function's settings.

    Attributes:
        sender_email: the address of the sender, which SES has verified.
        admin_email: the address for what concerns the shop and no single customer.
        mail_key_id: the KMS key of the tokens of e-mails' links.
        shop_url: where the pages are that the links lead to.
    """

    table_name: str
    shards: int
    sender_email: str
    admin_email: str
    mail_key_id: str
    shop_url: str


def build(settings: Settings) -> Handler:
    """Wire the function."""
    notifier = Notifier(
        DynamoNotifications(Table(settings.table_name, client("dynamodb"), shards=settings.shards)),
        SesEmailSender(client("sesv2", read=5.0, attempts=1), settings.sender_email),
        KmsLinks(lambda: client("kms"), key_id=settings.mail_key_id, shop_url=settings.shop_url),
        admin_email=settings.admin_email,
    )
    return queue_worker(notifier.notify, settings)


handler = Entry(build, Settings)
