"""`make smoke` passes at both URLs of the stack, leaves nothing, and notices what is broken."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from tests.stack.replaying import Change, Exchange, Recording, edited
from tests.support.books import TABLES, read
from tests.support.client import PASSWORD, Client, eventually
from tests.support.cloud import Cloud
from tools.local.shop import Shop
from tools.progress import Problem
from tools.smoke import client as smoke
from tools.smoke.__main__ import STEPS, walk_through
from tools.smoke.walk import Walk

FINAL = {"cancelled", "delivered"}


@pytest.fixture(scope="module", params=["", "/live"], ids=["domain", "stage"])
def url(request: pytest.FixtureRequest, shop: Shop) -> str:
    return f"{shop.url}{request.param}"


@pytest.fixture(scope="module", autouse=True)
def _forget_failed_log_ins(cloud: Cloud, url: str) -> None:
    """Fuzzing uses up the failed log-ins that one IP address has in an hour."""
    client, table = cloud.client("dynamodb"), cloud.physical_id("UsersTable")
    for page in client.get_paginator("scan").paginate(TableName=table):
        for item in page["Items"]:
            if item["sk"]["S"].startswith("HOUR#"):
                client.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})


@pytest.fixture(scope="module")
def recording(shop: Shop, url: str, admin: Client, cloud: Cloud) -> Iterator[Recording]:
    """A walk that has passed at that URL."""
    yield Recording.of(url, smoke.Person(admin.user["email"], PASSWORD))
    # The second pass of an erasure waits a minute in the queue, which other tests expect empty.
    cloud.client("sqs").purge_queue(QueueUrl=cloud.physical_id("CheckoutQueue"))


def erased_orders(admin: Client, user_id: str) -> bool:
    orders = admin.get("/api/v1/orders", params={"user_id": user_id}).json()["orders"]
    return all(order["user_name"] == "Erased" for order in orders)


def assert_nothing_is_left(admin: Client, cloud: Cloud, run: str, user_ids: set[str]) -> None:
    """No product of the walk is on sale, no order is open, and its customers are erased."""
    on_sale = admin.get("/api/v1/products", params={"category": f"smoke-{run}"}).json()
    assert on_sale["products"] == []
    assert user_ids
    for user_id in user_ids:
        user = admin.get(f"/api/v1/users/{user_id}").json()
        assert (user["is_active"], user["full_name"]) == (False, "Erased")
        orders = admin.get("/api/v1/orders", params={"user_id": user_id}).json()["orders"]
        assert {order["status"] for order in orders} <= FINAL
        # Every service erases on its own, when it receives the event.
        eventually(partial(erased_orders, admin, user_id))
    tables = {name: cloud.physical_id(name) for name in TABLES}

    def with_an_address() -> list[str]:
        everything = read(cloud.client("dynamodb"), tables, []).everything
        address = re.compile(f"smoke-{run}-(customer|stranger)")
        return [item["pk"] for item in everything if address.search(repr(item))]

    eventually(with_an_address, lambda found: not found)


def test_walk_stays_below_the_limits_of_an_ip_address(recording: Recording) -> None:
    log_ins = ("POST /api/v1/users", "POST /api/v1/auth/login")
    assert len(recording.exchanges) < 180
    assert len([e for e in recording.exchanges if e.asked in log_ins]) < 18


def test_walk_leaves_nothing(recording: Recording, admin: Client, cloud: Cloud) -> None:
    registered = [e for e in recording.exchanges if e.asked == "POST /api/v1/users"]
    user_ids = {e.json["id"] for e in registered if e.status == 201}
    assert_nothing_is_left(admin, cloud, recording.run, user_ids)


def test_interrupted_walk_leaves_nothing(
    shop: Shop, admin: Client, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_walk: Walk) -> None:
        raise KeyboardInterrupt

    walk = Walk(smoke.Client(shop.url, "interrupted"), admin.user["email"], PASSWORD)
    steps = STEPS[: 1 + [step.__name__ for step in STEPS].index("place_order")]
    with pytest.raises(KeyboardInterrupt):
        walk_through(walk, [*steps, interrupt])
    assert "clean up" in capsys.readouterr().out
    assert walk.placed
    user_ids = {walk.customer.id, walk.stranger.id}
    assert_nothing_is_left(admin, cloud, "interrupted", user_ids)


def test_walk_without_an_admin_skips_steps(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert walk_through(Walk(smoke.Client(shop.url, "without-admin")))
    printed = capsys.readouterr().out
    assert re.search(r"place order … +\d.\d s  \(skipped: needs an admin\)", printed)
    assert "ADMIN_EMAIL" in printed.splitlines()[-1]


def test_another_site_is_a_problem(shop: Shop) -> None:
    with pytest.raises(Problem, match="ends with the stage"):
        walk_through(Walk(smoke.Client(f"{shop.url}/nothing", "nowhere")))


def headers(**values: str) -> Change:
    """All answers have these headers instead; an empty one is left out."""

    def change(exchange: Exchange) -> Exchange:
        named = {name.replace("_", "-"): value for name, value in values.items()}
        changed = {n: v for n, v in (exchange.headers | named).items() if named.get(n, v)}
        return replace(exchange, headers=changed)

    return change


def with_wrong_stage(exchange: Exchange) -> Exchange:
    """A Location lacks the stage, or has one where the URL has none."""
    link = exchange.headers.get("location", "")
    moved = link.removeprefix("/live") if link.startswith("/live") else f"/live{link}"
    return replace(exchange, headers=exchange.headers | {"location": moved}) if link else exchange


def with_body_for_304(exchange: Exchange) -> Exchange:
    return replace(exchange, body=b"x") if exchange.status == 304 else exchange


def visible_to_others(exchange: Exchange) -> Exchange:
    is_foreign = exchange.status == 404 and re.match(r"GET /api/v1/orders/\w+$", exchange.asked)
    return replace(exchange, status=200) if is_foreign else exchange


def edit(pattern: str, **values: object) -> Change:
    return edited(pattern, lambda body: body.update(values))


def _reverse(body: dict[str, list[object]]) -> None:
    body["products"].reverse()


ORDER, PRODUCT = r"GET /api/v1/orders/\w+", r"GET /api/v1/products/\w+"
BROKEN: dict[str, tuple[Change, str]] = {
    "degraded service": (edit("GET /health", status="degraded"), "healthy"),
    "link with a wrong stage": (with_wrong_stage, "lead to"),
    "foreign token": (edit(".*/login", access_token="x.y.z"), "verifies"),
    "wrong order of a list": (edited(".*sort=-price", _reverse), "sort=-price"),
    "body with a 304": (with_body_for_304, "without a body"),
    "wrong amount": (edit("POST /api/v1/orders", total_amount="24.49"), "total_amount"),
    "order that stays pending": (edit(ORDER, status="pending"), "confirmed within 30 s"),
    "stock that is not reserved": (edit(PRODUCT, stock=20), "stock 19"),
    "order that others see": (visible_to_others, "404"),
    "order that is not shipped": (edit(".*/ship", status="confirmed"), "shipped"),
    "account that is not erased": (edit("DELETE .*", erased=False), "erased"),
    "missing time": (headers(x_process_time=""), "X-Process-Time"),
    "public private answer": (headers(cache_control="public, max-age=60"), "Cache-Control"),
    "missing nosniff": (headers(x_content_type_options=""), "X-Content-Type-Options"),
    "price as a number": (
        edited(".*sort=price", lambda body: body["products"][0].update(price=9.5)),
        "differs from openapi.json in the body",
    ),
    "undocumented route": (
        edited("GET /openapi.json", lambda body: body["paths"].pop("/api/v1/orders/{id}/ship")),
        "openapi.json has no",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_promise_is_named(
    name: str, recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    change, sentence = BROKEN[name]
    capsys.readouterr()
    assert not walk_through(recording.walk(change))
    assert sentence in capsys.readouterr().out


def test_unchanged_recording_passes(recording: Recording) -> None:
    assert walk_through(recording.walk(headers()))
