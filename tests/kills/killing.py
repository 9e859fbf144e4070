"""Who is killed and when, and what that excuses."""

import json
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from notifications.emails.templates import compose
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
        # Of each invocation of the mailer that died, the events of its batch.
        self._mail_lost: list[set[str]] = []
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
        """How many e-mails were handed over more than once because their worker died round it, and those for which
        that is no excuse.

        SES knows no idempotency key: who dies between its taking an e-mail and the note of it leaves it to be sent
        again. One death excuses one more e-mail, of an event that was in its batch.
        """
        told_of: dict[HandedOver, set[str]] = {}
        for fact in (fact for events in books.events.values() for fact in events):
            if letter := compose(fact):
                to = letter.recipient.email if letter.recipient else ADMIN_EMAIL
                told_of.setdefault(HandedOver(to, letter.subject, letter.text), set()).add(fact.id)
        excess = [
            (email, told_of.get(email, set()))
            for email, times in Counter(books.emails).items()
            for _ in range(times - len(told_of.get(email, ())))
        ]
        excused = _matched([events for _, events in excess], self._mail_lost)
        inexcusable = [
            f"{email} was handed over once more than anybody died for it"
            for place, (email, _) in enumerate(excess)
            if place not in excused
        ]
        return len(excused), inexcusable

    def _fate(self, name: str, usual: float) -> float | None:
        if self.is_done or self._random.random() > _CHANCES.get(name, _CHANCE):
            return None
        return self._random.uniform(0, usual)

    def _note(self, name: str, payload: bytes) -> None:
        if name == _MAILER:
            records: list[dict[str, Any]] = json.loads(payload)["Records"]
            self._mail_lost.append({json.loads(record["body"])["id"] for record in records})


def _matched(excess: Sequence[set[str]], deaths: Sequence[set[str]]) -> set[int]:
    """As many of the excess e-mails as can each have a death of their own, by their places."""
    owners: dict[int, int] = {}

    def finds_one(place: int, tried: set[int]) -> bool:
        for death, batch in enumerate(deaths):
            if death not in tried and batch & excess[place]:
                tried.add(death)
                if death not in owners or finds_one(owners[death], tried):
                    owners[death] = place
                    return True
        return False

    for place in range(len(excess)):
        finds_one(place, set())
    return set(owners.values())
