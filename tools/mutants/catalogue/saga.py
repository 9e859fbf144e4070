"""The saga: what is written between its steps, what may be undone and when, what waits, and what is not known."""

from typing import Final

from tools.mutants.mutant import Mutant, matrix

_SAGA: Final = "functions/orders/saga.py"
_GUARDS: Final = "functions/orders/guards.py"
_RUN: Final = ("tests/orders/test_saga.py", "tests/orders/test_saga_races.py")
_GUARDED: Final = ("tests/orders/test_guards.py",)

_CONFIRM: Final = "            self._command(order, stock.confirm)\n"
_AUTHORIZE: Final = "            payment = self._authorized(order, payments)\n"
_RELEASE: Final = "        self._command(order, self._stock.release)\n"
_STEPS: Final = "        for give_back in (self._release, self._repay):\n"

MUTANTS: Final = (
    Mutant(
        "the payment is authorised before the stock is sold",
        _SAGA,
        _CONFIRM + _AUTHORIZE,
        _AUTHORIZE + _CONFIRM,
        _RUN,
    ),
    Mutant("an order is paid for stock that is not sold", _SAGA, _CONFIRM, "", _RUN),
    Mutant(
        "an order is confirmed although the money was not taken",
        _SAGA,
        'case "captured":',
        'case "captured" | "voided":',
        _RUN,
    ),
    Mutant(
        "a payment without an answer counts as declined",
        _SAGA,
        "                payment = self._payments.find(order.id, order.payment_id)\n",
        '                return Payment(order.id, "", "declined")\n',
        _RUN,
    ),
    Mutant(
        "a payment without an answer counts as captured",
        _SAGA,
        "                payment = self._payments.find(order.id, order.payment_id)\n",
        '                return Payment(order.id, "", "captured")\n',
        _RUN,
    ),
    Mutant(
        "what has not happened to a payment counts as done",
        _SAGA,
        "if payment is None or payment.state == undone:",
        "if payment is None:",
        _RUN,
    ),
    Mutant(
        "a step that waits is never given up",
        _SAGA,
        "if step.asked_at < order.deadline:",
        "if step.asked_at:",
        _RUN,
    ),
    Mutant(
        "a step that waits is given up at once",
        _SAGA,
        "if step.asked_at < order.deadline:",
        "if not step.asked_at:",
        _RUN,
    ),
    Mutant(
        "an order is cancelled for what is wrong with others",
        _SAGA,
        "is_last = self._now() >= order.deadline",
        "is_last = False",
        _RUN,
    ),
    Mutant(
        "an order is cancelled for a failure of before its deadline",
        _SAGA,
        "if step.asked_at < order.deadline:",
        "if self._now() < order.deadline:",
        _RUN,
    ),
    Mutant(
        "a message that waits comes again at once",
        _SAGA,
        "            raise ComeAgain(seconds)\n",
        "            raise ComeAgain(0)\n",
        _RUN,
    ),
    Mutant(
        "a message that waits is lost",
        _SAGA,
        "            raise ComeAgain(seconds)\n",
        "            return\n",
        _RUN,
    ),
    Mutant(
        "a message whose order another one waits for comes again too",
        _SAGA,
        "        if self._orders.defer(order, until=clock.rfc3339(until)):\n            raise",
        "        self._orders.defer(order, until=clock.rfc3339(until))\n        if True:\n            raise",
        _RUN,
    ),
    Mutant(
        "a duplicate of a message that waits goes on",
        _SAGA,
        "if order.has_another_message(self._now()):",
        "if not order:",
        _RUN,
    ),
    Mutant(
        "an order comes again long after its deadline",
        _SAGA,
        "return min(pause(waited, longest=_LONGEST_PAUSE), left + 1)",
        "return pause(waited, longest=_LONGEST_PAUSE)",
        _RUN,
    ),
    Mutant(
        "a payment that is known is authorised again",
        _SAGA,
        "        if order.payment_id:\n            return self._asked(order, find)\n",
        "",
        _RUN,
    ),
    Mutant(
        "a payment is authorised by a key that may be forgotten",
        _SAGA,
        "if order.age(self._now()) > _KEYS_ARE_KEPT:",
        "if not order:",
        _RUN,
    ),
    Mutant(
        "a cancelled order keeps its stock",
        _SAGA,
        _RELEASE,
        "        return\n",
        matrix("cancel of a confirmed order"),
    ),
    Mutant(
        "a cancelled order's money stays held",
        _SAGA,
        'payment = self._moved(order, "authorized", self._payments.void)',
        'payment = Payment(order.id, "", "voided")',
        _RUN,
    ),
    Mutant(
        "a cancelled order's money stays taken",
        _SAGA,
        'if payment.state == "captured":\n            self._moved',
        'if payment.state == "authorized":\n            self._moved',
        _RUN,
    ),
    Mutant(
        "an order is settled before its money is back",
        _SAGA,
        _STEPS,
        f"        self._orders.settle(order)\n{_STEPS}",
        matrix("cancel of a confirmed order"),
    ),
    Mutant(
        "an order is settled although not everything is back",
        _SAGA,
        "                waits = step\n",
        "                pass\n",
        _RUN,
    ),
    Mutant(
        "money waits for stock that cannot be given back",
        _SAGA,
        "                waits = step\n",
        "                waits = step\n                break\n",
        _RUN,
    ),
    Mutant("an order is never settled", _SAGA, "        self._orders.settle(order)\n", "", _RUN),
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
        "a service that is down is asked for every order",
        _GUARDS,
        "        if self._circuit.is_open and not insists:\n",
        "        if not self._failures:\n",
        _GUARDED,
    ),
    Mutant(
        "one order that always fails opens the circuit",
        _GUARDS,
        "if len(self._failing) == _FAILURES or order_id not in self._failing:",
        "if order_id:",
        _GUARDED,
    ),
    Mutant(
        "who is not asked is not told since when",
        _GUARDS,
        "raise self._unavailable(self._asked_at)",
        "raise self._unavailable(None)",
        _GUARDED,
    ),
)
