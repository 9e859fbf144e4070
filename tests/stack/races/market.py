"""Registered customers of a deployed shop, and the answers that they get, counted."""

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final, Self

import httpx

from shared.auth.tokens import LIFETIME_SECONDS, Caller
from shared.contracts.events import UserData
from shared.messaging import outbox
from shared.runtime import aws, clock
from shared.storage.dynamodb import Table
from tests.stack.races.environments import Environments
from tests.support.books import Books, Witness
from tests.support.client import Client, code
from tests.support.cloud import Cloud
from tests.support.invariants import breaches
from tests.support.tokens import mint
from users.accounts.models import User
from users.accounts.repository import DynamoUsers

THREADS: Final = 32
_GIVE_UP_SECONDS: Final = 120
_RENEW_SECONDS: Final = LIFETIME_SECONDS - 2 * _GIVE_UP_SECONDS
_CONNECTIONS: Final = 8


@dataclass(frozen=True)
class Size:
    """How many of each: `requests` carry one key, `orders` are raced over one by one."""

    buyers: int
    units: int
    rounds: int
    requests: int
    orders: int


@dataclass(frozen=True)
class Crowd:
    """The ids of active customers and of an admin. Tokens are signed on demand, and renewed."""

    variables: Mapping[str, str]
    customers: Sequence[str]
    admin: str = field(default_factory=lambda: uuid.uuid4().hex)
    _signed: dict[str, tuple[float, str]] = field(default_factory=dict)

    @classmethod
    def registered(cls, environments: Environments, size: int) -> Self:
        """New customers, written to the table: hashing passwords would take too long."""
        variables = environments.variables["UsersApi"]
        users = DynamoUsers(Table(variables["TABLE_NAME"], aws.client("dynamodb")))
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            customers = list(pool.map(lambda number: _register(users, number), range(size)))
        return cls(variables, customers)

    def token(self, caller: Caller) -> str:
        signed_at, token = self._signed.get(caller.id, (0, ""))
        if not token or time.monotonic() - signed_at > _RENEW_SECONDS:
            key_id, issuer = self.variables["TOKEN_KEY_IDS"], self.variables["TOKEN_ISSUER"]
            token = mint(aws.client("kms"), key_id, caller, issuer)
            self._signed[caller.id] = time.monotonic(), token
        return token


def _register(users: DynamoUsers, number: int) -> str:
    id_ = uuid.uuid4().hex
    user = User(
        id=id_,
        email=f"buyer-{id_[:8]}@example.com",
        full_name=f"Buyer {number}",
        password_hash="no password has it",
        role="customer",
        is_active=True,
        created_at=clock.rfc3339(clock.now()),
    )
    data = UserData(user_id=id_, full_name=user.full_name, email=user.email)
    event = outbox.event(
        "user.registered",
        aggregate_id=id_,
        version=user.version,
        at=user.created_at,
        data=data.model_dump(),
    )
    users.add(user, event)
    return id_


