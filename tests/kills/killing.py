"""Who is killed and when, and what that excuses."""

import json
import random
from collections import Counter
from typing import Any, Final

from notifications.letters import compose
from shared.contracts.events import Event
from tests.kills.lambda_service import LambdaService
from tests.support.books import Books, HandedOver
from tests.support.invariants import ADMIN_EMAIL

# How many of a function's invocations are to be killed. Those that every order needs are killed more rarely, or the
# circuit breakers would stay open and nobody would order anything.
_CHANCES: Final = {"UsersDirectory": 0.1, "ProductsInventory": 0.2, "OrdersApi": 0.35}
_CHANCE: Final = 0.5
_MAILER: Final = "NotificationsWorker"


class Killer:
    """Kills workers in the middle of what they do, each moment of it as likely as any other.

    Args:
        wanted: how many; then it stops.
    """

    def __init__(self, service: LambdaService, wanted: int) -> None:
        self._service = service
        self.wanted = wanted
        self._random = random.Random()
        self._mailed_when_lost: Counter[str] = Counter()
        service.on_lost = self._note
        service.fate = self._fate

    @property
    def kills(self) -> int:
        return self._service.killed.total()

    @property
    def is_done(self) -> bool:
        return self.kills >= self.wanted

    def stop(self) -> None:
        self.wanted = 0

    def excess_emails(self, books: Books) -> tuple[int, list[str]]:
        """How many e-mails were handed over more than once because their worker died around it, and those for which
        that is no excuse.

        SES knows no idempotency key: who dies between its taking an e-mail and the note of it leaves it to be sent
        again. One death excuses one more e-mail of an event that was in its batch, no other.
        """
        told_of: dict[HandedOver, list[Event]] = {}
        for fact in (fact for events in books.events.values() for fact in events):
            if letter := compose(fact):
                to = letter.recipient.email if letter.recipient else ADMIN_EMAIL
                told_of.setdefault(HandedOver(to, letter.subject, letter.text), []).append(fact)
        excused = 0
        inexcusable = []
        for email, times in Counter(books.emails).items():
            events = told_of.get(email, [])
            excess = times - len(events)
            if excess > sum(self._mailed_when_lost[fact.id] for fact in events):
                inexcusable.append(f"{email} was handed over {times} times")
            else:
                excused += max(excess, 0)
        return excused, inexcusable

    def _fate(self, name: str, usual: float) -> float | None:
        if self.is_done or self._random.random() > _CHANCES.get(name, _CHANCE):
            return None
        return self._random.uniform(0, usual)

    def _note(self, name: str, payload: bytes) -> None:
        if name == _MAILER:
            records: list[dict[str, Any]] = json.loads(payload)["Records"]
            self._mailed_when_lost.update(json.loads(record["body"])["id"] for record in records)
