"""The token key changes while customers are about: real deployments, phase by phase, under load."""

import os
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import pytest

from shared.auth.tokens import LIFETIME_SECONDS
from tests.support.callers import PLACES
from tests.support.client import Client
from tools.local.processes import free_port
from tools.local.shop import Shop

# What counts as a token's life here, in seconds: a shorter one makes the wait for the last old tokens shorter.
LIFE: Final = int(os.environ.get("ROTATION_TOKEN_LIFE", str(LIFETIME_SECONDS)))
_VISITORS: Final = 3
_PAUSE: Final = 0.05  # between two requests of one thread: the deployment needs this machine too


@dataclass
class Load:
    """Customers who get new tokens all the time, and requests to all four services with the tokens of all of them."""

    http: httpx.Client
    tokens: deque[tuple[float, str]] = field(default_factory=deque)
    told: Counter[str] = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def on(self) -> Iterator[None]:
        customers = [Client(self.http).register() for _ in range(2)]
        jobs: list[Callable[[], None]] = [
            *[lambda c=c: self._renews(c) for c in customers],
            *[self._asks] * _VISITORS,
        ]
        with ThreadPoolExecutor(len(jobs)) as pool:
            at_work: list[Future[None]] = [pool.submit(self._goes_on, job) for job in jobs]
            try:
                yield
            finally:
                self._over.set()
        for thread in at_work:
            thread.result()

    def _goes_on(self, job: Callable[[], None]) -> None:
        while not self._over.wait(_PAUSE):
            try:
                job()
            except httpx.TransportError as error:
                self.told[type(error).__name__] += 1

    def _renews(self, customer: Client) -> None:
        body = {"refresh_token": customer.refresh_token}
        began = time.monotonic()
        answer = self.http.post("/api/v1/auth/refresh", json=body)
        self.told[f"refresh {answer.status_code}"] += 1
        if answer.status_code != 200:
            # An answer that was lost on the way spent the token.
            customer.log_in()
            return
        customer.refresh_token = answer.json()["refresh_token"]
        self.tokens.append((began, answer.json()["access_token"]))

    def _asks(self) -> None:
        while self.tokens and self.tokens[0][0] < time.monotonic() - LIFE + 1:
            self.tokens.popleft()
        if not self.tokens:
            return
        given_at, token = random.choice(self.tokens)
        service, (method, path) = random.choice(list(PLACES.items()))
        headers = {"Authorization": f"Bearer {token}"}
        answer = self.http.request(method, path, headers=headers)
        self.told[f"{service} {answer.status_code}"] += 1
        age = time.monotonic() - given_at
        if answer.status_code == 401 and age < LIFE:
            self.refusals.append(f"{service}: a token {age:.1f} s old")


@pytest.mark.torture
@pytest.mark.timeout(7200)
def test_nobody_s_valid_token_is_refused_while_the_key_changes(
    tmp_path: Path, say: Callable[[str], None]
) -> None:
    parameters = {"ThrottleRate": "2000", "ThrottleBurst": "4000"}
    shop = Shop(free_port(), tmp_path, enforce_iam=True, parameters=parameters)
    with shop.running(), httpx.Client(base_url=shop.url, timeout=30) as http:
        load = Load(http)
        with load.on():
            for phase in ("A+B", "B+A", "B"):
                time.sleep(LIFE if phase == "B" else 5)
                shop.parameters = {**parameters, "TokenKeys": phase}
                shop.redeploy()
                keys = http.get("/.well-known/jwks.json").json()["keys"]
                assert len(keys) == len(phase.split("+"))
                say(f"{phase}: {dict(sorted(load.told.items()))}")
            time.sleep(10)
        say(f"in all: {load.told.total()} requests, {len(load.refusals)} refusals")
        assert load.refusals == []