@dataclass
class Market:
    """A race: its clients, their answers, and the books when nothing is left to do.

    `here` calls the functions in this process, `there` the deployed API over HTTP.
    """

    cloud: Cloud
    environments: Environments
    crowd: Crowd
    witness: Witness = field(init=False)
    answers: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    _open: ExitStack = field(default_factory=ExitStack)
    _began: float = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        transport = httpx.MockTransport(self._answer_here)
        self.here = self._http(base_url="https://shop.example", transport=transport)
        limits = httpx.Limits(max_connections=2 * THREADS)
        self.there = self._http(base_url=self.cloud.shop.url, timeout=60, limits=limits)
        self._forget()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def rounds(self, number: int) -> Iterator[int]:
        """So many rounds, each with its own counts; what is stored stays."""
        for round_ in range(number):
            self._forget()
            yield round_

    def _forget(self) -> None:
        self.witness = Witness(registered=dict.fromkeys(self.crowd.customers, ("", "")))
        self.answers.clear()
        self.environments.conflicts.counted.clear()
        self._began = time.monotonic()

    def _http(self, **settings: Any) -> httpx.Client:
        hooks: dict[str, list[Callable[..., Any]]] = {"response": [self._saw]}
        return self._open.enter_context(httpx.Client(event_hooks=hooks, **settings))

    def _saw(self, response: httpx.Response) -> None:
        self.witness.saw(response)

    def _answer_here(self, request: httpx.Request) -> httpx.Response:
        unanswered = self.environments.conflicts.unanswered
        unanswered.discard(threading.get_ident())
        answer = self.environments.answer(request)
        # A 500 is a fault unless the emulator did not answer in time.
        if answer.status_code == 500 and threading.get_ident() not in unanswered:
            self.faults.append(answer.text)
        return answer

    @property
    def admin(self) -> Client:
        return Client(self.here, self.crowd.token(Caller(self.crowd.admin, "admin")))

    def customers(self, number: int, http: httpx.Client | None = None) -> list[Client]:
        """So many different customers, `here` by default."""
        chosen = self.crowd.customers[:number]
        assert len(chosen) == number, "the crowd is smaller"
        callers = [Caller(id_, "customer") for id_ in chosen]
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            tokens = list(pool.map(self.crowd.token, callers))
        pairs = zip(chosen, tokens, strict=True)
        return [Client(http or self.here, token, {"id": id_}) for id_, token in pairs]

    def definitely(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        """The answer to a client that retries, with the same key, until the answer is definite."""
        deadline = time.monotonic() + _GIVE_UP_SECONDS
        while True:
            answer = ask()
            status = status_of(answer)
            with self._lock:
                self.answers[status] += 1
            if answer.status_code < 500 and status != "409 request-in-progress":
                return answer
            assert time.monotonic() < deadline, f"no definite answer: {answer.text}"
            time.sleep(random.uniform(0.05, 0.3))

    def buy(self, customer: Client, *products: Mapping[str, Any]) -> httpx.Response:
        """Order one unit of each, in this order."""
        key = uuid.uuid4().hex
        lines = [(product, 1) for product in products]
        return self.definitely(lambda: customer.try_order(*lines, key=key))

    def restock(self, product: Mapping[str, Any], delta: int, key: str) -> httpx.Response:
        path = f"/api/v1/products/{product['id']}/stock"
        headers = {"Idempotency-Key": key}
        return self.definitely(lambda: self.admin.post(path, {"delta": delta}, headers=headers))

    def summary(self, title: str) -> str:
        counted = {**self.answers, **self.environments.conflicts.counted}
        parts = [f"{number} times {what}" for what, number in sorted(counted.items())]
        return f"{title}: {', '.join(parts)}, {time.monotonic() - self._began:.1f} s"

    def close(self) -> Books:
        """The books, once nothing is left to do; every invariant holds."""
        assert not self.faults, self.faults
        self.cloud.come_to_rest(within=240)
        books = self.cloud.books()
        found = breaches(books, self.witness, admin_email="keeper@example.com")
        assert not found, "\n".join(found)
        return books


def at_once[T, R](do: Callable[[T], R], each: Sequence[T], *, threads: int = THREADS) -> list[R]:
    """`do` for each; all threads begin at the same moment."""
    threads = min(threads, len(each))
    gate = threading.Barrier(threads)
    with ThreadPoolExecutor(threads, initializer=gate.wait) as pool:
        return list(pool.map(do, each))


def statuses(answers: Iterable[httpx.Response]) -> Counter[str]:
    return Counter(status_of(answer) for answer in answers)


def status_of(answer: httpx.Response) -> str:
    """The status, with the code of a problem."""
    if answer.headers.get("content-type") != "application/problem+json":
        return str(answer.status_code)
    return f"{answer.status_code} {code(answer)}"
