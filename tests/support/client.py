"""The clients of the API over HTTP, and waiting for what happens after a response."""

import itertools
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from tests.support.privacy import PRIVACY
from tools.local.mail import newest_token

PASSWORD = "a-long-enough-password"
_numbers = itertools.count(1)


def eventually[T](
    look: Callable[[], T], until: Callable[[T], bool] = bool, *, within: float = 20
) -> T:
    """What `look` sees once it is as wanted; the last sight fails the test after `within`
    seconds."""
    deadline = time.monotonic() + within
    while True:
        seen = look()
        if until(seen):
            return seen
        assert time.monotonic() < deadline, f"after {within} s there was still {seen!r}"
        time.sleep(0.05)


def code(answer: httpx.Response) -> str:
    """The contract's code of a problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return str(answer.json()["type"]).rpartition("/")[2]


def is_in_progress(answer: httpx.Response) -> bool:
    """Whether a concurrent request with the same key is not finished yet."""
    return answer.status_code == 409 and code(answer) == "request-in-progress"


@dataclass
class Client:
    """A client of the API, logged in or not."""

    http: httpx.Client
    token: str | None = None
    user: Mapping[str, Any] = field(default_factory=dict)
    refresh_token: str = ""

    def request(self, method: str, path: str, **parts: Any) -> httpx.Response:
        headers = dict(parts.pop("headers", None) or {})
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        answer = self.http.request(method, path, headers=headers, **parts)
        PRIVACY.exchanged(answer)
        return answer

    def get(self, path: str, **parts: Any) -> httpx.Response:
        return self.request("GET", path, **parts)

    def post(self, path: str, json: object = None, **parts: Any) -> httpx.Response:
        return self.request("POST", path, **({} if json is None else {"json": json}), **parts)

    def put(self, path: str, json: object = None, **parts: Any) -> httpx.Response:
        return self.request("PUT", path, json=json, **parts)

    def delete(self, path: str, **parts: Any) -> httpx.Response:
        return self.request("DELETE", path, **parts)

    def register(self, **overrides: str) -> Self:
        """A new customer, who has confirmed the address and is logged in."""
        customer = self.sign_up(**overrides)
        # Accounts of earlier releases need no confirmation.
        if customer.user.get("email_confirmed") is False:
            customer.confirm_email()
        return customer.log_in(overrides.get("password", PASSWORD))

    def sign_up(self, **overrides: str) -> Self:
        """A new customer, who has confirmed nothing and is not logged in."""
        account = {
            "email": f"customer-{next(_numbers)}-{uuid.uuid4().hex[:8]}@example.com",
            "full_name": "Carla Customer",
            "password": PASSWORD,
            **overrides,
        }
        answer = self.post("/api/v1/users", account)
        assert answer.status_code == 201, answer.text
        return type(self)(self.http, user=answer.json())

    def confirm_email(self) -> None:
        """Use the link that was mailed last."""
        token = eventually(lambda: newest_token(self.http, self.user["email"]))
        answer = self.http.post("/api/v1/auth/confirm", json={"token": token})
        assert answer.status_code == 200, answer.text
        PRIVACY.exchanged(answer)
        self.user = {**self.user, "email_confirmed": True}

    def log_in(self, password: str = PASSWORD) -> Self:
        """Log in, from a new device: customers share the HTTP client and its cookies."""
        self.http.cookies.clear()
        answer = self.http.post(
            "/api/v1/auth/login", json={"email": self.user["email"], "password": password}
        )
        assert answer.status_code == 200, answer.text
        PRIVACY.exchanged(answer)
        self.token = answer.json()["access_token"]
        self.refresh_token = answer.json()["refresh_token"]
        return self

    def add_product(self, **overrides: Any) -> dict[str, Any]:
        """A product on the shelf (the client must be an admin)."""
        product = {"name": "Test Mug", "price": "10.00", "category": "tests", "stock": 10}
        answer = self.post("/api/v1/products", {**product, **overrides})
        assert answer.status_code == 201, answer.text
        added: dict[str, Any] = answer.json()
        return added

    def try_order(
        self,
        *lines: tuple[Mapping[str, Any], int],
        key: str | None = None,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """Ask for so many of each product."""
        items = [{"product_id": product["id"], "quantity": number} for product, number in lines]
        return self.post(
            "/api/v1/orders",
            {"items": items, **more},
            headers={"Idempotency-Key": key or uuid.uuid4().hex, **(headers or {})},
        )

    def order(self, *lines: tuple[Mapping[str, Any], int], **more: Any) -> dict[str, Any]:
        """A placed order."""
        answer = self.try_order(*lines, **more)
        assert answer.status_code == 201, answer.text
        placed: dict[str, Any] = answer.json()
        return placed

    def order_once(self, order_id: str, status: str) -> dict[str, Any]:
        """The order, as soon as it has that status."""
        return eventually(
            lambda: self.get(f"/api/v1/orders/{order_id}").json(), lambda o: o["status"] == status
        )

    def stock_of(self, product: Mapping[str, Any]) -> int:
        stock: int = self.get(f"/api/v1/products/{product['id']}").json()["stock"]
        return stock


@dataclass
class RenewingClient(Client):
    """Logs in again when its token has expired."""

    def request(self, method: str, path: str, **parts: Any) -> httpx.Response:
        answer = super().request(method, path, **parts)
        if answer.status_code == httpx.codes.UNAUTHORIZED and self.token:
            self.log_in()
            answer = super().request(method, path, **parts)
        return answer
