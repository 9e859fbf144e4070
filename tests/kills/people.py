"""Those who use the shop while its workers are killed: they ask again, under the same key, until they have an answer."""

import random
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx

from tests.kills.crew import Crew
from tests.support.client import PASSWORD, Client, code

_PATIENCE: Final = 0.5
_TOKENS: Final = ("tok_ok",) * 5 + ("tok_declined", "tok_timeout")


class People:
    """Customers, newcomers and an admin, a `crew`; `products` are what there is to buy."""

    def __init__(
        self, admin: Client, customers: Sequence[Client], products: Sequence[Mapping[str, Any]]
    ) -> None:
        self.crew = Crew()
        self._admin = admin
        self._customers = customers
        self._products = products
        self._orders: list[str] = []

    def start(self) -> None:
        """Let them use the shop."""
        for customer in self._customers:
            self.crew.loop(_Customer(customer, self.crew, self._products, self._orders).act)
        self.crew.loop(self._manage)
        self.crew.loop(self._register)

    def _manage(self) -> None:
        """Ship, deliver and restock."""
        self.crew.rest(0.3)
        if self._orders:
            path = f"/api/v1/orders/{random.choice(self._orders[-100:])}"
            if _insist(self._admin, "POST", f"{path}/ship").status_code == 200:
                _insist(self._admin, "POST", f"{path}/deliver")
        product = random.choice(self._products)
        restocked = _insist(
            self._admin,
            "POST",
            f"/api/v1/products/{product['id']}/stock",
            json={"delta": random.randint(1, 8)},
            headers={"Idempotency-Key": uuid.uuid4().hex},
        )
        assert restocked.status_code == 200, restocked.text

    def _register(self) -> None:
        """A newcomer, who is told that the address is taken where the answer to the first attempt got lost."""
        self.crew.rest(2)
        account = {
            "email": f"newcomer-{uuid.uuid4().hex[:12]}@example.com",
            "full_name": "Nora Newcomer",
            "password": PASSWORD,
        }
        answer = _insist(Client(self._admin.http), "POST", "/api/v1/users", json=account)
        assert answer.status_code in (201, 409), answer.text


class _Customer:
    """Orders, looks, and changes their mind."""

    def __init__(
        self, client: Client, crew: Crew, products: Sequence[Mapping[str, Any]], placed: list[str]
    ) -> None:
        self._client = client
        self._crew = crew
        self._products = products
        self._placed = placed
        self._own: list[str] = []

    def act(self) -> None:
        self._crew.rest(0.05)
        match random.choice(("order", "order", "order", "cancel", "look")):
            case "cancel" if self._own:
                order = self._own.pop(random.randrange(len(self._own)))
                answer = _insist(self._client, "POST", f"/api/v1/orders/{order}/cancel")
                assert answer.status_code in (200, 409), answer.text
            case "look" if self._own:
                for path in ("/api/v1/orders", f"/api/v1/orders/{random.choice(self._own)}"):
                    answer = _insist(self._client, "GET", path)
                    assert answer.status_code == 200, answer.text
            case _:
                self._order()

    def _order(self) -> None:
        wanted = random.sample(self._products, random.choice((1, 1, 2, 3)))
        answer = _insist(
            self._client,
            "POST",
            "/api/v1/orders",
            json={
                "items": [
                    {"product_id": product["id"], "quantity": random.randint(1, 3)}
                    for product in wanted
                ],
                "payment_token": random.choice(_TOKENS),
            },
            headers={"Idempotency-Key": uuid.uuid4().hex},
        )
        if answer.status_code == 201:
            self._own.append(answer.json()["id"])
            self._placed.append(answer.json()["id"])
        else:
            assert code(answer) in ("out-of-stock", "reservation-ended"), answer.text


def _insist(client: Client, method: str, path: str, **parts: Any) -> httpx.Response:
    """Ask until there is an answer: whoever was asked may have died, and another may be at it still.

    Also when the crew is called off: everybody gets an answer in the end.
    """
    while True:
        answer = client.request(method, path, **parts)
        if answer.status_code == 401:
            _log_in(client)
        elif answer.status_code < 500 and not _is_in_progress(answer):
            return answer
        time.sleep(_PATIENCE)


def _log_in(client: Client) -> None:
    """Again, for the token was good for a quarter of an hour; if that fails too, the next attempt needs it again."""
    answer = client.http.post(
        "/api/v1/auth/login", json={"email": client.user["email"], "password": PASSWORD}
    )
    if answer.status_code == 200:
        client.token = answer.json()["access_token"]


def _is_in_progress(answer: httpx.Response) -> bool:
    return answer.status_code == 409 and code(answer) == "request-in-progress"
