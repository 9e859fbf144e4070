"""What people and schedules do with the shop: each scenario's every cloud call is made to fail, in
every way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

from shared.contracts.events import Event
from shared.runtime import clock
from tests.simulation.shop import SimulatedShop

type State = Mapping[str, Any]


@dataclass(frozen=True)
class Scenario:
    """`prepare` happens undisturbed; `act` is what is disturbed. `expect` is the status in which
    the order must end."""

    name: str
    act: Callable[[SimulatedShop, State], None]
    prepare: Callable[[SimulatedShop], State] = lambda _: {}
    ends: tuple[str, ...] = ()


def _ordering(**more: Any) -> Callable[[SimulatedShop, State], None]:
    def act(shop: SimulatedShop, _: State) -> None:
        # The mugs run low, so that the admins get an e-mail too.
        shop.order((shop.mug, 4), (shop.tray, 1), key="an-order", **more)
        shop.settle()

    return act


def _awaiting(seconds: float, **more: Any) -> Callable[[SimulatedShop, State], None]:
    """An order whose customer has to act; after so many seconds the provider reports."""

    def act(shop: SimulatedShop, _: State) -> None:
        order = shop.order((shop.mug, 4), (shop.tray, 1), key="an-order", **more)
        shop.settle()
        report_payment(shop, order)
        shop.pass_time(timedelta(seconds=seconds))
        for _repeated in (False, True):
            report_payment(shop, order)

    return act


def report_payment(shop: SimulatedShop, order: State) -> None:
    """A webhook of the payment provider has come."""
    changed = Event(
        id=f"{order['id']}.payment",
        type="payment.changed",
        aggregate_id=order["id"],
        version=0,
        at=clock.rfc3339(clock.now()),
        request_id="a-webhook",
        data={},
    )
    shop.cloud.put("CheckoutQueue", changed.model_dump_json())
    shop.settle()


def _to_act(shop: SimulatedShop) -> State:
    order = shop.customer.order((shop.mug, 2), (shop.tray, 3), payment_token="tok_action")
    shop.settle()
    return order


def _cancelling_before_news(shop: SimulatedShop, order: State) -> None:
    shop.move(shop.customer, dict(order), "cancel", "cancelled")
    shop.pass_time(timedelta(seconds=25))
    report_payment(shop, order)


def _placed(shop: SimulatedShop) -> State:
    return shop.customer.order((shop.mug, 2), (shop.tray, 3))


def _confirmed(shop: SimulatedShop) -> State:
    order = _placed(shop)
    shop.settle()
    return order


def _cancelling(shop: SimulatedShop, order: State) -> None:
    shop.move(shop.customer, dict(order), "cancel", "cancelled")
    shop.settle()


def _cancelling_before(call: str) -> Callable[[SimulatedShop, State], None]:
    """Cancelled while its saga is under way, just before it makes this call."""

    def act(shop: SimulatedShop, order: State) -> None:
        def cancel() -> None:
            shop.move(shop.customer, dict(order), "cancel", "cancelled")

        with shop.wire.meanwhile(call, cancel):
            shop.settle()
        # It may not have come so far.
        _cancelling(shop, order)

    return act


def _shipping(shop: SimulatedShop, order: State) -> None:
    shop.move(shop.admin, dict(order), "ship", "shipped")
    shop.move(shop.admin, dict(order), "deliver", "delivered")
    shop.settle()


def _refund(shop: SimulatedShop, order: State, key: str, **body: Any) -> None:
    path, headers = f"/api/v1/orders/{order['id']}/refunds", {"Idempotency-Key": key}
    answer = shop.insist(partial(shop.admin.post, path, body, headers=headers))
    assert answer.status_code == 201, answer.text


def _refunding(shop: SimulatedShop, order: State) -> None:
    items = [{"product_id": shop.mug["id"], "quantity": 1}]
    _refund(shop, order, "items", items=items, restock=True, reason="It arrived broken.")
    shop.settle()


def _refunding_in_parts(shop: SimulatedShop, order: State) -> None:
    """The second part is requested while the first one is made."""
    _refund(shop, order, "first", amount="30.00")
    items = [{"product_id": shop.tray["id"], "quantity": 2}]

    def again() -> None:
        _refund(shop, order, "second", items=items, restock=True)

    with shop.wire.meanwhile("OrdersCheckout: dynamodb.UpdateItem OrdersTable", again):
        shop.settle()
    again()
    shop.settle()


def _partly_refunded(shop: SimulatedShop) -> State:
    order = _confirmed(shop)
    _refunding(shop, order)
    return order


def _cancelling_with_a_refund(shop: SimulatedShop, order: State) -> None:
    """One refund is made, another one is requested and not made yet."""
    _refund(shop, order, "another", amount="5.00")
    _cancelling(shop, order)


def _delivered(shop: SimulatedShop) -> State:
    order = _confirmed(shop)
    _shipping(shop, order)
    return order


def _return(shop: SimulatedShop, order: State, key: str) -> str:
    """The id of the customer's return of all mugs."""
    path = f"/api/v1/orders/{order['id']}/returns"
    items = [{"product_id": shop.mug["id"], "quantity": 2}]
    body = {"items": items, "reason": "They are too small."}
    headers = {"Idempotency-Key": key}
    answer = shop.insist(partial(shop.customer.post, path, body, headers=headers))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _decide(shop: SimulatedShop, order: State, return_id: str, verb: str, **body: str) -> None:
    path = f"/api/v1/orders/{order['id']}/returns/{return_id}/{verb}"
    answer = shop.insist(partial(shop.admin.post, path, body or None))
    if answer.status_code != 200:
        assert (answer.status_code, answer.json()["to"]) == (409, answer.json()["from"])


