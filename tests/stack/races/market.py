"""A crowd in front of a deployed shop: registered customers, many at once, and what they are told counted."""

import math
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final, Self

import httpx

from shared.auth.tokens import LIFETIME_SECONDS, Caller
from shared.contracts.events import Event, UserData
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
_PATIENCE: Final = 120  # seconds
_FRESH: Final = LIFETIME_SECONDS - 2 * _PATIENCE
_AT_THE_DESK: Final = 8  # who register at once: as many as a client has connections for


@dataclass(frozen=True)
class Size:
    """How much there is of each: `requests` carry one key, `orders` are raced over one by one."""

    buyers: int
    units: int
    rounds: int
    requests: int
    orders: int


@dataclass(frozen=True)
class Tokens:
    """Signs for whoever asks; a token is signed anew before it expires, for races take hours."""

    variables: Mapping[str, str]
    _signed: dict[str, tuple[float, str]] = field(default_factory=dict)

    def of(self, caller: Caller) -> str:
        """A token of the caller's that outlasts everybody's patience."""
        signed_at, token = self._signed.get(caller.id, (-math.inf, ""))
        if time.monotonic() - signed_at > _FRESH:
            key_id, issuer = self.variables["TOKEN_KEY_IDS"], self.variables["TOKEN_ISSUER"]
            token = mint(aws.client("kms"), key_id, caller, issuer)
            self._signed[caller.id] = time.monotonic(), token
        return token


@dataclass(frozen=True)
class Crowd:
    """The ids of active customers and of an admin, and their tokens."""

    customers: Sequence[str]
    admin: str
    tokens: Tokens

    @classmethod
    def registered(cls, environments: Environments, size: int) -> Self:
        """A new one. Nobody logs in: a thousand passwords would take longer than the races."""
        variables = environments.variables["UsersApi"]
        users = DynamoUsers(Table(variables["TABLE_NAME"], aws.client("dynamodb")))

        def customer(number: int) -> str:
            user = _buyer(number)
            users.add(user, _registered(user))
            return user.id

        with ThreadPoolExecutor(_AT_THE_DESK) as pool:
            customers = list(pool.map(customer, range(size)))
        return cls(customers, uuid.uuid4().hex, Tokens(variables))


def _buyer(number: int) -> User:
    id_ = uuid.uuid4().hex
    return User(
        id=id_,
        email=f"buyer-{id_[:8]}@example.com",
        full_name=f"Buyer {number}",
        password_hash="nobody logs in with it",
        role="customer",
        is_active=True,
        created_at=clock.rfc3339(clock.now()),
    )


def _registered(user: User) -> Event:
    told = UserData(user_id=user.id, full_name=user.full_name, email=user.email)
    return outbox.event(
        "user.registered",
        aggregate_id=user.id,
        version=user.version,
        at=user.created_at,
        data=told.model_dump(),
    )


