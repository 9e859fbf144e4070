"""What functions do when something goes wrong, which the journeys of the simulation leave out: what is never published,
what is given up, circuits that open, and a payment whose answer never comes."""

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


def _asking_how_it_is(stage: Stage) -> None:
    assert stage.anyone.get("/health").status_code == 200


def _running_low(stage: Stage) -> None:
    """What concerns the shop is in the admins' mailbox."""
    stage.customer.order((stage.mug, 4))
    stage.town.settle()
    [low] = [
        notification
        for notification in stage.admin.get("/api/v1/notifications").json()["notifications"]
        if notification["type"] == "product.low_stock"
    ]
    assert low["id"] in _unread_of_the_admin(stage)
    assert stage.admin.post(f"/api/v1/notifications/{low['id']}/read").is_success
    assert low["id"] not in _unread_of_the_admin(stage)


def _unread_of_the_admin(stage: Stage) -> set[str]:
    unread = stage.admin.get("/api/v1/notifications", params={"unread": "true"})
    return {one["id"] for one in unread.json()["notifications"]}


def _logging_out(stage: Stage) -> None:
    nina = stage.anyone.register(email="nina@example.com")
    token = {"refresh_token": nina.refresh_token}
    assert stage.anyone.post("/api/v1/auth/logout", token).status_code == 204


def _being_unknown(stage: Stage) -> None:
    stranger = {"email": "stranger@example.com", "password": "a-long-enough-password"}
    for _ in range(2):
        assert stage.anyone.post("/api/v1/auth/login", stranger).status_code == 401


def _being_forgotten(stage: Stage) -> None:
    stage.customer.order((stage.mug, 1))
    stage.town.settle()
    erased = stage.admin.delete(f"/api/v1/users/{stage.customer.user['id']}?erase=true")
    assert erased.is_success, erased.text
    stage.town.come_to_rest()


def _staying_unsent(stage: Stage) -> None:
    """Each service has an event that only its sweeper publishes."""
    stage.anyone.register(email="nina@example.com")
    stage.customer.order((stage.mug, 4))
    with stage.town.refusing("sns.PublishBatch"):
        stage.town.settle()
    stage.town.forget_deliveries()
    stage.town.pass_time(_LONG)
    _tick(stage)
    assert {"user.registered", "order.placed", "product.low_stock"} <= _published(stage)


def _releasing_first(stage: Stage) -> None:
    """What was never held leaves a tombstone."""
    release = {"name": "release", "request_id": "1", "body": {"order_id": "never-held"}}
    assert stage.town.invoke("ProductsInventory", release) == {"answer": {}}


def _being_quarantined(stage: Stage) -> None:
    """Each service has an event that is not valid: one that its relay finds, and one that only its sweeper does."""
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


def _being_given_up(stage: Stage) -> None:
    for queue in ("CheckoutQueue", "NotificationsQueue"):
        stage.town.cloud.put(queue, "no event")
    stage.town.settle()
    assert stage.town.cloud.queues["CheckoutDeadLetters"].messages
    assert stage.town.cloud.queues["NotificationsDeadLetters"].messages


def _failing_for_a_while(stage: Stage) -> None:
    """Messages are sent again or put off, circuits open, and keys of requests that failed are given back."""
    stage.customer.order((stage.mug, 1), key="put off")
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


def _never_hearing_of_a_payment(stage: Stage) -> None:
    """The sweeper sends for an order whose payment was made, and for one that must be taken back."""
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
    _asking_how_it_is,
    _running_low,
    _logging_out,
    _being_unknown,
    _being_forgotten,
    _staying_unsent,
    _releasing_first,
    _being_quarantined,
    _being_given_up,
    _failing_for_a_while,
    _never_hearing_of_a_payment,
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
