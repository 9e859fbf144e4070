"""What functions do when something fails, which the journeys of the simulation leave out: unsent events, dead letters, open
circuits, and a payment whose answer is lost."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Final

from shared.runtime import aws
from tests.simulation.journeys import journals
from tests.simulation.stage import Stage, opened
from tests.support.policies import Request
from tests.support.recorder import Recorder

_SWEEPERS: Final = ("UsersSweeper", "ProductsSweeper", "OrdersSweeper")
_LONG: Final = timedelta(minutes=2)


def _health(stage: Stage) -> None:
    assert stage.anyone.get("/health").status_code == 200


def _low_stock(stage: Stage) -> None:
    """An admin reads and marks the notification."""
    stage.customer.order((stage.mug, 4))
    stage.town.settle()
    [low] = [
        notification
        for notification in stage.admin.get("/api/v1/notifications").json()["notifications"]
        if notification["type"] == "product.low_stock"
    ]
    assert stage.admin.get("/api/v1/notifications", params={"unread": "true"}).is_success
    assert stage.admin.post(f"/api/v1/notifications/{low['id']}/read").is_success


def _log_out(stage: Stage) -> None:
    nina = stage.anyone.register(email="nina@example.com")
    token = {"refresh_token": nina.refresh_token}
    assert stage.anyone.post("/api/v1/auth/logout", token).status_code == 204


def _unknown_account(stage: Stage) -> None:
    stranger = {"email": "stranger@example.com", "password": "a-long-enough-password"}
    for _ in range(2):
        assert stage.anyone.post("/api/v1/auth/login", stranger).status_code == 401


def _erasure(stage: Stage) -> None:
    stage.customer.order((stage.mug, 1))
    stage.town.settle()
    erased = stage.admin.delete(f"/api/v1/users/{stage.customer.user['id']}?erase=true")
    assert erased.is_success, erased.text
    stage.town.come_to_rest()


def _unsent_events(stage: Stage) -> None:
    """Each service has an event that only its sweeper publishes."""
    stage.anyone.register(email="nina@example.com")
    stage.customer.order((stage.mug, 4))
    with stage.town.refusing("sns.PublishBatch"):
        stage.town.settle()
    stage.town.forget_deliveries()
    stage.town.pass_time(_LONG)
    _tick(stage)
    assert {"user.registered", "order.placed", "product.low_stock"} <= _published(stage)


def _release_before_reservation(stage: Stage) -> None:
    """It leaves a tombstone."""
    release = {"name": "release", "request_id": "1", "body": {"order_id": "never-held"}}
    assert stage.town.invoke("ProductsInventory", release) == {"answer": {}}


def _quarantine(stage: Stage) -> None:
    """Each service has two invalid events: one that its relay finds, and one that only its sweeper finds."""
    stage.town.come_to_rest()
    dynamodb = stage.town.cloud.dynamodb
    for version, publish in ((98, stage.town.settle), (99, lambda: _tick(stage))):
        for name, kind in (("Users", "USER"), ("Products", "PRODUCT"), ("Orders", "ORDER")):
            key = f"{kind}#1", f"EVENT#{version:010}"
            item = {"pk": {"S": key[0]}, "sk": {"S": key[1]}, "unsent": {"S": "0"}}
            table = dynamodb.tables[f"{name}Table"]
            table.change(key, {**item, "at": {"S": "2026-11-20T12:00:00.000Z"}}, 10**6 + version)
            if version == 99:
                table.stream.clear()
        stage.town.pass_time(_LONG)
        publish()
    marks = [
        item["unsent"]["S"]
        for table in dynamodb.tables.values()
        for item in table.items.values()
        if "unsent" in item
    ]
    assert marks == ["quarantine"] * 6


def _dead_letters(stage: Stage) -> None:
    for queue in ("CheckoutQueue", "NotificationsQueue"):
        stage.town.cloud.put(queue, "no event")
    stage.town.settle()
    assert stage.town.cloud.queues["CheckoutDeadLetters"].messages
    assert stage.town.cloud.queues["NotificationsDeadLetters"].messages


def _outage(stage: Stage) -> None:
    """Messages are sent again, circuits open, and keys of failed requests are released."""
    stage.customer.order((stage.mug, 1), key="not sent again")
    with stage.town.refusing("sesv2.SendEmail"), stage.town.refusing("sqs.SendMessage"):
        stage.town.down.add("ProductsInventory")
        stage.town.settle()
        stage.town.down.clear()
    stage.customer.order((stage.mug, 1), key="sent again")
    with stage.town.refusing("sesv2.SendEmail"):
        stage.town.down.add("ProductsInventory")
        stage.town.settle()
        for number in range(7):
            assert stage.customer.try_order((stage.mug, 1), key=f"{number}").status_code == 503
        stage.town.down.clear()
    stage.town.come_to_rest()


def _lost_payments(stage: Stage) -> None:
    """The sweeper sends a message for an order whose payment succeeded, and for one that must be refunded."""
    for key, status in (("confirmed", "confirmed"), ("cancelled", "cancelled")):
        order = stage.customer.order((stage.tray, 1), payment_token="tok_timeout", key=key)
        if status == "cancelled":
            assert stage.customer.post(f"/api/v1/orders/{order['id']}/cancel").is_success
        with stage.town.refusing("sns.PublishBatch"):
            stage.town.settle()
        stage.town.forget_deliveries()
        for _ in range(12):
            stage.town.pass_time(timedelta(minutes=1))
            stage.town.tick("OrdersSweeper")
            stage.town.deliver("CheckoutQueue")
        assert stage.customer.get(f"/api/v1/orders/{order['id']}").json()["status"] == status


def _tick(stage: Stage) -> None:
    for sweeper in _SWEEPERS:
        stage.town.tick(sweeper)
    stage.town.settle()


def _published(stage: Stage) -> set[str]:
    return {fact.type for fact in stage.town.cloud.published}


_PLAYS: Final[tuple[Callable[[Stage], None], ...]] = (
    _health,
    _low_stock,
    _log_out,
    _unknown_account,
    _erasure,
    _unsent_events,
    _release_before_reservation,
    _quarantine,
    _dead_letters,
    _outage,
    _lost_payments,
)


def asked() -> dict[str, list[Request]]:
    """What each function asks of AWS in all journeys of the simulation and in these: the same at every run."""
    recorder = Recorder()
    with recorder.listening(aws._session().events):
        journals()
        for _ in _played():
            pass
    return recorder.asked


def _played() -> Iterator[Any]:
    with opened() as stage:
        restore = stage.remember()
        for play in _PLAYS:
            restore()
            yield play(stage)
