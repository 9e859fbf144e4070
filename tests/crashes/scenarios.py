"""What people and schedules do with the shop: each scenario's every cloud call is made to fail, in every way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from tests.simulation.stage import Stage

type State = Mapping[str, Any]


@dataclass(frozen=True)
class Scenario:
    """`prepare` happens undisturbed; `act` is what is disturbed. `expect` is the status in which the order must end."""

    name: str
    act: Callable[[Stage, State], None]
    prepare: Callable[[Stage], State] = lambda _: {}
    ends: tuple[str, ...] = ()


def _ordering(**more: Any) -> Callable[[Stage, State], None]:
    def act(stage: Stage, _: State) -> None:
        # The mugs run low by it, so that the admins' letter is on the way as well.
        stage.order((stage.mug, 4), (stage.tray, 1), key="an-order", **more)
        stage.town.settle()

    return act


def _placed(stage: Stage) -> State:
    return stage.customer.order((stage.mug, 2), (stage.tray, 3))


def _confirmed(stage: Stage) -> State:
    order = _placed(stage)
    stage.town.settle()
    return order


def _cancelling(stage: Stage, order: State) -> None:
    stage.move(stage.customer, dict(order), "cancel", "cancelled")
    stage.town.settle()


def _cancelling_pending(stage: Stage, order: State) -> None:
    # Cancelled before its saga begins; then the queue brings both of its events.
    _cancelling(stage, order)


def _cancelling_before(call: str) -> Callable[[Stage, State], None]:
    """Cancelled while its saga is under way, just before it makes this call."""

    def act(stage: Stage, order: State) -> None:
        def cancel() -> None:
            stage.move(stage.customer, dict(order), "cancel", "cancelled")

        with stage.town.wire.meanwhile(call, cancel):
            stage.town.settle()
        # It may not have come so far.
        _cancelling(stage, order)

    return act


def _shipping(stage: Stage, order: State) -> None:
    stage.move(stage.admin, dict(order), "ship", "shipped")
    stage.move(stage.admin, dict(order), "deliver", "delivered")
    stage.town.settle()


def _restocking(stage: Stage, _: State) -> None:
    path = f"/api/v1/products/{stage.mug['id']}/stock"
    for key, delta in (("more", 5), ("fewer", -9)):
        answer = stage.insist(
            lambda key=key, delta=delta: stage.admin.post(  # type: ignore[misc]  # bound at once
                path, {"delta": delta}, headers={"Idempotency-Key": key}
            )
        )
        assert answer.status_code == 200, answer.text
    stage.town.settle()


def _registering(stage: Stage, _: State) -> None:
    account = {
        "email": "nina@example.com",
        "full_name": "Nina New",
        "password": "a-long-enough-password",
    }
    first = stage.insist(lambda: stage.anyone.post("/api/v1/users", account))
    # An earlier request, whose answer was lost, may have registered her.
    assert first.status_code in (201, 409), first.text
    credentials = {"email": account["email"], "password": account["password"]}
    entered = stage.insist(lambda: stage.anyone.post("/api/v1/auth/login", credentials))
    assert entered.status_code == 200, entered.text
    stage.town.settle()


def _unpaid(stage: Stage) -> State:
    order = stage.customer.order((stage.mug, 2), payment_token="tok_unavailable")
    stage.town.settle()
    return order


def _giving_up(stage: Stage, _: State) -> None:
    stage.town.pass_time(timedelta(minutes=11))
    stage.town.tick("OrdersSweeper")
    stage.town.settle()


def _abandoning(stage: Stage, _: State) -> None:
    stage.customer.try_order((stage.mug, 4), (stage.tray, 1), key="only-once")
    stage.town.settle()


def _held_in_vain(stage: Stage) -> State:
    with stage.town.refusing("dynamodb.TransactWriteItems", about="OrdersTable"):
        stage.customer.try_order((stage.mug, 2), (stage.tray, 3), key="never-again")
    return {}


def _expiring(stage: Stage, _: State) -> None:
    stage.town.pass_time(timedelta(minutes=16))
    stage.town.tick("ProductsSweeper")
    stage.town.settle()


def _unheard_of(stage: Stage) -> State:
    order = stage.customer.order((stage.mug, 4), (stage.tray, 3))
    # An outage of the streams that is longer than they keep anything; the mugs have run low meanwhile.
    stage.town.forget_deliveries()
    return order


def _sweeping(stage: Stage, _: State) -> None:
    stage.town.pass_time(timedelta(minutes=2))
    for sweeper in ("OrdersSweeper", "ProductsSweeper", "UsersSweeper"):
        stage.town.tick(sweeper)
    stage.town.settle()


def _reading(stage: Stage, _: State) -> None:
    listed = stage.insist(lambda: stage.customer.get("/api/v1/notifications"))
    for notification in listed.json()["notifications"]:
        path = f"/api/v1/notifications/{notification['id']}/read"
        answer = stage.insist(lambda path=path: stage.customer.post(path))  # type: ignore[misc]  # bound at once
        assert answer.status_code == 200, answer.text


def _erase(stage: Stage) -> None:
    path = f"/api/v1/users/{stage.customer.user['id']}"
    answer = stage.insist(lambda: stage.admin.delete(path, params={"erase": "true"}))
    assert answer.json() == {"deactivated": True, "erased": True}, answer.text


def _erasing(stage: Stage, _: State) -> None:
    _erase(stage)
    stage.town.settle()
    # Orders that were on their way when it was done are looked for once more.
    stage.town.pass_time(timedelta(minutes=1))
    stage.town.settle()


def _with_one_under_way(stage: Stage) -> State:
    order = _confirmed(stage)
    stage.customer.order((stage.tray, 1))
    # So that its letter is sent before the erasure comes.
    stage.town.publish()
    return order


SCENARIOS: Final = (
    Scenario("order, confirmed", _ordering(), ends=("confirmed",)),
    Scenario("order, declined", _ordering(payment_token="tok_declined"), ends=("cancelled",)),
    Scenario("order, no answer of the bank", _ordering(payment_token="tok_timeout")),
    Scenario(
        "order, the bank is down", _ordering(payment_token="tok_unavailable"), ends=("cancelled",)
    ),
    Scenario("order, the client gives up", _abandoning),
    Scenario("cancel of a pending order", _cancelling_pending, _placed, ends=("cancelled",)),
    Scenario(
        "cancel while it is paid",
        _cancelling_before("OrdersCheckout: dynamodb.UpdateItem OrdersTable"),
        _placed,
        ends=("cancelled",),
    ),
    Scenario(
        "cancel while it is sold",
        _cancelling_before("OrdersCheckout: lambda.Invoke ProductsInventory confirm"),
        _placed,
        ends=("cancelled",),
    ),
    Scenario("cancel of a confirmed order", _cancelling, _confirmed, ends=("cancelled",)),
    Scenario("ship and deliver", _shipping, _confirmed, ends=("delivered",)),
    Scenario("restock", _restocking),
    Scenario("register and log in", _registering),
    Scenario("notifications, read", _reading, _confirmed),
    Scenario("erase a customer", _erasing, _with_one_under_way, ends=("confirmed",)),
    Scenario("sweep: payment given up", _giving_up, _unpaid, ends=("cancelled",)),
    Scenario("sweep: reservation expired", _expiring, _held_in_vain),
    Scenario("sweep: events unsent", _sweeping, _unheard_of, ends=("confirmed",)),
)
