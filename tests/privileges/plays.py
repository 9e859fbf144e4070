"""What functions do when something fails, which the journeys of the simulation leave out: unsent
events, dead letters, open circuits, and a payment whose answer is lost."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from shared.auth import jws
from shared.runtime import aws, clock
from shared.storage.dynamodb import to_wire
from tests.simulation.journeys import of_services, play_all
from tests.simulation.provider import dispute_at_the_provider
from tests.simulation.resources import STREAMS, SWEEPERS
from tests.simulation.shop import SimulatedShop, opened
from tests.support import stripe
from tests.support.callers import PLACES
from tests.support.client import PASSWORD
from tests.support.functions import FUNCTIONS
from tests.support.grants import STACK
from tests.support.lambda_events import SCHEDULED
from tests.support.policies import Request
from tests.support.recorder import Recorder
from tests.users.builders import a_family

_LONG: Final = timedelta(minutes=2)


def _health(shop: SimulatedShop) -> None:
    assert shop.anyone.get("/health").status_code == 200


def _categories(shop: SimulatedShop) -> None:
    assert shop.anyone.get("/api/v1/products/categories").json()["categories"]


def _low_stock(shop: SimulatedShop) -> None:
    """An admin reads and marks the notification."""
    shop.customer.order((shop.mug, 4))
    shop.settle()
    [low] = [
        notification
        for notification in shop.admin.get("/api/v1/notifications").json()["notifications"]
        if notification["type"] == "product.low_stock"
    ]
    assert shop.admin.get("/api/v1/notifications", params={"unread": "true"}).is_success
    assert shop.admin.post(f"/api/v1/notifications/{low['id']}/read").is_success


def _log_out(shop: SimulatedShop) -> None:
    nina = shop.anyone.register(email="nina@example.com")
    token = {"refresh_token": nina.refresh_token}
    assert shop.anyone.post("/api/v1/auth/logout", token).status_code == 204


def _former_session(shop: SimulatedShop) -> None:
    """A session that an earlier release has started is refreshed, and ended."""
    user_id, (family, token) = shop.customer.user["id"], a_family()
    former = {"user_id": user_id, "session_epoch": 0, "digest": token.digest, "key": family.key}
    key = {"pk": f"FAMILY#{'0' * 32}", "sk": "FAMILY"}
    dynamodb = shop.cloud.dynamodb
    item = to_wire({**key, **former, "ttl": family.expires_at})
    dynamodb.tables["UsersTable"].items[key["pk"], key["sk"]] = item
    former_token = {"refresh_token": replace(token, family_id="0" * 32).text}
    refreshed = shop.anyone.post("/api/v1/auth/refresh", former_token)
    assert refreshed.is_success, refreshed.text
    following = {"refresh_token": refreshed.json()["refresh_token"]}
    assert shop.anyone.post("/api/v1/auth/logout", following).status_code == 204


def _former_token(shop: SimulatedShop) -> None:
    """The id of a token may be that of the last release's key."""
    assert shop.customer.token
    head, claims, signature = shop.customer.token.split(".")
    header = {**json.loads(jws.decoded(head)), "kid": "x" * 43}
    token = f"{jws.encoded(json.dumps(header).encode())}.{claims}.{signature}"
    for method, path in PLACES.values():
        bearer = {"Authorization": f"Bearer {token}"}
        assert shop.anyone.http.request(method, path, headers=bearer).status_code == 401
    assert shop.anyone.get("/.well-known/jwks.json").is_success


def _unknown_account(shop: SimulatedShop) -> None:
    stranger = {"email": "stranger@example.com", "password": "a-long-enough-password"}
    for _ in range(2):
        assert shop.anyone.post("/api/v1/auth/login", stranger).status_code == 401


def _erasure(shop: SimulatedShop) -> None:
    shop.customer.order((shop.mug, 1))
    shop.settle()
    erased = shop.admin.delete(f"/api/v1/users/{shop.customer.user['id']}?erase=true")
    assert erased.is_success, erased.text
    shop.come_to_rest()


def _last_admin(shop: SimulatedShop) -> None:
    """Two admins, of whom one can end."""
    nina = shop.anyone.register(email="nina@example.com")
    first, second = (f"/api/v1/users/{who.user['id']}" for who in (shop.admin, nina))
    own = {"current_password": PASSWORD}
    promotion, demotion = ({"role": role, **own} for role in ("admin", "customer"))
    assert shop.admin.put(second, promotion).is_success
    assert shop.admin.put(first, demotion).is_success
    assert nina.put(first, promotion).is_success
    assert nina.put(second, {"password": PASSWORD, **own}).is_success
    assert shop.anyone.post("/api/v1/auth/forgot", {"email": nina.user["email"]}).is_success
    erasure = {"params": {"erase": "true"}, "json": own}
    assert nina.delete(first, **erasure).is_success
    assert nina.delete(second, **erasure).status_code == 409


def _unsent_events(shop: SimulatedShop) -> None:
    """Each service has an event that only its sweeper publishes."""
    shop.anyone.register(email="nina@example.com")
    shop.customer.order((shop.mug, 4))
    for play in of_services().values():
        play(shop)
    dispute_at_the_provider(shop)
    with shop.refusing("sns.PublishBatch"):
        shop.settle()
    shop.forget_deliveries()
    shop.pass_time(_LONG)
    _tick(shop)
    assert {"user.registered", "order.placed", "product.low_stock"} <= _published(shop)


def _release_before_reservation(shop: SimulatedShop) -> None:
    """It leaves a tombstone."""
    release = {"name": "release", "request_id": "1", "body": {"order_id": "never-held"}}
    assert shop.invoke("ProductsInventory", release) == {"answer": {}}


