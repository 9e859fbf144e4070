"""`make smoke` passes on the deployed stack at both of its URLs, leaves nothing there, and notices what is broken."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.stack.replaying import Exchange, Mutation, Recording, changing
from tests.support.client import PASSWORD, Client, code
from tests.support.cloud import Cloud
from tests.support.privacy import PRIVACY
from tools.local.shop import Shop
from tools.progress import Problem
from tools.smoke import client as smoke
from tools.smoke.__main__ import STEPS, take_step, walk_through
from tools.smoke.walk import Walk

FINAL = {"cancelled", "delivered"}


@pytest.fixture(scope="module", params=["", "/live"], ids=["own-domain", "execute-api"])
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
    # The erasure's second look waits a minute in the queue, which other tests want to see empty.
    cloud.client("sqs").purge_queue(QueueUrl=cloud.physical_id("CheckoutQueue"))


def nothing_stays(admin: Client, run: str, user_ids: set[str]) -> None:
    """Of a walk no product is on sale, no order open and no account there."""
    on_sale = admin.get("/api/v1/products", params={"category": f"smoke-{run}"}).json()
    assert on_sale["products"] == []
    for user_id in user_ids:
        user = admin.get(f"/api/v1/users/{user_id}").json()
        assert (user["is_active"], user["full_name"]) == (False, "Erased")
        orders = admin.get("/api/v1/orders", params={"user_id": user_id}).json()["orders"]
        assert {order["status"] for order in orders} <= FINAL


def test_walk_stays_below_the_limits_of_prod(recording: Recording) -> None:
    assert len(recording.exchanges) < 180
    log_ins = ("POST /api/v1/users", "POST /api/v1/auth/login")
    assert len([e for e in recording.exchanges if e.asked in log_ins]) < 18


def test_walk_leaves_nothing(recording: Recording, admin: Client, anyone: Client) -> None:
    registered = [e for e in recording.exchanges if e.asked == "POST /api/v1/users"]
    nothing_stays(admin, recording.run, {e.json["id"] for e in registered if e.status == 201})
    log_ins = [e for e in recording.exchanges if e.asked == "POST /api/v1/auth/login"]
    for log_in in log_ins:
        if log_in.status == 200:
            held = {"refresh_token": log_in.json["refresh_token"]}
            assert code(anyone.post("/api/v1/auth/refresh", held)) == "bad-refresh-token"


# What the contract leaves open: what a service adds to its figures, optional fields, headers of files.
MAY_BE_MISSING = re.compile(
    "|".join(
        (
            # There only to see that a link leads somewhere.
            r"(index|unknown_paths): GET /health/? .*",
            r"health: GET /health/ready .* no services\.\w+\..*",
            r"health: GET /health .* no services\.\w+\.(uptime_seconds|memory_mb)",
            r"health: GET /health.* no (services\.orders\.)?(total|by_status\.\w+)",
            r"docs: GET /docs/.* no etag",
            r"public_keys: .* no keys\.\*\.(alg|use)",
            r".* no (.*\.)?(cancel_reason|order_id)",
        )
    )
)


def test_every_broken_answer_fails_a_step(
    recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    number, unnoticed = 0, []
    for step, name, mutation in recording.mutations():
        number += 1
        walk = recording.walk(mutation, step)
        if "failed" not in outcomes(walk, step, "all_answers", "openapi_document"):
            unnoticed.append(f"{step}: {name}")
    assert number > 1000
    assert [name for name in unnoticed if not MAY_BE_MISSING.fullmatch(name)] == []
    # Not even of answers that are not as they should be.
    assert PRIVACY.found_in(capsys.readouterr().out.splitlines()) == []


def outcomes(walk: Walk, *steps: str) -> list[str]:
    """How these steps go, one after the other."""
    by_name = {step.__name__: step for step in STEPS}
    return [take_step(walk, by_name[step]) for step in steps]


def headers(**values: str) -> Mutation:
    """Every answer has these headers instead; an empty one is left out."""

    def mutation(exchange: Exchange) -> Exchange:
        named = {name.replace("_", "-"): value for name, value in values.items()}
        changed = {n: v for n, v in (exchange.headers | named).items() if named.get(n, v)}
        return replace(exchange, headers=changed)

    return mutation


def every_second(mutation: Mutation) -> Mutation:
    """Not the first such answer, but the next."""
    seen: list[Exchange] = []

    def second(exchange: Exchange) -> Exchange:
        changed = mutation(exchange)
        if changed != exchange:
            seen.append(exchange)
        return changed if len(seen) % 2 == 0 else exchange

    return second


def elsewhere(exchange: Exchange) -> Exchange:
    """All links lack the stage, or have one where the URL has none."""

    def moved(link: str) -> str:
        return link.removeprefix("/live") if link.startswith("/live") else f"/live{link}"

    changed = exchange
    if "location" in exchange.headers:
        location = moved(exchange.headers["location"])
        changed = replace(exchange, headers=exchange.headers | {"location": location})
    if exchange.asked == "GET /":
        index = exchange.json
        for service in index["services"]:
            service["base_url"] = moved(service["base_url"])
        changed = exchange.having(index)
    return changed


def still_listed(exchange: Exchange) -> Exchange:
    """The withdrawn product is in its category."""
    _, is_category, category = exchange.asked.partition("?category=")
    if not is_category:
        return exchange
    page = exchange.json
    page["products"].append({"name": f"Anvil {category}"})
    return exchange.having(page)


PRODUCT = r"GET /api/v1/products/\w+"
ORDER = r"GET /api/v1/orders/\w+"
BROKEN: dict[str, tuple[str, Mutation, str]] = {
    "index with a wrong stage": ("index", elsewhere, "lead to"),
    "account's Location with a wrong stage": ("register", elsewhere, "lead to"),
    "product's Location with a wrong stage": ("add_products", elsewhere, "lead to"),
    "order's Location with a wrong stage": ("place_order", elsewhere, "lead to"),
    "a service is degraded": (
        "health",
        changing("GET /health", lambda body: body.update(status="degraded")),
        "healthy",
    ),
    "token of another key": (
        "log_in",
        changing(".*/login", lambda body: body.update(access_token=body["access_token"][:-8])),
        "verifies",
    ),
    "unknown address told apart": (
        "bad_credentials",
        every_second(lambda e: e.having(e.json | {"title": "Unknown"}) if e.status == 401 else e),
        "title",
    ),
    "name that does not change": (
        "own_account",
        changing(".*/me", lambda body: body.update(full_name="Smoke Test")),
        "full_name",
    ),
    "inactive among the active": (
        "accounts_for_admin",
        changing(".*active=true.*", lambda body: body["users"][0].update(is_active=False)),
        "active accounts only",
    ),
    "wrong order": (
        "filter_and_sort",
        changing(".*sort=-price", lambda body: body["products"].reverse()),
        "sort=-price",
    ),
    "filter without effect": (
        "filter_and_sort",
        changing(".*q=nvil", lambda body: body["products"].append({"name": "Anvil"})),
        "q=nvil",
    ),
    "product on two pages": (
        "pages",
        changing(".*cursor=.*", lambda body: body["products"].append(body["products"][0])),
        "each product once",
    ),
    "body with a 304": (
        "etag",
        lambda e: replace(e, body=b"x") if e.status == 304 else e,
        "without a body",
    ),
    "stock added twice": (
        "change_product",
        every_second(changing("POST .*/stock", lambda body: body.update(stock=26))),
        "stock",
    ),
    "order placed twice": (
        "place_order",
        every_second(changing("POST /api/v1/orders", lambda body: body.update(id="other"))),
        "id",
    ),
    "wrong amount": (
        "place_order",
        changing("POST /api/v1/orders", lambda body: body.update(total_amount="24.49")),
        "total_amount",
    ),
    "order that never confirms": (
        "confirmed_order",
        changing(ORDER, lambda body: body.update(status="pending")),
        "status confirmed within 30 s",
    ),
    "stock that is not taken": (
        "confirmed_order",
        changing(PRODUCT, lambda body: body.update(stock=20)),
        "stock 19",
    ),
    "event told twice": (
        "confirmed_order",
        changing(".*/events", lambda body: body["events"].append(body["events"][-1])),
        "both events",
    ),
    "order that others see": (
        "others_orders",
        lambda e: replace(e, status=200) if e.expected.startswith("404") else e,
        "404",
    ),
    "e-mail that fails": (
        "notifications",
        changing(".*limit=100", lambda body: body["notifications"][0].update(status="failed")),
        "all sent",
    ),
    "notification that stays unread": (
        "notifications",
        changing(".*unread=true", lambda body: body.update(count=body["count"] + 1)),
        "count",
    ),
    "stock that does not come back": (
        "cancelled_order",
        changing(PRODUCT, lambda body: body.update(stock=19)),
        "stock 20",
    ),
    "declined order that stays": (
        "declined_payment",
        changing(ORDER, lambda body: body.update(status="confirmed")),
        "status cancelled",
    ),
    "declined order's stock": (
        "declined_payment",
        changing(PRODUCT, lambda body: body.update(stock=19)),
        "stock 20",
    ),
    "shipped order that is not": (
        "shipped_order",
        changing(".*/ship", lambda body: body.update(status="confirmed")),
        "shipped",
    ),
    "withdrawn product still on sale": (
        "withdraw_product",
        still_listed,
        "without the product",
    ),
    "account that is not erased": (
        "erase_account",
        changing("DELETE .*", lambda body: body.update(erased=False)),
        "erased",
    ),
    "compressed for who does not ask": (
        "compression",
        headers(content_encoding="gzip"),
        "not be compressed",
    ),
}
COMMON: dict[str, tuple[str, Mutation, str]] = {
    "request id of its own": ("health", headers(x_request_id="mine"), "X-Request-ID"),
    "no request id": ("health", headers(x_request_id=""), "X-Request-ID"),
    "no time": ("health", headers(x_process_time=""), "X-Process-Time"),
    "no nosniff": ("health", headers(x_content_type_options=""), "X-Content-Type-Options"),
    "no HSTS": ("health", headers(strict_transport_security=""), "Strict-Transport-Security"),
    "private answer to keep": (
        "own_account",
        headers(cache_control="public, max-age=60"),
        "Cache-Control",
    ),
    "not compressed": ("docs", headers(content_encoding=""), "compressed"),
}
DOCUMENTED: dict[str, tuple[str, Mutation, str]] = {
    "price as a number": (
        "filter_and_sort",
        changing(r".*category=\S+&sort=price", lambda body: body["products"][0].update(price=9.5)),
        "GET /api/v1/products differs from openapi.json in the body",
    ),
    "time without a zone": (
        "filter_and_sort",
        changing(
            r".*category=\S+&sort=price",
            lambda body: body["products"][0].update(created_at="2026-11-21T17:00:00"),
        ),
        "GET /api/v1/products differs from openapi.json in the body",
    ),
}


def said_of(walk: Walk, capsys: pytest.CaptureFixture[str], *steps: str) -> str:
    """What the steps print that fail."""
    capsys.readouterr()
    assert outcomes(walk, *steps)[-1] == "failed"
    return capsys.readouterr().out


@pytest.mark.parametrize("what", BROKEN)
def test_broken_promise_is_named_by_its_step(
    what: str, recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    step, mutation, sentence = BROKEN[what]
    assert sentence in said_of(recording.walk(mutation, step), capsys, step)


@pytest.mark.parametrize("what", COMMON)
def test_broken_promise_of_every_answer_is_named(
    what: str, recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    step, mutation, sentence = COMMON[what]
    assert sentence in said_of(recording.walk(mutation, step), capsys, step, "all_answers")


@pytest.mark.parametrize("what", DOCUMENTED)
def test_answer_outside_the_document_is_named(
    what: str, recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    step, mutation, sentence = DOCUMENTED[what]
    assert sentence in said_of(recording.walk(mutation, step), capsys, step, "openapi_document")


def test_route_that_is_not_in_the_document_is_named(
    recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    ship = "/api/v1/orders/{id}/ship"
    walk = recording.walk(changing("GET /openapi.json", lambda body: body["paths"].pop(ship)))
    assert not walk_through(walk)
    assert re.search(r"openapi.json has no \d+ for POST .*/ship", capsys.readouterr().out)


def test_walk_without_an_admin_skips_and_says_what_to_set(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    walk = Walk(smoke.Client(url, "without-admin"))
    assert walk_through(walk)
    said = capsys.readouterr().out
    assert re.search(r"place order … +\d.\d s  \(skipped: needs an admin\)", said)
    assert re.search(r"\d\d steps passed, 14 skipped, 0 failed; \d+ requests in \d+ s", said)
    assert "ADMIN_EMAIL" in said.splitlines()[-1]


def test_interrupted_walk_takes_back_what_it_made(
    url: str, admin: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_walk: Walk) -> None:
        raise KeyboardInterrupt

    walk = Walk(smoke.Client(url, "interrupted"), admin.user["email"], PASSWORD)
    names = ["index", "public_keys", "register", "log_in", "admin_log_in", "add_products", "place_order"]  # fmt: skip
    steps = [step for step in STEPS if step.__name__ in names]
    with pytest.raises(KeyboardInterrupt):
        walk_through(walk, [*steps, interrupt])
    assert "clean up" in capsys.readouterr().out
    nothing_stays(admin, "interrupted", {walk.customer.id, walk.stranger.id})
    assert walk.placed
    order = admin.get(f"/api/v1/orders/{walk.placed['id']}").json()
    assert order["status"] == "cancelled"


def test_another_site_is_no_shop(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Problem, match="ends with the stage"):
        walk_through(Walk(smoke.Client(f"{shop.url}/nothing", "nowhere")))
