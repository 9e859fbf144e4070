"""`make smoke` passes at both URLs of the stack, leaves nothing, and names what is broken."""

import json
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.books import TABLES, scanned
from tests.support.client import PASSWORD, Client, eventually
from tests.support.cloud import Cloud
from tests.support.generated import Generated
from tests.support.privacy import PRIVACY
from tools import clients
from tools.local.firewall import limits
from tools.local.shop import Shop
from tools.progress import Problem
from tools.smoke import client as smoke
from tools.smoke import steps
from tools.smoke.__main__ import walk_through
from tools.smoke.walk import Walk
from tools.template import resources


class Transport(httpx.HTTPTransport):
    """Real HTTP whose answers are noted as personal data, and changed on the way."""

    def __init__(self, changes: dict[str, Callable[[Any], object]] | None = None) -> None:
        super().__init__()
        self.changes = changes or {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        response.request = request
        response.read()
        PRIVACY.exchanged(response)
        content = response.content
        line = f"{request.method} {request.url.raw_path.decode()}"
        for pattern, change in self.changes.items():
            if response.status_code < 400 and re.fullmatch(pattern, line):
                body = response.json()
                change(body)
                content = json.dumps(body).encode()
        if "content-encoding" in response.headers:
            response.headers["content-encoding"] = "identity"  # it is decompressed
        response.headers.pop("content-length", None)
        return httpx.Response(response.status_code, headers=response.headers, content=content)


def walk(
    shop: Shop, path: str, admin: Client | None, transport: httpx.BaseTransport | None = None
) -> Walk:
    run = secrets.token_hex(4)
    client = smoke.Client(f"{shop.url}{path}", run, transport=transport or Transport())
    return Walk(client, smoke.Person(admin.user["email"], PASSWORD) if admin else None)


def assert_nothing_is_left(walk: Walk, admin: Client, cloud: Cloud) -> None:
    """No product of the walk is on sale, no order is open, and its customers are erased."""
    assert admin.get("/api/v1/products", params={"category": walk.category}).json()["count"] == 0
    ids = {person.id for person in walk.people.values()}
    assert len(ids) == 2
    tables = [cloud.physical_id(name) for name in TABLES]

    def open_or_personal() -> list[str]:
        dynamodb = cloud.client("dynamodb")
        items = [item for table in tables for item in scanned(dynamodb, table)]
        address = re.compile(f"smoke-{walk.api.run}-(customer|stranger)")
        open_ = {"pending", "confirmed", "shipped"}
        return [
            item["pk"]
            for item in items
            if address.search(repr(item))
            or (item.get("user_id") in ids and item.get("status") in open_)
        ]

    # Every service erases on its own, when it receives the event.
    eventually(open_or_personal, lambda found: not found)


@pytest.mark.parametrize("path", ["", "/live"], ids=["domain", "stage"])
def test_walk_passes_and_leaves_nothing(path: str, shop: Shop, admin: Client, cloud: Cloud) -> None:
    walked = walk(shop, path, admin)
    assert walk_through(walked)
    # The firewall admits all of them in one minute, and those of a person at the same address.
    for limit in limits(resources("AWS::WAFv2::WebACL")["WebFirewall"]):
        asked = [reply.asked.partition(" ") for reply in walked.api.replies]
        counted = [1 for method, _, path in asked if limit.is_about(method, path.partition("?")[0])]
        assert len(counted) < 0.9 * limit.requests
    assert_nothing_is_left(walked, admin, cloud)


def test_walk_passes_through_the_generated_python_client(
    shop: Shop, admin: Client, cloud: Cloud, tmp_path: Path
) -> None:
    clients.make_python(tmp_path / "python")
    generated = Generated(tmp_path / "python", Transport(), shop.url)
    walked = walk(shop, "", admin, generated)
    assert walk_through(walked)
    assert_nothing_is_left(walked, admin, cloud)
    # Files, the mailbox, and what a client cannot ask for by mistake.
    listing = "GET /api/v1/products"  # with an unknown parameter
    unknown = {"GET /nothing", "POST /health", "GET /_local/mail", listing}
    assert {line for line in generated.plain if "/docs/" not in line} == unknown
    assert generated.plain.count(listing) == 1
    assert len(generated.called) > 40


def test_interrupted_walk_leaves_nothing(shop: Shop, admin: Client, cloud: Cloud) -> None:
    def interrupt(_walk: Walk) -> None:
        raise KeyboardInterrupt

    walked = walk(shop, "", admin)
    taken = (steps.index, steps.register, steps.confirm_email, steps.log_in, steps.admin_log_in)
    with pytest.raises(KeyboardInterrupt):
        walk_through(walked, [*taken, steps.add_products, steps.place_order, interrupt])
    assert walked.placed
    assert_nothing_is_left(walked, admin, cloud)


def test_walk_without_an_admin_skips_steps(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    taken = (steps.index, steps.register, steps.admin_log_in, steps.place_order)
    assert walk_through(walk(shop, "", None), taken)
    printed = capsys.readouterr().out
    assert re.search(r"place order … +\d.\d s  \(skipped: needs an admin\)", printed)
    assert "ADMIN_EMAIL" in printed.splitlines()[-1]


def test_another_site_is_a_problem(shop: Shop) -> None:
    with pytest.raises(Problem, match="ends with the stage"):
        walk_through(walk(shop, "/nothing", None))


def having(**values: object) -> Callable[[Any], object]:
    return lambda body: body.update(values)


BROKEN: dict[str, tuple[Callable[[Any], object], str]] = {
    "GET /health": (having(status="degraded"), "have status 'healthy'"),
    "GET .*sort=-price": (lambda page: page["products"].reverse(), "products for sort=-price"),
    "POST /api/v1/orders": (having(total_amount="24.49"), "have total_amount '24.50'"),
    "GET /api/v1/orders/.*/events": (lambda page: page["events"].pop(), "have both events"),
    "POST .*/deliver": (having(status="shipped"), "have status 'delivered'"),
    "GET .*/refunds": (lambda page: page["refunds"].pop(), "have both refunds, succeeded"),
    "POST .*/receive": (having(status="approved"), "have status 'received'"),
    "DELETE /api/v1/users/.*": (having(erased=False), "have erased True"),
    "GET /openapi.json": (
        lambda document: document["paths"].pop("/api/v1/orders/{id}/ship"),
        "openapi.json has no 403 for POST /api/v1/orders/",
    ),
}


def test_walk_names_each_broken_promise(
    shop: Shop, admin: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    transport = Transport({pattern: change for pattern, (change, _) in BROKEN.items()})
    assert not walk_through(walk(shop, "", admin, transport))
    printed = capsys.readouterr().out
    assert [sentence for _, sentence in BROKEN.values() if sentence not in printed] == []
