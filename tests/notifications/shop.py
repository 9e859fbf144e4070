"""The worker's notifier, on fakes."""

from notifications.emails.service import Notifier
from notifications.models import Notification, mailbox
from shared.contracts.events import Event
from tests.notifications.fakes import FakeMailer, InMemoryNotifications
from tests.support.clock import ManualClock


class Shop:
    """A notifier with all that it stands on, and what a test wants to see of them."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.mailer = FakeMailer()
        self.notifications = InMemoryNotifications()
        self.notifier = Notifier(
            self.notifications, self.mailer, admin_email="keeper@example.com", clock=self.clock
        )

    def deliver(self, fact: Event) -> None:
        self.notifier.notify(fact)

    def kept(self, box: str = mailbox("alice-1")) -> list[Notification]:
        return self.notifications.newest_first(box, unread=None, before=None, limit=100)
