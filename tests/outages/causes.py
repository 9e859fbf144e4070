"""What makes each alarm ring: causes, brought about in the simulated shop.

Each is one fault, and sends one message, however many alarms ring. Afterwards no alarm rings.
`python -m tests.outages.causes` writes docs/alarms.md.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final

from shared.runtime import clock
from tests.outages.alarms import Watch, alarms, incidents, messengers
from tests.outages.load import Load, opened
from tests.simulation.cloud import Message
from tests.simulation.faults import Call, Fault, Outage, Target
from tests.simulation.resources import SWEEPERS
from tests.simulation.timed import TimedShop
from tests.support import stripe
from tests.support.forks import each_in_a_fork
from tests.support.http import rest_event
from tests.support.lambda_events import SCHEDULED
from tools.intrinsics import is_made
from tools.template import ROOT, template

_MINUTE: Final = 60
# Until the metrics of a new shop have values.
_FIRST_MINUTES: Final = 12
_MOST_MINUTES: Final = 5 * 60


@dataclass(frozen=True)
class Stage:
    """A shop in which a cause happens now.

    Args:
        begin: when it happens, in seconds since 1970.
    """

    load: Load
    begin: float

    @property
    def shop(self) -> TimedShop:
        return self.load.shop

    def fail(self, service: str, operation: str, about: str, fault: Fault, minutes: float) -> None:
        """Let all calls of an operation fail."""
        target = Target(service, operation, about)
        self.shop.wire.begin(Outage(target, fault, self.begin, self.begin + _MINUTE * minutes))

    def every(self, seconds: float, minutes: float, do: Callable[[int], object]) -> None:
        """Call `do` again and again for these minutes, with the number of the call."""
        for number in range(int(_MINUTE * minutes / seconds)):
            do_at(self.shop, self.begin + seconds * number, partial(do, number))

    def at(self, minute: float, do: Callable[[], object]) -> None:
        """Do something once."""
        do_at(self.shop, self.begin + _MINUTE * minute, do)

    def order_every(self, seconds: float, minutes: float) -> None:
        """Let customers order; they retry."""
        self.load.spread(
            self.begin, self.begin + _MINUTE * minutes, int(_MINUTE * minutes / seconds)
        )


def do_at(shop: TimedShop, when: float, do: Callable[[], object]) -> None:
    """Do something whose result is not needed."""

    def task() -> None:
        do()

    shop.at(when, task)


type Act = Callable[[Stage], None]


@dataclass(frozen=True)
class Cause:
    """A fault.

    Args:
        what: the fault, for docs/alarms.md.
        rings: the alarms that ring because of it, at least.
        message: the one alarm or incident that sends a message.
    """

    what: str
    rings: tuple[str, ...]
    message: str
    act: Act


@dataclass
class Played:
    """What followed from a cause.

    Attributes:
        began: in which minute after it each alarm and incident began to ring first.
        messages: the alarms and incidents that sent a message, in turn.
        minutes: when all alarms had ended; None if something still does.
        values: the values of each alarm's metric in the periods that made it ring.
        units: the unit of each metric of functions, by alarm.
    """

    cause: str
    began: dict[str, int] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    minutes: int | None = None
    values: dict[str, list[float]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)


def play(load: Load, cause: Cause) -> Played:
    """Bring a cause about and watch the alarms until all have ended, as CloudWatch does each
    minute."""
    shop, played, phone = load.shop, Played(cause.what), _Phone()
    shop.forked()
    shop.run_until(shop.timeline.now + _FIRST_MINUTES * _MINUTE)
    assert not load.watch.ringing()
    begin = shop.timeline.now
    cause.act(Stage(load, begin))
    for minute in range(1, _MOST_MINUTES):
        shop.run_until(begin + minute * _MINUTE)
        ringing = load.watch.ringing()
        for name in ringing - played.began.keys():
            played.began[name] = minute
            if name in alarms():
                played.values[name] = _values(load.watch, name)
                metric = alarms()[name].metric
                if metric in load.watch.units:
                    played.units[name] = load.watch.units[metric]
        played.messages += phone.ring(ringing, minute)
        if played.began and not ringing and load.is_everything_done():
            played.minutes = minute
            break
    return played


def _values(watch: Watch, name: str) -> list[float]:
    alarm = alarms()[name]
    begin = watch.now - alarm.properties["Period"] * alarm.properties["EvaluationPeriods"]
    return [value for at, value in watch.points[alarm.metric] if at > begin]


class _Phone:
    """Messages to a person: an alarm's action, unless its suppressor rings, has ended just now or
    begins soon."""

    def __init__(self) -> None:
        self._rang: set[str] = set()
        self._ended: dict[str, float] = {}
        self._due: dict[str, float] = {}

    def ring(self, ringing: set[str], minute: int) -> Iterator[str]:
        """The messages of a minute in which these ring."""
        for name in self._rang - ringing:
            self._ended[name] = minute
            self._due.pop(name, None)
        for name in sorted((ringing - self._rang) & messengers()):
            self._due[name] = minute + self._periods(name)[0]
        for name, due in sorted(self._due.items()):
            suppressor = self._suppressor(name)
            if suppressor in ringing:
                self._due[name] = minute + self._periods(name)[1]
            elif (
                due <= minute
                and minute - self._ended.get(suppressor, -math.inf) >= (self._periods(name)[1])
            ):
                del self._due[name]
                yield name
        self._rang = set(ringing)

    @staticmethod
    def _suppressor(name: str) -> str:
        one = incidents().get(name)
        return str(one.properties.get("ActionsSuppressor", "")) if one else ""

    @staticmethod
    def _periods(name: str) -> tuple[float, float]:
        """Minutes to wait for the suppressor, and after it."""
        given: Mapping[str, Any] = incidents()[name].properties if name in incidents() else {}
        wait = given.get("ActionsSuppressorWaitPeriod", 0)
        extension = given.get("ActionsSuppressorExtensionPeriod", 0)
        return wait / _MINUTE, extension / _MINUTE


# --- the causes ---


def _guess_passwords(stage: Stage) -> None:
    def guess(number: int) -> None:
        body = {"email": f"number-{number}@example.com", "password": "one-of-many-passwords"}
        # Of one network the shop compares few passwords.
        event = rest_event(
            "POST",
            "/api/v1/auth/login",
            json_body=body,
            source_ip=f"198.51.{number % 100}.7",
        )
        stage.shop.invoke("UsersApi", event)

    stage.every(2, 6, guess)


def _steal_tokens(stage: Stage) -> None:
    users = [stage.shop.anyone.register() for _ in range(12)]

    def use_twice(number: int) -> None:
        token = {"refresh_token": users[number].refresh_token}
        for _ in range(2):
            stage.shop.anyone.post("/api/v1/auth/refresh", token)

    stage.every(15, 3, use_twice)


def _register(stage: Stage, seconds: float, minutes: float) -> None:
    def register(number: int) -> None:
        body = {
            "email": f"new-{number}@example.com",
            "full_name": "Nora New",
            "password": "a-long-enough-password",
        }
        stage.shop.anyone.post("/api/v1/users", body)

    stage.every(seconds, minutes, register)


def _throttle_emails(stage: Stage) -> None:
    stage.fail("sesv2", "SendEmail", "", Fault.THROTTLES, 20)
    _register(stage, 30, 15)


def _lose_the_mailboxes(stage: Stage) -> None:
    for operation in ("PutItem", "TransactWriteItems", "UpdateItem"):
        stage.fail("dynamodb", operation, "NotificationsTable", Fault.FAILS, 75)
    stage.order_every(120, 4)


def _lose_the_provider(stage: Stage) -> None:
    for operation in ("authorize", "capture", "void", "refund", "find", "find_refund"):
        stage.fail("payments", operation, "", Fault.HANGS, 100)
    stage.order_every(120, 100)


def _leave_a_queue_unread(queue: str, minutes: float) -> Act:
    def act(stage: Stage) -> None:
        stage.fail("sqs", "ReceiveMessage", queue, Fault.HANGS, minutes)
        stage.order_every(300, 10)

    return act


def _kill(functions: tuple[str, ...], minutes: float) -> Act:
    def act(stage: Stage) -> None:
        shop, end = stage.shop, stage.begin + _MINUTE * minutes
        shop.lifetime = lambda name: (
            0.004 if name in functions and shop.timeline.now < end else None
        )
        stage.order_every(60, minutes)

    return act


def _lose_the_topics(stage: Stage) -> None:
    stage.fail("sns", "PublishBatch", "", Fault.FAILS, 15)
    rare = stage.shop.admin.add_product(name="Rarity", stock=6)
    customer = stage.load.customers[0]
    stage.at(1, lambda: customer.try_order((rare, 4), key="of a rare product"))
    _register(stage, 60, 10)


def _stop_the_streams(stage: Stage) -> None:
    stage.fail("stream", "GetRecords", "OrdersTable", Fault.HANGS, 15)
    stage.order_every(60, 15)


def _send_rubbish(queue: str) -> Act:
    def act(stage: Stage) -> None:
        queues = stage.shop.cloud.queues
        queues[queue].messages.append(Message("this is no event", stage.begin))
        stage.at(0, stage.shop.poll)
        stage.at(20, queues[queues[queue].dead_letters or ""].messages.clear)

    return act


def _break_a_reservation(stage: Stage) -> None:
    shop = stage.shop
    stage.fail("dynamodb", "TransactWriteItems", "OrdersTable", Fault.FAILS, 1)
    stage.at(0, lambda: stage.load.customers[0].try_order((shop.tray, 1), key="abandoned"))
    stage.at(5, lambda: _hold(shop, units=9000))
    stage.at(40, lambda: _hold(shop, units=1))


def _hold(shop: TimedShop, units: int) -> None:
    """Change by hand how many units of its product a reservation holds."""
    table = shop.cloud.dynamodb.tables["ProductsTable"]
    for key, item in list(table.items.items()):
        if item.get("state") == {"S": "held"}:
            [line] = item["lines"]["L"]
            changed = {"M": {**line["M"], "quantity": {"N": str(units)}}}
            table.change(key, {**item, "lines": {"L": [changed]}}, 0)


def _change_stock(stage: Stage) -> None:
    shop = stage.shop
    stage.at(0, lambda: stage.load.customers[0].try_order((shop.tray, 1), key="released"))
    # What has just happened may still be under way.
    stage.at(70, lambda: _rename(shop, "confirmed", "released"))
    stage.at(71, lambda: shop.invoke("OperationsReconciler", SCHEDULED))
    stage.at(72, lambda: _rename(shop, "released", "confirmed"))


def _kill_the_reconciler(stage: Stage) -> None:
    stage.shop.lifetime = lambda name: 0.004 if name == "OperationsReconciler" else None
    # Lambda's attempts at an event of a schedule.
    for minute in (1, 2, 4):
        stage.at(minute, lambda: stage.shop.tick("OperationsReconciler"))


def _rename(shop: TimedShop, state: str, new: str) -> None:
    """Change by hand the state of reservations."""
    table = shop.cloud.dynamodb.tables["ProductsTable"]
    for key, item in list(table.items.items()):
        if item.get("state") == {"S": state}:
            table.change(key, {**item, "state": {"S": new}}, 0)


def _lose_the_inventory(stage: Stage) -> None:
    stage.fail("lambda", "Invoke", "ProductsInventory reserve", Fault.FAILS, 12)
    stage.order_every(10, 12)


def _look(stage: Stage, seconds: float, minutes: float) -> None:
    path = f"/api/v1/products/{stage.shop.tray['id']}"
    stage.every(seconds, minutes, lambda _: stage.shop.anyone.get(path))


def _slow_the_catalogue(stage: Stage) -> None:
    shop, usual, end = stage.shop, stage.shop.wire.latency, stage.begin + _MINUTE * 8

    def latency(call: Call) -> tuple[float, float]:
        is_slow = call.function == "ProductsApi" and shop.timeline.now < end
        return (0, 4) if is_slow else usual(call)

    shop.wire.latency = latency
    _look(stage, 20, 12)


def _throttle_keys(stage: Stage) -> None:
    stage.fail("kms", "Encrypt", "", Fault.THROTTLES, 10)
    _register(stage, 20, 12)


def _use_up_concurrency(stage: Stage) -> None:
    shop = stage.shop

    def look_at_once(number: int) -> None:
        shop.quota = 150 if number < 7 else math.inf
        for _ in range(170):
            do_at(shop, shop.timeline.now, lambda: shop.anyone.get("/api/v1/products"))

    _look(stage, 10, 12)
    stage.every(60, 8, look_at_once)


def _near_the_quota(stage: Stage) -> None:
    shop = stage.shop

    def look_at_once(_: int) -> None:
        for _ in range(130):
            do_at(shop, shop.timeline.now, lambda: shop.anyone.get("/api/v1/products"))

    stage.every(60, 3, look_at_once)


def _webhooks(type_: str, number: int, *, minutes_old: float = 0) -> Act:
    def act(stage: Stage) -> None:
        def send(_: int) -> None:
            body = stripe.report(None, type_)
            at = clock.now() - timedelta(minutes=minutes_old)
            headers = stripe.signed(body, at=at)
            stage.shop.anyone.http.post(stripe.PATH, content=body, headers=headers)

        stage.every(20, number / 3, send)

    return act


CAUSES: Final = (
    Cause(
        "180 log-ins with wrong passwords in six minutes",
        ("FailedLogInsAlarm",),
        "FailedLogInsAlarm",
        _guess_passwords,
    ),
    Cause(
        "12 refresh tokens are used twice in three minutes",
        ("ReusedTokensAlarm",),
        "ReusedTokensAlarm",
        _steal_tokens,
    ),
    Cause(
        "SES throttles every e-mail for 20 minutes",
        ("EmailsDelayedAlarm",),
        "EmailsIncident",
        _throttle_emails,
    ),
    Cause(
        "NotificationsTable takes no writes for 75 minutes",
        ("MessageAgeAlarm",),
        "EventsIncident",
        _lose_the_mailboxes,
    ),
    Cause(
        "the payment provider does not answer for 100 minutes",
        ("PaymentsWaitingAlarm", "CompensationAgeAlarm", "MessageAgeAlarm"),
        "OrdersIncident",
        _lose_the_provider,
    ),
    Cause(
        "nothing reads CheckoutQueue for 30 minutes",
        ("CheckoutQueueAgeAlarm", "OrderAgeAlarm"),
        "OrdersIncident",
        _leave_a_queue_unread("CheckoutQueue", 30),
    ),
    Cause(
        "nothing reads NotificationsQueue for 40 minutes",
        ("NotificationsQueueAgeAlarm",),
        "EmailsIncident",
        _leave_a_queue_unread("NotificationsQueue", 40),
    ),
    Cause(
        "OrdersCheckout dies whenever it runs, for 12 minutes",
        ("OrdersCheckoutErrorsAlarm",),
        "OrdersIncident",
        _kill(("OrdersCheckout",), 12),
    ),
    Cause(
        "NotificationsWorker dies whenever it runs, for 12 minutes",
        ("NotificationsWorkerErrorsAlarm",),
        "EmailsIncident",
        _kill(("NotificationsWorker",), 12),
    ),
    Cause(
        "SNS takes no events for 15 minutes",
        ("OrdersRelayAlarm", "ProductsRelayAlarm", "UsersRelayAlarm", "EventsStuckAlarm"),
        "EventsIncident",
        _lose_the_topics,
    ),
    Cause(
        "the stream of OrdersTable delivers nothing for 15 minutes",
        ("EventsStuckAlarm",),
        "EventsIncident",
        _stop_the_streams,
    ),
    Cause(
        "all sweepers die whenever they run, for 15 minutes",
        ("OrdersSweeperAlarm", "ProductsSweeperAlarm", "UsersSweeperAlarm"),
        "EventsIncident",
        _kill(tuple(SWEEPERS), 15),
    ),
    Cause(
        "a message of CheckoutQueue is no event",
        ("CheckoutDeadLettersAlarm",),
        "CheckoutDeadLettersAlarm",
        _send_rubbish("CheckoutQueue"),
    ),
    Cause(
        "a message of NotificationsQueue is no event",
        ("NotificationsDeadLettersAlarm",),
        "NotificationsDeadLettersAlarm",
        _send_rubbish("NotificationsQueue"),
    ),
    Cause(
        "a reservation is changed by hand, and back after 35 minutes",
        ("ProductsBooksAlarm",),
        "ProductsBooksAlarm",
        _break_a_reservation,
    ),
    Cause(
        "the stock of sold orders is released by hand, and sold again",
        ("DisagreementsAlarm",),
        "DisagreementsAlarm",
        _change_stock,
    ),
    Cause(
        "OperationsReconciler dies whenever it runs",
        ("ReconcilerErrorsAlarm",),
        "ReconcilerErrorsAlarm",
        _kill_the_reconciler,
    ),
    Cause(
        "ProductsInventory fails for 12 minutes while customers order",
        ("CircuitsOpenAlarm", "Api5xxAlarm"),
        "ApiIncident",
        _lose_the_inventory,
    ),
    Cause(
        "each call of ProductsApi to its table takes four seconds, for 8 minutes",
        ("ApiLatencyAlarm",),
        "ApiIncident",
        _slow_the_catalogue,
    ),
    Cause(
        "KMS throttles for 10 minutes while customers register",
        ("KeysThrottledAlarm", "Api5xxAlarm"),
        "ApiIncident",
        _throttle_keys,
    ),
    Cause(
        "170 requests at once, each minute, in an account with a quota of 150",
        ("ThrottlesAlarm", "ConcurrencyAlarm", "Api5xxAlarm"),
        "ApiIncident",
        _use_up_concurrency,
    ),
    Cause(
        "130 requests at once where ConcurrencyToReport is 120",
        ("ConcurrencyAlarm",),
        "ApiIncident",
        _near_the_quota,
    ),
    Cause(
        "six webhooks are signed an hour late",
        ("WebhooksRefusedAlarm",),
        "WebhooksRefusedAlarm",
        _webhooks("payment_intent.succeeded", 6, minutes_old=60),
    ),
    Cause(
        "a customer disputes a payment",
        ("PaymentsDisputedAlarm",),
        "PaymentsDisputedAlarm",
        _webhooks("charge.dispute.created", 1),
    ),
    Cause(
        "Stripe cannot pay out",
        ("PayoutsFailedAlarm",),
        "PayoutsFailedAlarm",
        _webhooks("payout.failed", 1),
    ),
)


_HEAD: Final = """# Alarms

