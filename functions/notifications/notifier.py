"""Lambda entry: takes events from the notifications queue."""

from dataclasses import dataclass

# Before pydantic: see there.
from shared.messaging.workers import queue_worker  # isort: skip

from notifications.emails.service import Notifier
from notifications.emails.ses import SesMailer
from notifications.repository import DynamoNotifications
from shared.runtime.aws import client
from shared.runtime.entry import Entry, Handler
from shared.runtime.settings import QueueSettings
from shared.storage.dynamodb import Table


@dataclass(frozen=True)
class Settings(QueueSettings):
    """`sender_email` is the address that SES has verified, `admin_email` hears of what concerns the shop."""

    table_name: str
    sender_email: str
    admin_email: str


def build(settings: Settings) -> Handler:
    """The worker on DynamoDB and SES."""
    notifier = Notifier(
        DynamoNotifications(Table(settings.table_name, client("dynamodb"))),
        SesMailer(client("sesv2", read=5.0, attempts=1), settings.sender_email),
        admin_email=settings.admin_email,
    )
    return queue_worker(notifier.notify, settings)


handler = Entry(build, Settings)
