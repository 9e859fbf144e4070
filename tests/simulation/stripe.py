"""A shop that is paid through Stripe. Its requests are calls of a function: they may fail as calls
to AWS do, and Stripe itself may have faults."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

from orders.payments.stripe_transport import READ_SECONDS, Transport
from tests.orders.payments.stripe_requests import check
from tests.simulation.faults import Call, Died, Fault, Mode, Target
from tests.simulation.shop import SimulatedShop
from tests.simulation.wire import Invocation, current
from tests.support.memory_stripe import MemoryStripe, Request, Response, StripeFault

PAYMENTS: Final = "payments"
_OF_MODES: Final = {
    Mode.ANSWER_LOST: StripeFault.LOST_DONE,
    Mode.THROTTLED: StripeFault.RATE_LIMITED,
    Mode.UNREACHABLE: StripeFault.NOT_SENT,
}
_OF_OUTAGES: Final = {
    Fault.HANGS: StripeFault.LOST,
    Fault.FAILS: StripeFault.KEPT,
    Fault.THROTTLES: StripeFault.RATE_LIMITED,
    Fault.LATE: StripeFault.LOST_DONE,
}


@contextmanager
def paid_through_stripe[Shop: SimulatedShop](shop: Shop) -> Iterator[Shop]:
    """The shop, whose orders are paid through a Stripe in memory as long as the context lasts."""

    def time_out() -> None:
        shop.wire.sleep(READ_SECONDS)

    shop.stripe = stripe = MemoryStripe(shop.cloud.now, time_out)
    shop.parameters["PaymentProvider"] = "stripe"

    def request(
        _: Transport,
        method: str,
        url: str,
        headers: Mapping[str, str],
        post_data: str | None = None,
        **__: Any,
    ) -> Response:
        check(method, url, headers, post_data)
        sent, invocation = Request.read(method, url, headers, post_data), current.get()
        assert invocation
        return _answered(shop, stripe, sent, invocation)

    with patch.object(Transport, "request", request):
        yield shop


def _answered(
    shop: SimulatedShop, stripe: MemoryStripe, request: Request, invocation: Invocation
) -> Response:
    if invocation.is_dead:
        raise Died
    wire, call = shop.wire, Call(invocation.function, PAYMENTS, request.operation, "")
    target = Target(call.service, call.operation, call.about)
    wire.called[target] += 1
    wire.sleep(sum(wire.latency(call)))
    if outage := wire.fault_of(target):
        return stripe.answer(request, _OF_OUTAGES[outage])
    mode = wire.meet(call)
    if mode in (Mode.DIES_BEFORE, Mode.DIES_AFTER):
        if mode is Mode.DIES_AFTER:
            stripe.answer(request)
        invocation.is_dead = True
        raise Died
    if mode is Mode.STALLS:
        invocation.stalled.set()
        invocation.resumed.wait()
    if mode is Mode.ZOMBIES_WAKE:
        wire.wake_zombies()
    return stripe.answer(request, _OF_MODES.get(mode) if mode else None)
