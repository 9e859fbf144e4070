"""What the steps of a walk share, and the clean-up at its end."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from tools.progress import Problem
from tools.smoke.client import Client, Person, Reply, Unexpected

# SES's mailbox simulator: it accepts labels, and works in the SES sandbox.
_ADDRESS: Final = "success+smoke-{run}-{name}@simulator.amazonses.com"
# Errors of code that reads an answer of another form than the contract's.
MALFORMED: Final = (AttributeError, LookupError, TypeError, ValueError)


class Skipped(Exception):
    """A step cannot run here; its text is the reason."""


def given[T](thing: T | None, what: str) -> T:
    """What an earlier step has made; without it this one is skipped."""
    if thing is None:
        raise Skipped(f"there is no {what}")
    return thing


@dataclass
class Walk:
    """What the steps have made so far. `owner` is the shop's admin, if one is known."""

    api: Client
    owner: Person | None = None
    document: dict[str, Any] | None = None
    placed: Reply | None = None
    delivered: Reply | None = None
    people: dict[str, Person] = field(default_factory=dict)
    added: list[dict[str, Any]] = field(default_factory=list)

    @property
    def category(self) -> str:
        return f"smoke-{self.api.run}"

    @property
    def admin(self) -> Person:
        if self.owner is None:
            raise Skipped("needs an admin")
        return given(self.owner if self.owner.access_token else None, "admin's session")

    @property
    def customer(self) -> Person:
        return given(self.people.get("customer"), "customer")

    @property
    def stranger(self) -> Person:
        return given(self.people.get("stranger"), "second customer")

    @property
    def products(self) -> tuple[dict[str, Any], dict[str, Any]]:
        given(self.admin, "admin")
        if len(self.added) != 2:
            raise Skipped("there are no products of its own")
        return self.added[0], self.added[1]

    def newcomer(self, name: str) -> Person:
        """A person to register; known to the clean-up before the registration."""
        email = _ADDRESS.format(run=self.api.run, name=name)
        self.people[name] = Person(email, secrets.token_urlsafe(18))
        return self.people[name]

    def log_in(self, person: Person) -> Reply:
        body = {"email": person.email, "password": person.password}
        reply = self.api.ask("POST /api/v1/auth/login", "200", json=body)
        person.access_token, person.refresh_token = reply["access_token"], reply["refresh_token"]
        return reply

    def order(self, key: str, quantity: int = 1, expected: str = "201", **more: object) -> Reply:
        """Order the first product as the customer."""
        body = {"items": [{"product_id": self.products[0]["id"], "quantity": quantity}], **more}
        key = f"{self.category}-{key}"
        try:
            return self.api.ask(
                "POST /api/v1/orders", expected, self.customer, body, Idempotency_Key=key
            )
        except Unexpected as unexpected:
            if unexpected.code == "email-not-confirmed":
                raise Skipped("the customer's address is not confirmed") from None
            raise

    def until_order(self, order: Reply, status: str) -> Reply:
        return self.api.until(
            f"GET /api/v1/orders/{order['id']}",
            self.customer,
            lambda seen: seen["status"] == status,
            f"have the status {status}",
        )

    def until_refunded(self, amount: str) -> None:
        self.api.until(
            f"GET /api/v1/orders/{given(self.delivered, 'delivered order')['id']}",
            self.customer,
            lambda seen: seen["refunded_amount"] == amount,
            f"have {amount} refunded",
        )

    def until_stock(self, stock: int) -> None:
        self.api.until(
            f"GET /api/v1/products/{self.products[0]['id']}",
            None,
            lambda seen: seen["stock"] == stock,
            f"have the stock {stock}",
        )

    def clean_up(self) -> Iterator[str]:
        """Delete what the walk has made; yields a sentence for each thing that stays."""
        undoing: dict[str, Callable[[], None]] = {
            "An open order": self._cancel_orders,
            "A product": self._withdraw_products,
            **{person.email: partial(self._erase, person) for person in self.people.values()},
            "The admin's session": self._log_out_admin,
        }
        for what, undo in undoing.items():
            try:
                undo()
            except (Unexpected, Problem, *MALFORMED) as reason:
                yield f"{what} of {self.category} may stay: {reason}"

    # They also delete what the shop lists: an answer may have been lost.

    def _cancel_orders(self) -> None:
        person = self.people.get("customer")
        if person and person.access_token:
            orders = self.api.ask("GET /api/v1/orders?limit=100", "200", person)["orders"]
            for order in orders:
                if order["status"] in ("pending", "confirmed"):
                    self.api.ask(f"POST /api/v1/orders/{order['id']}/cancel", "200", person)

    def _withdraw_products(self) -> None:
        if self.owner and self.owner.access_token:
            listed = self.api.ask(f"GET /api/v1/products?category={self.category}", "200")
            for id_ in dict.fromkeys(p["id"] for p in [*self.added, *listed["products"]]):
                self.api.ask(f"DELETE /api/v1/products/{id_}", "204", self.owner)

    def _erase(self, person: Person) -> None:
        if not person.access_token:
            try:
                self.log_in(person)
            except Unexpected as reason:
                if reason.code == "bad-credentials":  # was never registered, or is erased
                    return
                raise
        id_ = person.id or self.api.ask("GET /api/v1/users/me", "200", person)["id"]
        self.api.ask(f"DELETE /api/v1/users/{id_}?erase=true", "200", person, person.proof)

    def _log_out_admin(self) -> None:
        if self.owner and self.owner.access_token:
            body = {"refresh_token": self.owner.refresh_token}
            self.api.ask("POST /api/v1/auth/logout", "204", json=body)
