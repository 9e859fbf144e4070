"""From one token key to the next, step by step as docs/runbook.md says, and no valid token is
refused.

A deployment replaces functions one by one, in any order: while it lasts, any of the four services
that check tokens may already be of the new one, and the others still of the old. All these states
are gone through.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

import pytest

from shared.auth.tokens import LIFETIME_SECONDS
from shared.runtime.entry import Handler
from tests.simulation.shop import SimulatedShop
from tests.support.callers import PLACES
from tests.support.client import PASSWORD, Client

PHASES: Final = ("A", "A+B", "B+A", "B")
LIFETIME: Final = timedelta(seconds=LIFETIME_SECONDS)
# Each state differs from the one before in one function, as a reflected Gray code's numbers do in
# one bit.
STATES: Final = [
    frozenset(n for b, n in enumerate(PLACES) if (i ^ i >> 1) >> b & 1) for i in range(16)
]


@dataclass
class Rotation:
    """The shop on its way from key to key; `tokens` are those given out, with the moment of
    each."""

    shop: SimulatedShop
    customer: Client
    tokens: list[tuple[datetime, str]] = field(default_factory=list)
    asked: int = 0
    _made: dict[tuple[str, str], Handler] = field(default_factory=dict)

    def deploy(self, phase: str, functions: Iterable[str] = PLACES) -> None:
        """From now on these functions are of a deployment to the phase."""
        for name in functions:
            # Made once: that takes longest.
            if (name, phase) not in self._made:
                self.shop.restart(name, TokenKeys=phase)
                self._made[name, phase] = self.shop._built[name]
            self.shop._built[name] = self._made[name, phase]

    def give_token(self) -> None:
        """A fresh token, by UsersApi as it is."""
        held = {"refresh_token": self.customer.refresh_token}
        answer = self.customer.http.post("/api/v1/auth/refresh", json=held)
        assert answer.status_code == 200, answer.text
        self.customer.refresh_token = answer.json()["refresh_token"]
        self.tokens.append((datetime.now(UTC), answer.json()["access_token"]))

    def refused(self) -> list[str]:
        """Which services refuse a token that is still valid."""
        return [
            name for _, token in self.valid() for name in PLACES if not self._takes(name, token)
        ]

    def valid(self) -> Iterator[tuple[datetime, str]]:
        # A second less: the clock goes on while they are asked about.
        youngest = datetime.now(UTC) - LIFETIME + timedelta(seconds=2)
        return (given for given in self.tokens if given[0] > youngest)

    def _takes(self, service: str, token: str) -> bool:
        self.asked += 1
        method, path = PLACES[service]
        headers = {"Authorization": f"Bearer {token}"}
        answer = self.customer.http.request(method, path, headers=headers)
        assert answer.status_code in (200, 401, 403), answer.text
        return answer.status_code != 401


@pytest.fixture
def rotation(shop: SimulatedShop) -> Rotation:
    rotation = Rotation(shop, Client(shop.anyone.http, user={"email": "carla@example.com"}))
    rotation.deploy("A")
    rotation.customer.log_in(PASSWORD)
    return rotation


def test_valid_tokens_are_accepted_in_every_state_of_a_rotation(
    rotation: Rotation, say: Callable[[str], None]
) -> None:
    states = 0
    for before, after in pairwise(PHASES):
        new: frozenset[str] = frozenset()
        for state in (*STATES, frozenset(PLACES)):
            rotation.deploy(after, state - new)
            rotation.deploy(before, new - state)
            new = state
            rotation.give_token()
            assert rotation.refused() == [], f"{sorted(state)} of {after}, the others of {before}"
            # So that tokens of every age are about, of old functions and of new ones.
            rotation.shop.pass_time(LIFETIME / 4)
            states += 1
        rotation.shop.pass_time(LIFETIME)
    say(f"key rotation: {states} states, {rotation.asked} requests with valid tokens, 0 refused")


def test_tokens_of_a_removed_key_are_refused_at_once(rotation: Rotation) -> None:
    """In an emergency that is what counts; sessions go on, for refresh tokens are not signed."""
    rotation.give_token()
    rotation.deploy("B")
    assert len(rotation.refused()) == len(PLACES)
    rotation.give_token()
    assert len(rotation.refused()) == len(PLACES)
    assert [rotation._takes(name, rotation.tokens[-1][1]) for name in PLACES] == [True] * 4


def test_tokens_are_accepted_when_the_second_key_cannot_be_read(rotation: Rotation) -> None:
    """IAM may grant the key a moment after the deployment of the functions."""
    rotation.deploy("A+B")
    second = rotation.shop._names["TokenKeyB"]
    with rotation.shop.refusing("kms.GetPublicKey", about=second):
        rotation.give_token()
        assert rotation.refused() == []
    keys = rotation.customer.http.get("/.well-known/jwks.json").json()["keys"]
    assert len(keys) == 2
