"""Orders: how they are written, who writes them, and what a key of a client means. The saga has a module of its own."""

from typing import Final

from tools.mutants.mutant import Mutant, matrix

_REPOSITORY: Final = "functions/orders/repository.py"
_SERVICE: Final = "functions/orders/service.py"
_MODELS: Final = "functions/orders/models.py"
_LEDGER: Final = "functions/orders/sandbox_payments.py"
_STORED: Final = ("tests/orders/test_repository.py",)
_PLACED: Final = ("tests/orders/test_placing.py",)
_PAID: Final = ("tests/orders/test_payments.py",)

MUTANTS: Final = (
    Mutant(
        "an order is written without looking whether it is there",
        _REPOSITORY,
        'write = Put(_item(order), condition="attribute_not_exists(#pk)")',
        "write = Put(_item(order))",
        _STORED,
    ),
    Mutant(
        "an order is changed whatever its version",
        _REPOSITORY,
        '_item(after), condition="#version = :version", values={"version": before.version}',
        '_item(after), condition="attribute_exists(#pk)"',
        _STORED,
    ),
    Mutant(
        "an order is settled whatever its version",
        _REPOSITORY,
        """                condition="#version = :version",
                values={"version": order.version},
""",
        """                condition="attribute_exists(#pk)",
""",
        _STORED,
    ),
    Mutant(
        "a change of an order tells no event",
        _REPOSITORY,
        "[write, _telling(after), counts]",
        "[write, counts]",
        _STORED,
    ),
    Mutant(
        "an order and its event are written one after the other",
        _REPOSITORY,
        "self._table.transact([write, _telling(order)])",
        "self._table.transact([write])\n            self._table.transact([_telling(order)])",
        matrix("order, the client gives up"),
    ),
    Mutant(
        "a change of an order is not counted",
        _REPOSITORY,
        "[write, _telling(after), counts]",
        "[write, _telling(after)]",
        _STORED,
    ),
    Mutant(
        "a change of an order is counted after it",
        _REPOSITORY,
        "self._table.transact([write, _telling(after), counts])",
        "self._table.transact([write, _telling(after)])\n"
        "            self._table.transact([counts])",
        matrix("ship and deliver"),
    ),
    Mutant(
        "the sweeper looks for due orders in one shard",
        _REPOSITORY,
        "for shard in range(_DUE_SHARDS):",
        "for shard in range(1):",
        _STORED,
    ),
    Mutant(
        "two sweepers claim one order",
        _REPOSITORY,
        """                condition="#due_at = :seen",
                values={"until": until, "seen": order.due_at},
""",
        """                condition="attribute_exists(#due_at)",
                values={"until": until},
""",
        _STORED,
    ),
    Mutant(
        "an order that has ended is claimed",
        _REPOSITORY,
        """                condition="#due_at = :seen",
                values={"until": until, "seen": order.due_at},
""",
        """                condition="attribute_not_exists(#due_at) OR #due_at = :seen",
                values={"until": until, "seen": order.due_at},
""",
        _STORED,
    ),
    Mutant(
        "an order's id is drawn",
        _MODELS,
        '    return hashlib.sha256(b"bodega/order/1\\0" + named).hexdigest()[:32]',
        "    import uuid\n\n    return uuid.uuid4().hex",
        ("tests/orders/test_models.py",),
    ),
    Mutant(
        "two customers share a key",
        _MODELS,
        "json.dumps([user_id, idempotency_key])",
        "json.dumps([idempotency_key])",
        ("tests/orders/test_models.py",),
    ),
    Mutant(
        "a placed order is not due",
        _MODELS,
        "            due_at=rfc3339(at + PATIENCE),\n",
        "            due_at=None,\n",
        ("tests/orders/test_models.py",),
    ),
    Mutant(
        "a cancelled order is not due",
        _MODELS,
        'self._next("cancelled", at, due_at=rfc3339(at + PATIENCE))',
        'self._next("cancelled", at, due_at=None)',
        ("tests/orders/test_models.py",),
    ),
    Mutant(
        "an order that is there is not compared with what is asked for",
        _SERVICE,
        "if order.request_digest != basket.digest:",
        "if order.request_digest == '':",
        _PLACED,
    ),
    Mutant(
        "what a dead request held is not compared with what is asked for",
        _SERVICE,
        "if not basket.is_held_by(reservation.lines):",
        "if not reservation.lines:",
        _PLACED,
    ),
    Mutant(
        "a rival's order is no answer",
        _SERVICE,
        "return _replay(first.order, basket)",
        "raise ServiceUnavailable('orders', retry_after=1) from first",
        _PLACED,
    ),
    Mutant(
        "an inactive customer is not looked at",
        _SERVICE,
        "        if not customer.is_active:\n            raise AccountInactive\n",
        "",
        _PLACED,
    ),
    Mutant(
        "requests with one key run beside each other",
        _SERVICE,
        "if held_ago is not None and held_ago <= _AT_WORK_SECONDS:",
        "if held_ago is None and _AT_WORK_SECONDS < 0:",
        _PLACED,
    ),
    Mutant(
        "a request that died keeps others out for ever",
        _SERVICE,
        "if held_ago is not None and held_ago <= _AT_WORK_SECONDS:",
        "if held_ago is not None:",
        _PLACED,
    ),
    Mutant(
        "pending orders are counted as they are left, and never as they come",
        _REPOSITORY,
        "left: dict[str, int] = {} if before.status == _UNCOUNTED else {before.status: -1}",
        "left: dict[str, int] = {before.status: -1}",
        matrix("order, confirmed"),
    ),
    Mutant(
        "pending orders are not looked up",
        _REPOSITORY,
        "counted[_UNCOUNTED] = sum(1 for _ in self._of_status(_UNCOUNTED, _LAST, None))",
        "counted[_UNCOUNTED] = 0",
        _STORED,
    ),
    Mutant(
        "the ledger opens a payment that is there",
        _LEDGER,
        '                condition="attribute_not_exists(#pk)",\n',
        "",
        _PAID,
    ),
    Mutant(
        "the ledger moves a payment from any state",
        _LEDGER,
        """                condition="#state = :from",
                values={"from": from_, "to": to, "entry": [to]},
""",
        """                condition="attribute_exists(#pk)",
                values={"to": to, "entry": [to]},
""",
        matrix("cancel of a confirmed order"),
    ),
    Mutant(
        "stock is held before the key's order is looked for",
        _SERVICE,
        "placed = self._orders.find(id_)",
        "placed = None",
        _PLACED,
    ),
)