Written by `python -m tests.outages.causes`, which brings each cause about in the simulated shop and
reads off when the alarm begins to ring. Each cause sends one message, by the alarm or incident in
the last column. The [runbook](runbook.md) says what to do; alarms marked with * exist with
`Monitoring=full` only, which prod has.

On AWS a queue that was idle for six hours is measured up to 15 minutes late, and a period without
data is passed over: an alarm ends, and that of a sweeper that does not run begins, some periods
later.

| alarm | what customers notice | rings when | after | message |
| --- | --- | --- | ---: | --- |
"""


def table(played: Mapping[str, Played]) -> Iterator[str]:
    """The rows: for each alarm the cause after which it rings first."""
    for name, alarm in sorted(alarms().items()):
        cause = next(cause for cause in CAUSES if name in cause.rings)
        mark = (
            ""
            if is_made(name) or "IsStripe" in template()["Resources"][name]["Condition"]
            else " *"
        )
        notice = str(alarm.properties["AlarmName"]).partition(" - ")[2]
        minutes = played[cause.what].began[name]
        yield f"| `{name}` |{mark} {notice} | {cause.what} | {minutes} min | `{cause.message}` |"


def main() -> None:
    with opened() as load:
        load.shop.timeline.end_threads()
        played = {one.cause: one for one in each_in_a_fork(partial(play, load), CAUSES)}
    (ROOT / "docs/alarms.md").write_text(_HEAD + "\n".join(table(played)) + "\n")


if __name__ == "__main__":
    main()