def _returning(shop: SimulatedShop, order: State) -> None:
    return_id = _return(shop, order, "first")
    _decide(shop, order, return_id, "refuse", text="Not without a photo.")
    return_id = _return(shop, order, "second")
    for verb in ("approve", "receive"):
        _decide(shop, order, return_id, verb)
    shop.settle()


def _restocking(shop: SimulatedShop, _: State) -> None:
    path = f"/api/v1/products/{shop.mug['id']}/stock"
    for key, delta in (("more", 5), ("fewer", -9)):
        headers = {"Idempotency-Key": key}
        ask = partial(shop.admin.post, path, {"delta": delta}, headers=headers)
        answer = shop.insist(ask)
        assert answer.status_code == 200, answer.text
    shop.settle()


def _registering(shop: SimulatedShop, _: State) -> None:
    account = {
        "email": "nina@example.com",
        "full_name": "Nina New",
        "password": "a-long-enough-password",
    }
    first = shop.insist(lambda: shop.anyone.post("/api/v1/users", account))
    # An earlier request, whose answer was lost, may have registered her.
    assert first.status_code in (201, 409), first.text
    credentials = {"email": account["email"], "password": account["password"]}
    entered = shop.insist(lambda: shop.anyone.post("/api/v1/auth/login", credentials))
    assert entered.status_code == 200, entered.text
    shop.settle()


def _unpaid(shop: SimulatedShop) -> State:
    order = shop.customer.order((shop.mug, 2), payment_token="tok_unavailable")
    shop.settle()
    return order


def _giving_up(shop: SimulatedShop, _: State) -> None:
    shop.pass_time(timedelta(minutes=11))
    shop.tick("OrdersSweeper")
    shop.settle()


def _abandoning(shop: SimulatedShop, _: State) -> None:
    shop.customer.try_order((shop.mug, 4), (shop.tray, 1), key="only-once")
    shop.settle()


def _held_in_vain(shop: SimulatedShop) -> State:
    with shop.refusing("dynamodb.TransactWriteItems", about="OrdersTable"):
        shop.customer.try_order((shop.mug, 2), (shop.tray, 3), key="never-again")
    return {}


def _expiring(shop: SimulatedShop, _: State) -> None:
    shop.pass_time(timedelta(minutes=16))
    shop.tick("ProductsSweeper")
    shop.settle()


def _wanted(shop: SimulatedShop) -> State:
    """A product of which an order is confirmed, whose buyers begin to wait for each other."""
    lamp = shop.admin.add_product(name="Lamp", stock=100)
    shop.customer.order((lamp, 3))
    shop.come_to_rest()
    return lamp


def _flash_sale(shop: SimulatedShop, lamp: State) -> None:
    with shop.holding(lamp):
        order = shop.order((dict(lamp), 2), (shop.tray, 1), key="spread")
    shop.settle()
    shop.move(shop.customer, order, "cancel", "cancelled")
    shop.settle()
    with shop.refusing("dynamodb.TransactWriteItems", about="OrdersTable"):
        shop.customer.try_order((dict(lamp), 1), key="never")
    assert shop.insist(lambda: shop.anyone.get(f"/api/v1/products/{lamp['id']}")).is_success
    _expiring(shop, {})


