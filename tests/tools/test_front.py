"""The limits of `make run LIMITS=on`: those of the template's firewall, in the local front."""

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Final

import httpx
import pytest

from tools.local.firewall import Firewall, limits
from tools.local.front import API_FILE, Front, Target
from tools.template import resources, template

FIREWALL: Final = resources("AWS::WAFv2::WebACL")["WebFirewall"]
RESPONSES: Final = template()["Resources"]["Api"]["Properties"]["GatewayResponses"]
LOG_IN: Final = ("POST", "/api/v1/auth/login")
READ: Final = ("GET", "/api/v1/products")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def firewall(clock: Clock) -> Firewall:
    return Firewall(limits(FIREWALL), clock)


def admitted(firewall: Firewall, times: int, method: str, path: str, by: str = "192.0.2.1") -> int:
    return sum(firewall.admits(by, method, path) for _ in range(times))


def test_address_has_200_requests_a_minute_of_any_kind(firewall: Firewall, clock: Clock) -> None:
    assert admitted(firewall, 150, *READ) == 150
    assert admitted(firewall, 100, "PATCH", "/unknown") == 50
    assert admitted(firewall, 1, *READ, by="192.0.2.2") == 1
    clock.now = 60
    assert admitted(firewall, 300, *READ) == 200


def test_log_ins_and_registrations_share_20_a_minute(firewall: Firewall) -> None:
    assert admitted(firewall, 10, *LOG_IN) == 10
    assert admitted(firewall, 20, "POST", "/api/v1/users") == 10
    for path in ("/live/api/v1/auth/login/", "//api/v1/./auth/login", "/shop/api/v1/auth/reset"):
        assert admitted(firewall, 1, "POST", path) == 0
    assert admitted(firewall, 10, *READ) == 10
    assert admitted(firewall, 10, "GET", "/api/v1/users") == 10


def test_client_that_does_not_wait_stays_refused(firewall: Firewall, clock: Clock) -> None:
    admitted(firewall, 20, *LOG_IN)
    for clock.now in range(1, 120):
        assert not admitted(firewall, 1, *LOG_IN)
    clock.now += 60
    assert admitted(firewall, 1, *LOG_IN)


def test_front_answers_429_as_the_gateway_does(tmp_path: Path) -> None:
    # Nothing listens at this address: a request that is admitted ends as 502.
    fields = [asdict(limit) for limit in limits(FIREWALL)]
    target = Target("http://127.0.0.1:9/live", None, RESPONSES, fields)
    (tmp_path / API_FILE).write_text(json.dumps(target.__dict__))
    front = Front(3000, tmp_path / API_FILE)

    async def sent() -> list[httpx.Response]:
        transport = httpx.ASGITransport(front, client=("192.0.2.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as http:
            return [await http.request("POST", "/api/v1/auth/%6Cogin") for _ in range(21)]

    *admitted, refused = asyncio.run(sent())
    assert {answer.status_code for answer in admitted} == {502}
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert refused.headers["content-type"] == "application/problem+json"
    problem = refused.json()
    assert problem["type"] == "/problems/too-many-requests"
    assert problem["request_id"] == refused.headers["x-request-id"]


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1:3000", 502), ("evil.example:3000", 403)])
def test_mail_is_for_pages_of_this_machine_only(tmp_path: Path, host: str, status: int) -> None:
    target = Target("http://127.0.0.1:9/live", None, RESPONSES)
    (tmp_path / API_FILE).write_text(json.dumps(target.__dict__))
    transport = httpx.ASGITransport(Front(3000, tmp_path / API_FILE))

    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as http:
            return await http.get("/_local/mail?to=a@example.com&to=b@example.com")

    assert asyncio.run(asked()).status_code == status
