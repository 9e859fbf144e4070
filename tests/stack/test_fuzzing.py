"""Every answer of the deployed API is one that its own document describes: schemathesis."""

import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import pytest

from tests.stack.fuzzing import PHASES, Findings, Identity, fuzz
from tests.support.client import PASSWORD, Client
from tests.support.cloud import Cloud
from tools.local.shop import Shop

_DEAD_LETTERS = ("CheckoutDeadLetters", "NotificationsDeadLetters")
_RANDOM = frozenset({"fuzzing", "stateful"})  # the other phases always send the same requests


@pytest.fixture
def identities(http: httpx.Client, admin: Client) -> list[Identity]:
    def another_admin() -> Client:
        client = Client(http).register()
        # The admin's token may have expired in the long form.
        path = f"/api/v1/users/{client.user['id']}"
        change = {"role": "admin", "current_password": PASSWORD}
        assert admin.log_in().put(path, change).status_code == 200
        return client.log_in()

    return [
        Identity("anonymous"),
        Identity("customer", lambda: Client(http).register()),
        Identity("admin", another_admin, frozenset({admin.user["id"]})),
    ]


@pytest.fixture
def known(http: httpx.Client, admin: Client) -> dict[str, str]:
    """What no document can have: a product, an account, and its refresh token."""
    account = Client(http).register()
    return {
        "OrderItemRequest.product_id": admin.log_in().add_product(stock=1_000_000)["id"],
        "LogInRequest.email": account.user["email"],
        "LogInRequest.password": PASSWORD,
        "RefreshTokenRequest.refresh_token": account.refresh_token,
    }


type Fuzz = Callable[[int, int, frozenset[str]], list[Findings]]


@pytest.fixture
def fuzz_as_all(shop: Shop, identities: list[Identity], known: dict[str, str]) -> Fuzz:
    """Sends requests as all identities at once; seed, examples and phases are given."""
    document = httpx.get(f"{shop.url}/openapi.json").json()
    run = partial(fuzz, document, f"{shop.url}/live", known=known)

    def fuzz_as_all(seed: int, examples: int, phases: frozenset[str]) -> list[Findings]:
        with ThreadPoolExecutor(len(identities)) as pool:
            running = [
                pool.submit(run, identity, seed=seed, examples=examples, phases=phases)
                for identity in identities
            ]
        findings = [one.result() for one in running]
        failures = [f"{k}\n{v}" for one in findings for k, v in one.failures.items()]
        assert not failures, "\n\n".join(failures)
        return findings

    return fuzz_as_all


def test_every_answer_is_in_the_document(fuzz_as_all: Fuzz) -> None:
    findings = fuzz_as_all(1, 2, frozenset({"examples", "fuzzing"}))
    assert sum(one.requests for one in findings) > 150


@pytest.mark.torture
@pytest.mark.timeout(3 * 3600)
def test_every_one_of_100_000_answers_is_in_the_document(
    cloud: Cloud, fuzz_as_all: Fuzz, say: Callable[[str], None]
) -> None:
    seed = int(os.environ.get("SEED") or random.randrange(2**32))
    say(f"schemathesis: seed {seed}")
    requests, phases = 0, frozenset(PHASES)
    while requests < 100_000:
        requests += sum(one.requests for one in fuzz_as_all(seed, 100, phases))
        seed, phases = seed + 1, _RANDOM
    cloud.come_to_rest(within=300)
    dead = {queue: cloud.waiting_in(queue) for queue in _DEAD_LETTERS}
    assert not any(dead.values()), dead
