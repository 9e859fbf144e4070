"""Workers die at random moments, hundreds of times, and no promise is broken."""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from shared.storage.dynamodb import Table
from tests.kills.account import Account
from tests.kills.killable_shop import KillableShop, emulated_account, killable_shop
from tests.kills.killing import Killer
from tests.kills.lambda_service import LambdaService
from tests.kills.people import People
from tests.kills.settling import let_an_hour_pass, settle
from tests.kills.zygote import Process, spawn
from tests.support.books import Books
from tests.support.client import Client, eventually
from tests.support.functions import FUNCTIONS
from tests.support.invariants import DOUBLED, breaches
from tools.first_admin import make_admin
from users.accounts.repository import DynamoUsers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs prctl and pidfd_open")

_KILLS: Final = int(os.environ.get("KILLS", "60"))
# Ten thousand; each part in a shop of its own, because an emulator with a long past is a slow one.
_TORTURE: Final = [500] * 20
_KILLS_AN_HOUR: Final = 50
_CUSTOMERS: Final = 10
_PRODUCTS: Final = 5
_TICK: Final = 5
_ADMIN: Final = "ada@example.com"

type Say = Callable[[str], None]


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    """The template's resources in an emulator of their own."""
    with emulated_account(tmp_path) as account:
        yield account


def test_a_function_that_was_killed_answers_from_a_new_process(
    account: Account, tmp_path: Path
) -> None:
    started: list[Process] = []

    def start(name: str, runtime_api: str) -> Process:
        """As Lambda does: a Python of its own for each, and nothing imported before."""
        variables = account.variables(name, account.endpoint)
        handler = FUNCTIONS[name].properties["Handler"]
        variables["AWS_LAMBDA_RUNTIME_API"] = runtime_api
        started.append(spawn(handler, variables, tmp_path / f"{name}.log"))
        return started[-1]

    call = {"name": "release", "request_id": "test", "body": {"order_id": "a" * 32}}
    with LambdaService({"ProductsInventory": 10}, start) as service:

        def release() -> object:
            return service.invoke("ProductsInventory", json.dumps(call).encode()).json()

        assert release() == {"answer": {}}
        service.fate = lambda _name, _usual: 0.0
        # One may answer faster than it is killed.
        died = eventually(release, lambda answer: answer != {"answer": {}}, within=60)
        assert died == {
            "errorType": "Runtime.ExitError",
            "errorMessage": "Runtime exited with error: signal: killed",
        }
        service.fate = lambda _name, _usual: None
        assert release() == {"answer": {}}
    assert len({process.pid for process in started}) > 1


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(_KILLS, marks=pytest.mark.timeout(300 + 2 * _KILLS)),
        *(
            pytest.param(kills, marks=(pytest.mark.torture, pytest.mark.timeout(1800)))
            for kills in _TORTURE
        ),
    ],
)
def test_no_promise_is_broken_when_workers_are_killed_at_any_moment(
    account: Account, tmp_path: Path, say: Say, wanted: int
) -> None:
    began = time.monotonic()
    with killable_shop(account, tmp_path) as shop:
        shop.sources.start()
        people = _people(shop)
        killer = Killer(shop.service, wanted)
        with people.crew:
            people.start()
            _until_enough_are_killed(shop, killer, people, say)
        killer.stop()
        # The locks of requests that died end, and everybody gets their answer.
        let_an_hour_pass(shop)
        people.crew.dismiss()
        books = settle(shop)
        shop.sources.crew.dismiss()
    excused, found = killer.excess_emails(books)
    found += [b for b in breaches(books, shop.witness) if not b.startswith(DOUBLED)]
    say(_report(shop, books, excused, found, time.monotonic() - began))
    assert killer.kills >= wanted
    assert found == []


def _people(shop: KillableShop) -> People:
    admin = Client(shop.http).register(email=_ADMIN, full_name="Ada Admin")
    users = Table(shop.account.names["UsersTable"], shop.account.client("dynamodb"))
    make_admin(DynamoUsers(users), _ADMIN)
    admin.log_in()
    customers = [Client(shop.http).register() for _ in range(_CUSTOMERS)]
    products = [admin.add_product(stock=60) for _ in range(_PRODUCTS)]
    return People(admin, customers, products)


def _until_enough_are_killed(shop: KillableShop, killer: Killer, people: People, say: Say) -> None:
    hours, ticks, minutes = 0, 0, 0
    began = time.monotonic()
    while not (killer.is_done or people.crew.is_over or shop.sources.crew.is_over):
        time.sleep(0.2)
        passed = time.monotonic() - began
        if killer.kills // _KILLS_AN_HOUR > hours:
            hours = killer.kills // _KILLS_AN_HOUR
            let_an_hour_pass(shop)
        elif passed // _TICK > ticks:
            ticks = int(passed // _TICK)
            shop.sources.tick()
        if passed // 60 > minutes:
            minutes = int(passed // 60)
            say(f"{killer.kills} of {killer.wanted} kills after {minutes} min")


def _report(
    shop: KillableShop, books: Books, excused: int, found: list[str], seconds: float
) -> str:
    statuses = Counter(order["status"] for order in books.orders.values())
    return "\n  ".join(
        (
            f"{shop.service.killed.total()} kills in {seconds:.0f} s: {_counted(shop.service.killed)}",
            f"{shop.service.invocations.total()} invocations; timed out: {_counted(shop.service.timed_out)}",
            f"{statuses.total()} orders: {_counted(statuses)}",
            f"delivered again: {_counted(shop.sources.redelivered)}",
            f"dead letters, brought back: {_counted(shop.sources.dead_letters)}",
            f"given up by streams: {_counted(shop.sources.given_up)}",
            f"{len(books.emails)} e-mails, of these {excused} once more than wanted, their worker having died round it",
            f"{len(found)} breaches",
        )
    )


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counter.most_common()) or "none"
