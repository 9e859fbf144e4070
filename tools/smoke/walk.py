"""One walk through a shop: what its steps share, and the clean-up at its end."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from tools.progress import Problem
from tools.smoke.client import MALFORMED, Client, Person, Reply, Unexpected

HOW_TO_BE_ADMIN: Final = "set ADMIN_EMAIL and ADMIN_PASSWORD in the environment"
# SES's mailbox simulator: it accepts labels, and works in the SES sandbox.
_ADDRESS: Final = "success+smoke-{run}-{name}@simulator.amazonses.com"

type Product = dict[str, Any]


class Skipped(Exception):
    """A step cannot run here; its text is the reason."""


def given[T](thing: T | None, what: str) -> T:
    """What an earlier step has made; without it this one is skipped."""
    if thing is None:
        raise Skipped(f"there is no {what}")
    return thing


@dataclass
class Walk:
    """What the steps have made so far."""

    api: Client
    admin_email: str = ""
    admin_password: str = field(default="", repr=False)
    document: dict[str, Any] | None = None
    keys: list[dict[str, str]] = field(default_factory=list)
    placed: Reply | None = None
    _people: dict[str, Person] = field(default_factory=dict)
    _products: list[Product] = field(default_factory=list)
    _admin: Person | None = None

    @property
    def category(self) -> str:
        return f"smoke-{self.api.run}"

    @property
    def has_admin(self) -> bool:
        return bool(self.admin_email and self.admin_password)

    def require_admin(self) -> None:
        if not self.has_admin:
            raise Skipped("needs an admin")

    @property
    def admin(self) -> Person:
        self.require_admin()
        return given(self._admin, "admin's session")

    @property
    def customer(self) -> Person:
        return given(self._people.get("customer"), "customer")

    @property
    def stranger(self) -> Person:
        return given(self._people.get("stranger"), "second customer")

    @property
    def products(self) -> tuple[Product, Product]:
        self.require_admin()
        if len(self._products) != 2:
            raise Skipped("there are no products of its own")
        return self._products[0], self._products[1]

    def newcomer(self, name: str) -> Person:
        """A person to register; known to the clean-up before the registration."""
        email = _ADDRESS.format(run=self.api.run, name=name)
        self._people[name] = Person(email, secrets.token_urlsafe(18))
        return self._people[name]

    def log_in(self, person: Person) -> Reply:
        body = {"email": person.email, "password": person.password}
        reply = self.api.ask("POST /api/v1/auth/login", "200", json=body)
        # Before further checks: the clean-up needs the tokens.
        person.access_token, person.refresh_token = reply["access_token"], reply["refresh_token"]
        reply.fields("token_type expires_in")
        return reply

    def log_in_admin(self) -> Person:
        self.require_admin()
        person = Person(self.admin_email, self.admin_password)
        self.log_in(person)
        self._admin = person
        return person

    def add_product(self, name: str, price: object, stock: int) -> Reply:
        body = {"name": name, "price": price, "category": self.category, "stock": stock}
        reply = self.api.ask("POST /api/v1/products", "201", self.admin, body)
        self._products.append(reply.json)
        return reply

    def order(self, key: str, quantity: int = 1, expected: str = "201", **more: object) -> Reply:
        """Order the first product as the customer."""
        body = {"items": [{"product_id": self.products[0]["id"], "quantity": quantity}], **more}
        key = f"{self.category}-{key}"
        return self.api.ask(
            "POST /api/v1/orders", expected, self.customer, body, Idempotency_Key=key
        )

    def until_status(self, order: Reply, status: str) -> Reply:
        """The order, as soon as it has that status."""
        return self.api.until(
            lambda: self.api.ask(f"GET /api/v1/orders/{order['id']}", "200", self.customer),
            lambda seen: bool(seen["status"] == status),
            f"have the status {status}",
        )

    def until_stock(self, stock: int) -> None:
        self.api.until(
            lambda: self.api.ask(f"GET /api/v1/products/{self.products[0]['id']}", "200"),
            lambda seen: bool(seen["stock"] == stock),
            f"have the stock {stock} again",
        )

    def clean_up(self) -> Iterator[str]:
        """Delete what the walk has made; yields a sentence for each thing that stays."""
        accounts = {p.email: partial(self._erase, p) for p in self._people.values()}
        undoing: dict[str, Callable[[], None]] = {
            "An open order": self._cancel_orders,
            "A product": self._withdraw_products,
            **accounts,
            "The admin's session": self._log_out_admin,
        }
        for what, undo in undoing.items():
            try:
                undo()
            except (Unexpected, Problem, *MALFORMED) as reason:
                yield f"{what} of {self.category} may stay: {reason}"

    # They read what the shop has, too: an answer may have been lost.

    def _cancel_orders(self) -> None:
        person = self._people.get("customer")
        if person and person.access_token:
            orders = self.api.ask("GET /api/v1/orders?limit=100", "200", person)["orders"]
            for order in orders:
                if order["status"] in ("pending", "confirmed"):
                    self.api.ask(f"POST /api/v1/orders/{order['id']}/cancel", "200", person)

    def _withdraw_products(self) -> None:
        if self._admin:
            listed = self.api.ask(f"GET /api/v1/products?category={self.category}", "200")
            for id_ in dict.fromkeys(p["id"] for p in [*self._products, *listed["products"]]):
                self.api.ask(f"DELETE /api/v1/products/{id_}", "204", self._admin)

    def _erase(self, person: Person) -> None:
        if not person.access_token:
            try:
                self.log_in(person)
            except Unexpected as reason:
                if reason.code == "bad-credentials":  # was never registered, or is erased
                    return
                raise
        id_ = person.id or self.api.ask("GET /api/v1/users/me", "200", person)["id"]
        self.api.ask(f"DELETE /api/v1/users/{id_}?erase=true", "200", person)

    def _log_out_admin(self) -> None:
        if self._admin:
            body = {"refresh_token": self._admin.refresh_token}
            self.api.ask("POST /api/v1/auth/logout", "204", json=body)