def _sold_out(shop: SimulatedShop, lamp: State) -> None:
    with shop.holding(lamp):
        shop.order((dict(lamp), 1), key="spread")
    # More than a share has.
    shop.order((dict(lamp), 20), key="gathered")
    with shop.holding(lamp):
        shop.order((dict(lamp), 1), key="spread again")
    path = f"/api/v1/products/{lamp['id']}"
    added = {"delta": 5}, {"Idempotency-Key": "added"}
    ask = partial(shop.admin.post, f"{path}/stock", added[0], headers=added[1])
    assert shop.insist(ask).status_code == 200
    assert shop.insist(lambda: shop.admin.delete(path)).status_code == 204
    shop.settle()


def _unheard_of(shop: SimulatedShop) -> State:
    order = shop.customer.order((shop.mug, 4), (shop.tray, 3))
    # An outage of the streams that is longer than they keep anything; the mugs have run low
    # meanwhile.
    shop.forget_deliveries()
    return order


def _sweeping(shop: SimulatedShop, _: State) -> None:
    shop.pass_time(timedelta(minutes=2))
    for sweeper in ("OrdersSweeper", "ProductsSweeper", "UsersSweeper"):
        shop.tick(sweeper)
    shop.settle()


def _reading(shop: SimulatedShop, _: State) -> None:
    listed = shop.insist(lambda: shop.customer.get("/api/v1/notifications"))
    for notification in listed.json()["notifications"]:
        path = f"/api/v1/notifications/{notification['id']}/read"
        answer = shop.insist(partial(shop.customer.post, path))
        assert answer.status_code == 200, answer.text


def _erasing(shop: SimulatedShop, _: State) -> None:
    path = f"/api/v1/users/{shop.customer.user['id']}"
    answer = shop.insist(lambda: shop.admin.delete(path, params={"erase": "true"}))
    assert answer.json() == {"deactivated": True, "erased": True}, answer.text
    shop.settle()
    # Orders that were on their way when it was done are looked for once more.
    shop.pass_time(timedelta(minutes=1))
    shop.settle()


def _with_one_under_way(shop: SimulatedShop) -> State:
    order = _confirmed(shop)
    shop.customer.order((shop.tray, 1))
    # So that its e-mail is sent before the erasure.
    shop.publish()
    return order


SCENARIOS: Final = (
    Scenario("order, confirmed", _ordering(), ends=("confirmed",)),
    Scenario("order, declined", _ordering(payment_token="tok_declined"), ends=("cancelled",)),
    Scenario("order, no answer of the bank", _ordering(payment_token="tok_timeout")),
    Scenario(
        "order, the bank is down", _ordering(payment_token="tok_unavailable"), ends=("cancelled",)
    ),
    Scenario("order, the client gives up", _abandoning),
    Scenario(
        "order, its customer acts", _awaiting(25, payment_token="tok_action"), ends=("confirmed",)
    ),
    Scenario(
        "order, its customer fails",
        _awaiting(25, payment_token="tok_action_failed"),
        ends=("cancelled",),
    ),
    Scenario(
        "order, its customer does not act",
        _awaiting(31 * 60, payment_token="tok_action_abandoned"),
        ends=("cancelled",),
    ),
    Scenario(
        "cancel while the customer has to act",
        _cancelling_before_news,
        _to_act,
        ends=("cancelled",),
    ),
    # Before its saga begins: then the queue brings both of its events.
    Scenario("cancel of a pending order", _cancelling, _placed, ends=("cancelled",)),
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
    Scenario("refund of items, restocked", _refunding, _confirmed, ends=("confirmed",)),
    Scenario("refund in two parts", _refunding_in_parts, _confirmed, ends=("confirmed",)),
    Scenario(
        "cancel of a partly refunded order",
        _cancelling_with_a_refund,
        _partly_refunded,
        ends=("cancelled",),
    ),
    Scenario("ship and deliver", _shipping, _confirmed, ends=("delivered",)),
    Scenario("return received", _returning, _delivered, ends=("delivered",)),
    Scenario("restock", _restocking),
    Scenario("register and log in", _registering),
    Scenario("notifications, read", _reading, _confirmed),
    Scenario("erase a customer", _erasing, _with_one_under_way, ends=("confirmed",)),
    Scenario("sweep: payment given up", _giving_up, _unpaid, ends=("cancelled",)),
    Scenario("sweep: reservation expired", _expiring, _held_in_vain),
    Scenario("flash sale", _flash_sale, _wanted),
    Scenario("flash sale, sold out and withdrawn", _sold_out, _wanted),
    Scenario("sweep: events unsent", _sweeping, _unheard_of, ends=("confirmed",)),
)
