"""Tokens and passwords that many use at once, on the emulator's DynamoDB."""

from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from tests.stack.races.market import Market, at_once, statuses
from tests.support.client import PASSWORD, Client

type Say = Callable[[str], None]

_SPENT = "401 bad-refresh-token"
_USES = 1000
_GUESSES = 100


@pytest.fixture
def customer(market: Market) -> Client:
    return Client(market.here).register()


def refresh(market: Market, token: str) -> httpx.Response:
    return market.here.post("/api/v1/auth/refresh", json={"refresh_token": token})


def test_a_refresh_token_that_a_thousand_use_at_once_has_one_child_and_ends_with_it(
    market: Market, customer: Client, say: Say
) -> None:
    market.begins_anew()
    token = customer.refresh_token
    answers = at_once(lambda _: refresh(market, token), range(_USES))
    say(market.line(f"one refresh token {_USES} times, {dict(statuses(answers))}"))
    assert statuses(answers) == {"200": 1, _SPENT: _USES - 1}
    # Whoever was first, owner or thief: neither goes on.
    [child] = [a.json()["refresh_token"] for a in answers if a.status_code == 200]
    assert statuses([refresh(market, child), refresh(market, token)]) == {_SPENT: 2}


def test_of_a_hundred_guesses_at_once_five_are_looked_at(
    market: Market, customer: Client, say: Say
) -> None:
    market.begins_anew()
    guess = {"email": customer.user["email"], "password": "a-wrong-but-long-password"}

    def log_in(_: int) -> httpx.Response:
        return market.here.post("/api/v1/auth/login", json=guess)

    answers = at_once(log_in, range(_GUESSES))
    told: Counter[str] = statuses(answers)
    say(market.line(f"{_GUESSES} guesses at once, {dict(told)}"))
    # A second or two pass meanwhile, and with them the first wait or the second.
    looked_at = told["401 bad-credentials"]
    assert 5 <= looked_at <= 7
    assert told["429 too-many-attempts"] == _GUESSES - looked_at
    refused = [a for a in answers if a.status_code == 429]
    assert all(1 <= int(a.headers["retry-after"]) <= 8 for a in refused)
    # From elsewhere the owner gets in.
    elsewhere = Client(market.there, user=customer.user)
    assert elsewhere.log_in(PASSWORD).token
