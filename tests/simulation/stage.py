"""The people and the things of the crash matrix and of the histories, and clients that don't give up."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, cast

import httpx

from shared.runtime import aws
from shared.storage.dynamodb import Table
from tests.simulation.people import Regular
from tests.simulation.town import Town
from tests.support.books import Witness
from tests.support.client import Client, code
from tools.first_admin import make_admin
from users.accounts.repository import DynamoUsers

_PAUSE: Final = timedelta(seconds=5)
_ATTEMPTS: Final = 20


@dataclass
class Stage:
    """A town with a customer, an admin and two products, and what they have been told."""

    town: Town
    witness: Witness
    anyone: Client
    customer: Client
    admin: Client
    mug: dict[str, Any] = field(default_factory=dict)
    tray: dict[str, Any] = field(default_factory=dict)

    def insist(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        """Ask until there is an answer, as a good client does; a server's error is none."""
        answers: list[httpx.Response] = []
        while len(answers) < _ATTEMPTS:
            answer = ask()
            if answer.status_code < 500 and not _is_in_progress(answer):
                return answer
            answers.append(answer)
            self.town.pass_time(_PAUSE)
        raise AssertionError(f"never an answer, but {answers[-1].status_code} {answers[-1].text}")

    def order(self, *lines: tuple[dict[str, Any], int], key: str, **more: Any) -> dict[str, Any]:
        """The order that the customer placed in the end."""
        answer = self.insist(lambda: self.customer.try_order(*lines, key=key, **more))
        assert answer.status_code == 201, answer.text
        return cast("dict[str, Any]", answer.json())

    def move(self, who: Client, order: dict[str, Any], verb: str, to: str) -> None:
        """Bring an order to a status. Who asks again after an answer was lost may be told that it is there already."""
        answer = self.insist(lambda: who.post(f"/api/v1/orders/{order['id']}/{verb}"))
        if answer.status_code != 200:
            assert (answer.status_code, answer.json()["from"]) == (409, to), answer.text

    def remember(self) -> Callable[[], None]:
        """What brings everything back to how it is now."""
        restore_town = self.town.remember()
        kept = copy.deepcopy(vars(self.witness) | {"_lock": None})
        clients = self.customer, self.admin
        tokens = [client.token for client in clients]

        def restore() -> None:
            restore_town()
            # One that was given later would not be valid yet.
            for client, token in zip(clients, tokens, strict=True):
                client.token = token
            lock = self.witness._lock
            self.witness.__dict__.update(copy.deepcopy(kept) | {"_lock": lock})

        return restore


def _is_in_progress(answer: httpx.Response) -> bool:
    return answer.status_code == 409 and code(answer) == "request-in-progress"


@contextmanager
def opened(build: Callable[[], Town] = Town) -> Iterator[Stage]:
    """A stage on which nothing is on its way, in a town of this kind."""
    witness = Witness()
    with build() as town:
        transport = httpx.MockTransport(town.answer)
        hooks = {"response": [witness.saw]}
        with httpx.Client(
            base_url="https://shop.example", transport=transport, event_hooks=hooks
        ) as http:
            anyone = Regular(http)
            customer = anyone.register(email="carla@example.com")
            admin = anyone.register(email="ada@example.com", full_name="Ada Admin")
            users = DynamoUsers(Table("UsersTable", aws.client("dynamodb")))
            make_admin(users, "ada@example.com")
            stage = Stage(town, witness, anyone, customer, admin.log_in())
            stage.mug = admin.add_product(name="Mug", stock=8)
            stage.tray = admin.add_product(name="Tray", price="24.50", stock=30)
            town.come_to_rest()
            yield stage
