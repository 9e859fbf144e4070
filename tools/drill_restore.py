"""`make drill-restore`: a separate shop is damaged, brought back to a moment, and reconciled.

It does what docs/runbook.md says for AWS, by the same steps of `make restore` and `make reconcile`.
"""

import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx

from shared.storage.dynamodb import to_wire
from tools.local import mail, stack
from tools.local.arguments import Where, forget_own_aws
from tools.local.places import APP_PYTHON, STACK
from tools.local.processes import free_port
from tools.local.shop import Shop
from tools.progress import Problem, end_as_by_ctrl_c, exit_code, step
from tools.reconcile import Stored, compared, mend_all, scanned, show, stored
from tools.restore import TABLES, Restoration
from tools.seed.__main__ import ADMIN, PASSWORD

_UNITS: Final = 8
_REST_SECONDS: Final = 300.0


class Person:
    """A customer or an admin of the shop."""

    def __init__(self, url: str, email: str) -> None:
        self.email = email
        self._http = httpx.Client(base_url=url, timeout=60)

    def log_in(self) -> "Person":
        body = {"email": self.email, "password": PASSWORD}
        token = self.post("/api/v1/auth/login", body, expected=200)["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"
        return self

    def register(self, full_name: str) -> "Person":
        account = {"email": self.email, "password": PASSWORD, "full_name": full_name}
        self.post("/api/v1/users", account)
        _wait("an e-mail", lambda: bool(mail.newest_token(self._http, self.email)))
        link = {"token": mail.newest_token(self._http, self.email)}
        self.post("/api/v1/auth/confirm", link, expected=200)
        return self.log_in()

    def post(self, path: str, body: object = None, *, expected: int = 201) -> Any:
        answer = self.try_post(path, body)
        if answer.status_code != expected:
            raise Problem(f"POST {path} answered {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    def try_post(self, path: str, body: object = None) -> httpx.Response:
        return self._http.post(path, json=body, headers={"Idempotency-Key": uuid.uuid4().hex})

    def order(self, product: str) -> str:
        items = [{"product_id": product, "quantity": 1}]
        return str(self.post("/api/v1/orders", {"items": items})["id"])

    def move(self, order: str, verb: str) -> None:
        self.post(f"/api/v1/orders/{order}/{verb}", expected=200)

    def erase(self) -> None:
        user = self._http.get("/api/v1/users/me").json()["id"]
        path, body = f"/api/v1/users/{user}", {"current_password": PASSWORD}
        answer = self._http.request("DELETE", path, params={"erase": "true"}, json=body)
        answer.raise_for_status()

    def mails(self) -> int:
        return len(self._http.get(mail.PATH).raise_for_status().json()["mails"])


def drill(url: str, where: Where) -> bool:
    """Play it; whether the shop agrees again, has sold no unit twice and sent no e-mail twice."""
    admin, alice = (Person(url, email).log_in() for email in (ADMIN, "alice@example.com"))
    nina = Person(url, f"nina-{uuid.uuid4().hex[:6]}@example.com").register("Nina Newcomer")
    product = {"name": "Drill Mug", "price": "9.50", "category": "drills", "stock": _UNITS}
    mug = admin.post("/api/v1/products", product)["id"]
    place = stored(where)
    with step("before the moment") as progress:
        shipped, cancelled, _ = alice.order(mug), alice.order(mug), nina.order(mug)
        _come_to_rest(place)
        _back_up(where, place)
        progress.note(f"3 of {_UNITS} units are sold; a backup stands for recovery")
    at = datetime.now(UTC)
    with step("after the moment") as progress:
        for _ in range(2):
            alice.order(mug)
        admin.move(shipped, "ship")
        alice.move(cancelled, "cancel")
        nina.erase()
        _come_to_rest(place)
        _wait("the erasure", lambda: "Nina Newcomer" not in repr(_orders(place)))
        progress.note("2 more are sold, 1 is shipped, 1 cancelled, 1 customer erased")
    mails = admin.mails()
    with step("damage") as progress:
        progress.note(f"{_damage(place)} items are deleted")

    restoration = Restoration(where, at, TABLES)
    restoration.beside()
    restoration.stop()
    restoration.back()
    restoration.start()
    with step("come to rest"):
        _come_to_rest(place)
    books, found = compared(place, _later())
    show(books, found, "")
    mend_all(place, books, found)
    with step("what a person decides") as progress:
        admin.log_in().move(shipped, "ship")
        admin.move(cancelled, "cancel")
        _come_to_rest(place)
        progress.note("ship and cancel the orders that the restore has undone")
    restoration.emails()
    with step("come to rest"):
        _come_to_rest(place)
        _wait("the erasure", lambda: "Nina Newcomer" not in repr(_orders(place)))
    books, found = compared(place, _later())
    show(books, found, "")
    restoration.tidy()
    again = admin.mails() - mails
    sold = _sell_out(alice.log_in(), mug)
    print(f"▸ e-mails that were sent again: {again}")
    print(f"▸ units that are sold in the end: {sold + 2} of {_UNITS}")  # one shipped, one of Nina's
    return not found and not again and sold + 2 == _UNITS


def _later() -> datetime:
    return datetime.now(UTC) + timedelta(hours=2)


def _orders(place: Stored) -> list[Any]:
    return scanned(place.tables["OrdersTable"])


def _back_up(where: Where, place: Stored) -> None:
    dynamodb = where.client("dynamodb")
    credentials = where.client("cloudformation").describe_stack_resource(
        StackName=where.stack, LogicalResourceId="CredentialsTable"
    )["StackResourceDetail"]["PhysicalResourceId"]
    for table in (*(table.name for table in place.tables.values()), credentials):
        dynamodb.create_backup(TableName=table, BackupName="drill")


def _damage(place: Stored) -> int:
    """Delete all products and every second order; return the number of items."""
    deleted = 0
    for name in ("ProductsTable", "OrdersTable"):
        table = place.tables[name]
        for item in scanned(table):
            is_order = item["pk"].startswith("ORDER#") and int(item["pk"][-1], 16) % 2
            if name == "ProductsTable" or is_order:
                key = to_wire({"pk": item["pk"], "sk": item["sk"]})
                table.client.delete_item(TableName=table.name, Key=key)
                deleted += 1
    return deleted


def _come_to_rest(place: Stored) -> None:
    def rests() -> bool:
        books = place.books()
        is_open = any(
            order["status"] == "pending" or "due_at" in order for order in books.orders.values()
        )
        return not is_open and not books.unsent

    _wait("the shop to come to rest", rests)
    time.sleep(3)  # the last messages


def _sell_out(buyer: Person, product: str) -> int:
    """Buy until nothing is left; return the number of units."""
    sold = 0
    items = [{"product_id": product, "quantity": 1}]
    while buyer.try_post("/api/v1/orders", {"items": items}).status_code == 201:
        sold += 1
    return sold


def _wait(what: str, is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _REST_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise Problem(f"The drill timed out: it waited for {what}.")
        time.sleep(1)


def main() -> bool:
    end_as_by_ctrl_c()
    with tempfile.TemporaryDirectory() as folder, Shop(free_port(), Path(folder)).running() as shop:
        command = (str(APP_PYTHON), "-m", "tools.seed", "--url", shop.url)
        with step("seed"):
            subprocess.run(command, env={**os.environ, **shop.environment}, check=True)
        forget_own_aws()
        return drill(shop.url, Where(stack.session(), shop.endpoint, STACK, ""))


if __name__ == "__main__":
    sys.exit(exit_code(main))
