"""The metered shop with payments through Stripe: localstripe behind the proxy. Its orders are
reported by a webhook, as Stripe reports each payment that is authorised.
"""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from orders.payments.stripe_transport import Transport
from shared.runtime import clock
from tests.costs.meter import Call, MeteredShop, opened_as
from tests.simulation.wire import current
from tests.support.stripe import PATH, SECRET, report, signed
from tools.local import processes, stripe

SERVICE: Final = "stripe"
_REPORTED: Final = "payment_intent.amount_capturable_updated"


class StripeShop(MeteredShop):
    """The shop, which pays at the Stripe of this address.

    Its calls have the requests to Stripe too, of the service `stripe`.
    """

    payment: Mapping[str, str] = {"payment_token": "pm_card_visa"}

    def __init__(self, address: str) -> None:
        super().__init__()
        self.parameters["PaymentProvider"] = "stripe"
        secret = json.dumps({**SECRET, "api_base": address})
        self.cloud.secrets = dict.fromkeys(self.cloud.secrets, secret)

    def report(self, order: Mapping[str, Any]) -> None:
        body = report(order["id"], _REPORTED)
        headers = signed(body, at=clock.now())
        assert self.anyone.http.post(PATH, content=body, headers=headers).is_success

    def record(self, method: str, url: str) -> None:
        """Record a request to Stripe."""
        invocation = current.get()
        assert invocation is not None
        path = re.sub(r"/pi_\w+", "/{id}", url.partition("/v1/")[2].partition("?")[0])
        run = self._open_runs[-1]
        call = Call(invocation.function, SERVICE, f"{method.upper()} {path}", "", 0)
        run.calls.append(call)
        self.calls.append(call)


@contextmanager
def opened() -> Iterator[StripeShop]:
    """An open shop, and its Stripe."""
    port, pids = processes.free_port(), dict[str, int]()
    send = Transport.request

    def recorded(
        transport: Transport, method: str, url: str, *others: Any, **named: Any
    ) -> tuple[str, int, Mapping[str, str]]:
        shop.record(method, url)
        return send(transport, method, url, *others, **named)

    with tempfile.TemporaryDirectory() as folder:
        try:
            stripe.start(port, Path(folder), pids.__setitem__)
            shop = StripeShop(stripe.address(port))
            with patch.object(Transport, "request", recorded), opened_as(lambda: shop):
                yield shop
        finally:
            for name, pid in pids.items():
                processes.end(pid, name)
