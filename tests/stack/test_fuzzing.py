"""Nobody brings the API to an answer that its own document does not have: schemathesis, on the deployed stack."""

import os
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.stack.fuzzing import Findings, Identity, fuzz
from tests.support.client import PASSWORD, Client
from tests.support.cloud import Cloud
from tools.local.shop import Shop

_ALL = frozenset({"examples", "coverage", "fuzzing", "stateful"})
_DEAD_LETTERS = ("CheckoutDeadLetters", "NotificationsDeadLetters")
_AGAIN = frozenset({"fuzzing", "stateful"})  # what the others ask is always the same


@pytest.fixture
def identities(http: httpx.Client, admin: Client) -> list[Identity]:
    """Nobody, a customer, and an admin."""

    def another_admin() -> Client:
        client = Client(http).register()
        # The token may have ended in the long form.
        path = f"/api/v1/users/{client.user['id']}"
        assert admin.log_in().put(path, {"role": "admin"}).status_code == 200
        return client.log_in()

    return [
        Identity("anonymous"),
        Identity("customer", lambda: Client(http).register()),
        Identity("admin", another_admin, frozenset({admin.user["id"]})),
    ]


@pytest.fixture
def known(http: httpx.Client, admin: Client) -> dict[str, str]:
    """What no document can name: a product that there is, an account, and its refresh token."""
    account = Client(http).register()
    return {
        "OrderItemRequest.product_id": admin.log_in().add_product(stock=1_000_000)["id"],
        "LogIn.email": account.user["email"],
        "LogIn.password": PASSWORD,
        "HeldToken.refresh_token": account.refresh_token,
    }


def ask(
    shop: Shop,
    identities: list[Identity],
    known: dict[str, str],
    *,
    seed: int,
    examples: int,
    wanted: int,
) -> Findings:
    """Ask as all identities at once, each with the same seed, until there were as many requests as wanted."""
    document = httpx.get(f"{shop.url}/openapi.json").json()
    api = f"{shop.url}/live"
    findings, phases = Findings(), _ALL
    while findings.requests < wanted and not findings.failures:
        with ThreadPoolExecutor(len(identities)) as pool:
            asked = [
                pool.submit(
                    fuzz,
                    document,
                    api,
                    who,
                    seed=seed,
                    examples=examples,
                    phases=phases,
                    known=known,
                )
                for who in identities
            ]
        for answered in asked:
            findings.add(answered.result())
        seed, phases = seed + 1, _AGAIN
    return findings


def report(findings: Findings, say: Callable[[str], None], *, seed: int, began: float) -> None:
    took = time.monotonic() - began
    undone = sorted(findings.operations - findings.done)
    statuses = ", ".join(f"{status} {n}" for status, n in sorted(findings.statuses.items()))
    say(
        f"schemathesis (seed {seed}): {findings.requests} requests to {len(findings.operations)} operations in {took:.0f} s, "
        f"{findings.checks.total()} checks of {len(findings.checks)} kinds, {len(findings.failures)} failures; {statuses}; "
        f"never 2xx: {', '.join(undone) or 'none'}"
    )
    assert not findings.failures, "\n\n".join(f"{k}\n{v}" for k, v in findings.failures.items())


@pytest.mark.timeout(300)
def test_every_answer_is_one_that_the_document_has(
    shop: Shop,
    identities: list[Identity],
    known: dict[str, str],
    say: Callable[[str], None],
) -> None:
    began = time.monotonic()
    findings = ask(shop, identities, known, seed=1, examples=6, wanted=5_000)
    report(findings, say, seed=1, began=began)


@pytest.mark.torture
@pytest.mark.timeout(3 * 3600)
def test_every_one_of_very_many_answers_is_one_that_the_document_has(
    shop: Shop,
    cloud: Cloud,
    identities: list[Identity],
    known: dict[str, str],
    say: Callable[[str], None],
) -> None:
    seed = int(os.environ.get("SEED") or random.randrange(2**32))
    say(f"schemathesis: seed {seed}")
    began = time.monotonic()
    findings = ask(shop, identities, known, seed=seed, examples=100, wanted=100_000)
    report(findings, say, seed=seed, began=began)
    cloud.come_to_rest(within=300)
    dead = {queue: cloud.waiting_in(queue) for queue in _DEAD_LETTERS}
    assert not any(dead.values()), dead