@dataclass
class Market:
    """One day of it: who comes, what they are told, and how it ends."""

    cloud: Cloud
    environments: Environments
    crowd: Crowd
    witness: Witness = field(init=False)
    told: Counter[str] = field(default_factory=Counter)
    """How often each answer was given: a status, with the code if it is a problem."""
    faults: list[str] = field(default_factory=list)
    """Answers that nobody should ever get."""
    _open: ExitStack = field(default_factory=ExitStack)
    _began: float = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        transport = httpx.MockTransport(self._answered_here)
        self.here = self._http(base_url="https://shop.example", transport=transport)
        limits = httpx.Limits(max_connections=2 * THREADS)
        self.there = self._http(base_url=self.cloud.shop.url, timeout=60, limits=limits)
        self.begins_anew()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def begins_anew(self) -> None:
        """Forget what was told and counted; what is stored stays."""
        self.witness = Witness(registered=dict.fromkeys(self.crowd.customers, ("", "")))
        self.told.clear()
        self.environments.conflicts.counted.clear()
        self._began = time.monotonic()

    def _http(self, **settings: Any) -> httpx.Client:
        hooks: dict[str, list[Callable[..., Any]]] = {"response": [self._saw]}
        return self._open.enter_context(httpx.Client(event_hooks=hooks, **settings))

    def _saw(self, response: httpx.Response) -> None:
        self.witness.saw(response)

    def _answered_here(self, request: httpx.Request) -> httpx.Response:
        waiting_for = self.environments.conflicts.unanswered
        waiting_for.discard(threading.get_ident())
        answer = self.environments.answer(request)
        # A 500 is a fault of ours, but where this machine is so busy that the emulator did not answer in time.
        if answer.status_code == 500 and threading.get_ident() not in waiting_for:
            self.faults.append(answer.text)
        return answer

    @property
    def admin(self) -> Client:
        token = self.crowd.tokens.of(Caller(self.crowd.admin, "admin"))
        return Client(self.here, token)

    def customers(self, number: int, http: httpx.Client | None = None) -> list[Client]:
        """So many different ones; `here` unless they are to be `there`."""
        chosen = self.crowd.customers[:number]
        assert len(chosen) == number, "the crowd is smaller"
        with ThreadPoolExecutor(_AT_THE_DESK) as pool:
            tokens = pool.map(self.crowd.tokens.of, [Caller(id_, "customer") for id_ in chosen])
        return [
            Client(http or self.here, token, {"id": id_})
            for id_, token in zip(chosen, tokens, strict=True)
        ]

    def definitely(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        """What somebody is told who asks again, with the same key, where nothing definite was said."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            answer = ask()
            said = _said(answer)
            with self._lock:
                self.told[said] += 1
            if answer.status_code < 500 and said != "409 request-in-progress":
                return answer
            assert time.monotonic() < deadline, f"nothing definite: {answer.text}"
            time.sleep(random.uniform(0.05, 0.3))

    def buys(self, customer: Client, *products: Mapping[str, Any]) -> httpx.Response:
        """One unit of each, in this order."""
        key = uuid.uuid4().hex
        lines = [(product, 1) for product in products]
        return self.definitely(lambda: customer.try_order(*lines, key=key))

    def restocks(self, product: Mapping[str, Any], delta: int, key: str) -> httpx.Response:
        """A change of its stock, by the admin."""
        path = f"/api/v1/products/{product['id']}/stock"
        headers = {"Idempotency-Key": key}
        return self.definitely(lambda: self.admin.post(path, {"delta": delta}, headers=headers))

    def line(self, title: str) -> str:
        """What happened, in one line."""
        counted = self.environments.conflicts.counted
        parts = [f"{number} times {what}" for what, number in sorted(self.told.items())]
        parts += [f"{number} {what}" for what, number in sorted(counted.items())]
        return f"{title}: {', '.join(parts)}, {time.monotonic() - self._began:.1f} s"

    def closes(self) -> Books:
        """The books, once all is at rest; every invariant holds."""
        assert not self.faults, self.faults
        self.cloud.come_to_rest(within=240)
        books = self.cloud.books()
        found = breaches(books, self.witness, admin_email="keeper@example.com")
        assert not found, "\n".join(found)
        return books


def at_once[T, R](do: Callable[[T], R], each: Sequence[T], *, threads: int = THREADS) -> list[R]:
    """`do` for each of them; all threads begin in the same moment."""
    threads = min(threads, len(each))
    gate = threading.Barrier(threads)
    with ThreadPoolExecutor(threads, initializer=gate.wait) as pool:
        return list(pool.map(do, each))


def statuses(answers: Iterable[httpx.Response]) -> Counter[str]:
    return Counter(_said(answer) for answer in answers)


def _said(answer: httpx.Response) -> str:
    """The status, with the code of a problem. Other gateways' errors have none."""
    if answer.headers.get("content-type") != "application/problem+json":
        return str(answer.status_code)
    return f"{answer.status_code} {code(answer)}"
