"""The saga: what is written between its steps, what may be undone and when, and what is not known."""

from typing import Final

from tools.mutants.mutant import Mutant, matrix

_SAGA: Final = "functions/orders/saga.py"
_RUN: Final = ("tests/orders/test_saga.py", "tests/orders/test_saga_races.py")

_CONFIRM: Final = """        try:
            self._stock.confirm(order.id)
        except ReservationEnded:
            self._cancel(order, "reservation_expired")
            return
"""
_CAPTURE: Final = "        payment = self._asked(order, lambda: self._payments.capture(order.id))\n"
_RELEASE: Final = "        self._stock.release(order.id)\n"

MUTANTS: Final = (
    Mutant(
        "a payment that fails after the pivot cancels the order",
        _SAGA,
        _CAPTURE,
        f"""        try:
    {_CAPTURE}\
        except _Later:
            self._cancel(order, "payment_unavailable")
            return
""",
        _RUN,
    ),
    Mutant(
        "the money is taken before the stock is sold",
        _SAGA,
        _CONFIRM + _CAPTURE,
        _CAPTURE + _CONFIRM,
        _RUN,
    ),
    Mutant(
        "an order is confirmed although the money was not taken",
        _SAGA,
        'if payment.state != "captured":',
        'if payment.state == "declined":',
        _RUN,
    ),
    Mutant(
        "an order whose reservation has ended is sold",
        _SAGA,
        _CONFIRM,
        """        try:
            self._stock.confirm(order.id)
        except ReservationEnded:
            pass
""",
        _RUN,
    ),
    Mutant(
        "a payment without an answer counts as declined",
        _SAGA,
        "                payment = self._payments.find(order.id)\n",
        '                return Payment(order.id, "declined")\n',
        _RUN,
    ),
    Mutant(
        "a payment without an answer counts as authorised",
        _SAGA,
        "                payment = self._payments.find(order.id)\n",
        '                return Payment(order.id, "authorized")\n',
        _RUN,
    ),
    Mutant(
        "a payment that the provider does not know counts as declined",
        _SAGA,
        """            # Not yet, perhaps: asked again, it is the same payment by its key.
            raise _Later
""",
        '            return Payment(order.id, "declined")\n',
        _RUN,
    ),
    Mutant(
        "a payment that waits is never given up",
        _SAGA,
        "if not order.is_past_deadline(self._now()):",
        "if self._now():",
        _RUN,
    ),
    Mutant(
        "a payment that waits is given up at once",
        _SAGA,
        "if not order.is_past_deadline(self._now()):",
        "if not self._now():",
        _RUN,
    ),
    Mutant(
        "a cancelled order keeps its stock",
        _SAGA,
        _RELEASE,
        "",
        matrix("cancel of a confirmed order"),
    ),
    Mutant(
        "a cancelled order's money stays held",
        _SAGA,
        "lambda: self._payments.void(order.id)",
        "lambda: Payment(order.id, 'voided')",
        _RUN,
    ),
    Mutant(
        "a cancelled order's money stays taken",
        _SAGA,
        "lambda: self._payments.refund(order.id)",
        "lambda: Payment(order.id, 'refunded')",
        _RUN,
    ),
    Mutant(
        "an order is settled before its money is back",
        _SAGA,
        _RELEASE,
        f"        self._orders.settle(order)\n{_RELEASE}",
        matrix("cancel of a confirmed order"),
    ),
    Mutant(
        "an order is settled although its money is not back",
        _SAGA,
        """        if payment.state in ("authorized", "captured"):
            raise _Later
""",
        "",
        _RUN,
    ),
    Mutant(
        "an order is never settled",
        _SAGA,
        "        self._orders.settle(order)\n",
        "",
        _RUN,
    ),
    Mutant(
        "who cancels leaves the giving back to others",
        _SAGA,
        "        self._change(order, cancelled)\n        self._give_back(cancelled)\n",
        "        self._change(order, cancelled)\n",
        _RUN,
    ),
    Mutant(
        "who loses a race for an order leaves it",
        _SAGA,
        "                order = race.current\n",
        "                return\n",
        _RUN,
    ),
    Mutant(
        "an order is swept without a claim",
        _SAGA,
        """        if not self._orders.claim(order, until=until):
            return
""",
        "",
        _RUN,
    ),
    Mutant(
        "one order's trouble ends the sweep",
        _SAGA,
        """            logging.logger().exception("could not go on", extra={"order_id": order.id})
""",
        "            raise\n",
        _RUN,
    ),
)
