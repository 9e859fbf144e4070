"""The settings of functions that use all queues."""

from dataclasses import dataclass

from operations.queues.models import QueueUrls
from shared.runtime.settings import ApiSettings


@dataclass(frozen=True)
class QueuesSettings(ApiSettings):
    """The URLs of the queues and of their dead-letter queues."""

    checkout_queue_url: str
    checkout_dead_letters_url: str
    notifications_queue_url: str
    notifications_dead_letters_url: str

    @property
    def queues(self) -> dict[str, QueueUrls]:
        """The queues by their names."""
        return {
            "checkout": QueueUrls(self.checkout_queue_url, self.checkout_dead_letters_url),
            "notifications": QueueUrls(
                self.notifications_queue_url, self.notifications_dead_letters_url
            ),
        }