def _quarantine(shop: SimulatedShop) -> None:
    """Each service has two invalid events: one that its relay finds, and one that only its sweeper
    finds."""
    shop.come_to_rest()
    dynamodb = shop.cloud.dynamodb
    for version, publish in ((98, shop.settle), (99, lambda: _tick(shop))):
        for stream in STREAMS:
            key = _partition(stream.relay), f"EVENT#{version:010}"
            item = {"pk": {"S": key[0]}, "sk": {"S": key[1]}, "unsent": {"S": "0"}}
            table = dynamodb.tables[stream.table]
            table.change(key, {**item, "at": {"S": "2026-11-20T12:00:00.000Z"}}, 10**6 + version)
            if version == 99:
                table.stream.clear()
        shop.pass_time(_LONG)
        publish()
    marks = [
        item["unsent"]["S"]
        for table in dynamodb.tables.values()
        for item in table.items.values()
        if "unsent" in item
    ]
    assert marks == ["quarantine"] * 2 * len(STREAMS)


def _partition(relay: str) -> str:
    """A partition key of the events that a relay may mark."""
    [own, *_] = FUNCTIONS[relay].properties["Policies"][1]["Statement"]
    [prefix, *_] = own["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    return str(prefix).replace("*", "1")


def _dead_letters(shop: SimulatedShop) -> None:
    for queue in ("CheckoutQueue", "NotificationsQueue"):
        shop.cloud.put(queue, "no event")
    shop.settle()
    assert shop.cloud.queues["CheckoutDeadLetters"].messages
    assert shop.cloud.queues["NotificationsDeadLetters"].messages


def _outage(shop: SimulatedShop) -> None:
    """Messages are sent again, circuits open, and keys of failed requests are released."""
    throttled = "TooManyRequestsException"
    shop.customer.order((shop.mug, 1), key="not sent again")
    shop.anyone.register(email="nina@example.com")
    with shop.refusing("sesv2.SendEmail", code=throttled), shop.refusing("sqs.SendMessage"):
        shop.down.add("ProductsInventory")
        shop.settle()
        shop.down.clear()
    shop.customer.order((shop.mug, 1), key="sent again")
    shop.anyone.register(email="nils@example.com")
    with shop.refusing("sesv2.SendEmail", code=throttled):
        shop.down.add("ProductsInventory")
        shop.settle()
        for number in range(7):
            assert shop.customer.try_order((shop.mug, 1), key=f"{number}").status_code == 503
        shop.down.clear()
    shop.come_to_rest()


def _lost_payments(shop: SimulatedShop) -> None:
    """The sweeper sends a message for an order whose payment succeeded, and for one that must be
    refunded."""
    for key, status in (("confirmed", "confirmed"), ("cancelled", "cancelled")):
        order = shop.customer.order((shop.tray, 1), payment_token="tok_timeout", key=key)
        if status == "cancelled":
            assert shop.customer.post(f"/api/v1/orders/{order['id']}/cancel").is_success
        with shop.refusing("sns.PublishBatch"):
            shop.settle()
        shop.forget_deliveries()
        for _ in range(12):
            shop.pass_time(timedelta(minutes=1))
            shop.tick("OrdersSweeper")
            shop.deliver("CheckoutQueue")
        assert shop.customer.get(f"/api/v1/orders/{order['id']}").json()["status"] == status


def _webhook(shop: SimulatedShop) -> None:
    body = stripe.report(shop.customer.order((shop.tray, 1))["id"])
    headers = stripe.signed(body, at=clock.now())
    assert shop.anyone.http.post(stripe.PATH, content=body, headers=headers).is_success
    dispute_at_the_provider(shop)
    shop.settle()


def _deployment(shop: SimulatedShop) -> None:
    """CodeDeploy asks the hook about a new version of each function."""
    hook = "OperationsPreTraffic"
    event = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "1"}
    for function in [name for name, function in FUNCTIONS.items() if function.is_tried]:
        shop.cloud.deployments["d-1"] = (f"{STACK}-{function}-1A2B3C4D5E6F", "2")
        shop.invoke(hook, event)


def _reconcile(shop: SimulatedShop) -> None:
    shop.customer.order((shop.tray, 1))
    shop.come_to_rest()
    shop.pass_time(timedelta(hours=2))
    assert shop.invoke("OperationsReconciler", SCHEDULED) == 0


def _tick(shop: SimulatedShop) -> None:
    for sweeper in SWEEPERS:
        shop.tick(sweeper)
    shop.settle()


def _published(shop: SimulatedShop) -> set[str]:
    return {fact.type for fact in shop.cloud.published}


_PLAYS: Final[tuple[Callable[[SimulatedShop], None], ...]] = (
    _health,
    _categories,
    _low_stock,
    _log_out,
    _former_session,
    _former_token,
    _unknown_account,
    _erasure,
    _last_admin,
    _unsent_events,
    _release_before_reservation,
    _quarantine,
    _dead_letters,
    _outage,
    _lost_payments,
    _webhook,
    _deployment,
    _reconcile,
)


def asked() -> dict[str, list[Request]]:
    """What each function asks of AWS in all journeys of the simulation and in these: the same at
    every run."""
    recorder = Recorder()
    with recorder.listening(aws._session().events):
        play_all()
        for _ in _played():
            pass
    return recorder.asked


def _played() -> Iterator[Any]:
    with opened() as shop:
        restore = shop.remember()
        for play in _PLAYS:
            restore()
            yield play(shop)
