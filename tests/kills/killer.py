"""Kills invocations at random moments, and knows which e-mails that excuses."""

import json
import random
from collections import Counter
from typing import Any, Final

from notifications.emails.templates import compose
from tests.simulation.timed import TimedShop
from tests.support.books import Books, HandedOver
from tests.support.invariants import ADMIN_EMAIL

# The share of a function's invocations that is killed. Those that every order needs are killed less
# often, or the circuit breakers would stay open and no order could be placed.
_CHANCES: Final = {"UsersDirectory": 0.1, "ProductsInventory": 0.2, "OrdersApi": 0.35}
_CHANCE: Final = 0.5
# As long as most invocations take.
_LONGEST_SECONDS: Final = 0.15
_MAILER: Final = "NotificationsWorker"


class Killer:
    """Kills functions of a shop while it is at work, each moment as likely as any other.

    Args:
        wanted: the number of kills, after which it stops.
    """

    def __init__(self, shop: TimedShop, wanted: int, seed: int) -> None:
        self._shop = shop
        self._wanted = wanted
        self._random = random.Random(seed)
        shop.lifetime = self._lifetime

    @property
    def kills(self) -> int:
        return len(self._shop.killed)

    @property
    def is_done(self) -> bool:
        return self.kills >= self._wanted

    def stop(self) -> None:
        self._wanted = 0

    def inexcusable_emails(self, books: Books) -> list[str]:
        """The e-mails that were handed over more than once without a death of the worker that
        excuses it.

        SES has no idempotency key. A worker that dies between SES's acceptance and the note of it
        leaves the e-mail to be sent again: one death excuses one more e-mail, of an event that was
        in its batch.
        """
        events: dict[HandedOver, set[str]] = {}
        for fact in (fact for history in books.events.values() for fact in history):
            if letter := compose(fact):
                to = letter.recipient.email if letter.recipient else ADMIN_EMAIL
                email = HandedOver(to, letter.subject, letter.text)
                events.setdefault(email, set()).add(fact.id)
        deaths = sorted(
            (_event_ids(event) for _, name, event in self._shop.killed if name == _MAILER), key=len
        )
        found = []
        for email, times in Counter(books.emails).items():
            for _ in range(times - len(events.get(email, ()))):
                excuse = next((d for d in deaths if d & events.get(email, set())), None)
                if excuse is None and email in events:
                    found.append(f"{email} was handed over {times} times")
                elif excuse is not None:
                    deaths.remove(excuse)
        return found

    def _lifetime(self, name: str) -> float | None:
        if self.is_done or self._random.random() > _CHANCES.get(name, _CHANCE):
            return None
        return self._random.uniform(0, _LONGEST_SECONDS)


def _event_ids(event: Any) -> set[str]:
    return {json.loads(record["body"])["id"] for record in event["Records"]}
