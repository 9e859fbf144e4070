"""What a guesser can learn from log-ins: not whether an address is known, nor whether its account
is active.

The real handler is asked, from the event that the gateway would send to botocore's wire.
"""

import json
import math
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from itertools import combinations, count
from types import FrameType
from typing import Any, Final

import pytest
from argon2 import low_level

from tests.simulation.shop import SimulatedShop
from tests.support.client import PASSWORD
from tests.support.http import Answer, rest_event

type Call = tuple[str, str, str, str]

WRONG: Final = "a-wrong-but-long-password"
# What is of the request, and of nothing else.
_OWN_HEADERS: Final = ("x-request-id", "x-process-time")


@dataclass
class Guesser:
    """A client that guesses passwords of three accounts, each time from a new address."""

    shop: SimulatedShop
    tries: Mapping[str, tuple[str, str]]
    places: Iterator[int] = field(default_factory=lambda: count(int(IPv4Address("10.0.0.0"))))

    def event(self, kind: str, source: str = "", **headers: str) -> dict[str, Any]:
        email, password = self.tries[kind]
        body = {"email": email, "password": password}
        source = source or str(IPv4Address(next(self.places)))
        path = "/api/v1/auth/login"
        return rest_event("POST", path, json_body=body, source_ip=source, headers=headers)

    def tries_it(self, kind: str, source: str = "", **headers: str) -> Answer:
        given = self.shop.invoke("UsersApi", self.event(kind, source, **headers))
        lines = {name.lower(): line for name, line in given["headers"].items()}
        return Answer(given["statusCode"], lines, given["body"])


@pytest.fixture
def guesser(shop: SimulatedShop) -> Guesser:
    gone = shop.anyone.register(email="dora@example.com")
    assert gone.delete(f"/api/v1/users/{gone.user['id']}").status_code == 200
    tries = {
        "unknown": ("nobody@example.com", PASSWORD),
        "wrong": (shop.customer.user["email"], WRONG),
        "deactivated": (gone.user["email"], PASSWORD),
        "deactivated, wrong": (gone.user["email"], WRONG),
    }
    guesser = Guesser(shop, tries)
    for kind in tries:  # what the first log-in of an environment does once
        guesser.tries_it(kind)
    return guesser


def test_unknown_wrong_and_deactivated_get_the_same_response(guesser: Guesser) -> None:
    answers = [guesser.tries_it(kind) for kind in guesser.tries]
    assert [answer.status for answer in answers] == [401] * 4
    assert len({_told(answer) for answer in answers}) == 1


def test_unknown_wrong_and_deactivated_cost_the_same_calls_and_the_same_hash(
    guesser: Guesser,
) -> None:
    work = [_work(guesser, kind) for kind in guesser.tries]
    calls, hashes = work[0]
    assert [operation for operation, *_ in calls] == ["UpdateItem"] * 2 + ["GetItem"] * 3
    assert len(hashes) == 1
    assert work == [work[0]] * 4


def test_a_known_place_costs_the_same_calls_as_a_new_one(guesser: Guesser) -> None:
    here = str(IPv4Address(next(guesser.places)))
    stranger, _ = _work(guesser, "unknown", here)
    guesser.tries = {**guesser.tries, "right": (guesser.shop.customer.user["email"], PASSWORD)}
    assert guesser.tries_it("right", here).status == 200
    regular, _ = _work(guesser, "wrong", here)
    assert [call[:3] for call in regular] == [call[:3] for call in stranger]


def test_a_device_s_cookie_costs_the_same_calls_for_known_and_unknown_addresses(
    guesser: Guesser,
) -> None:
    own = {"right": (guesser.shop.customer.user["email"], PASSWORD)}
    cookie = replace(guesser, tries=own).tries_it("right").headers["set-cookie"].partition(";")[0]
    others = {
        "other": (guesser.shop.admin.user["email"], WRONG),
        "unknown": guesser.tries["unknown"],
    }
    guesser.tries = others
    (first, _), (second, _) = [_work(guesser, kind, Cookie=cookie) for kind in others]
    assert first == second


def test_headers_do_not_change_the_source_of_a_request(guesser: Guesser) -> None:
    here = str(IPv4Address(next(guesser.places)))
    names = "X-Forwarded-For X-Real-IP Forwarded True-Client-IP X-Viewer-Address Via"
    forged = [{name: f"198.51.100.{n}, {here}"} for n, name in enumerate(names.split())]
    statuses = [guesser.tries_it("wrong", here, **headers).status for headers in forged]
    assert statuses == [401] * 5 + [429]


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_unknown_wrong_and_deactivated_take_the_same_time(
    guesser: Guesser, say: Callable[[str], None]
) -> None:
    kinds = ["unknown", "wrong", "deactivated"]
    took: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(int(os.environ.get("LOG_INS", "10000")) // len(kinds)):
        random.shuffle(kinds)
        for kind in kinds:
            began = time.perf_counter()
            guesser.tries_it(kind)
            took[kind].append(time.perf_counter() - began)
    for first, second in combinations(took, 2):
        t = _welch(took[first], took[second])
        say(f"{len(took[first])} log-ins each, {first} and {second}: t = {t:.2f}")
        assert abs(t) < 4.5


def _told(answer: Answer) -> str:
    lines = {name: line for name, line in answer.headers.items() if name not in _OWN_HEADERS}
    body = answer.text.replace(answer.json["request_id"], "")
    return json.dumps([lines, body], sort_keys=True)


def _work(
    guesser: Guesser, kind: str, source: str = "", **headers: str
) -> tuple[list[Call], list[str]]:
    """What a log-in asks DynamoDB for, and the parameters of each hash that it computes."""
    calls: list[Call] = []
    hashes: list[str] = []
    dynamodb = guesser.shop.cloud.dynamodb

    def listen(operation: str, request: Mapping[str, Any], _: object) -> None:
        shape = {name: text for name, text in request.items() if name.endswith("Expression")}
        consistency = str(request.get("ConsistentRead"))
        calls.append((operation, request["TableName"], consistency, json.dumps(shape)))

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is low_level.verify_secret.__code__:
            hashes.append(frame.f_locals["hash"].decode().rpartition("$")[0].rpartition("$")[0])

    dynamodb.listen = listen
    sys.setprofile(profile)
    try:
        guesser.tries_it(kind, source, **headers)
    finally:
        sys.setprofile(None)
        dynamodb.listen = None
    return calls, hashes


def _welch(first: Sequence[float], second: Sequence[float]) -> float:
    error = sum(statistics.variance(sample) / len(sample) for sample in (first, second))
    return (statistics.mean(first) - statistics.mean(second)) / math.sqrt(error)
