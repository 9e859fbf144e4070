"""Orders: how they are written, who writes them, and what a key of a client means. The saga has a module of its own."""

from typing import Final

from tools.mutants.mutant import Mutant, matrix

_REPOSITORY: Final = "functions/orders/repository.py"
_SERVICE: Final = "functions/orders/service.py"
_MODELS: Final = "functions/orders/models.py"
_IDEMPOTENCY: Final = "functions/orders/idempotency.py"
_LEDGER: Final = "functions/orders/sandbox_payments.py"
_STORED: Final = ("tests/orders/test_repository.py",)
_PLACED: Final = ("tests/orders/test_placing.py",)
_ONCE: Final = ("tests/orders/test_idempotency.py",)
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
        """condition="#version = :version AND #step = :step",
            values={"version": before.version, "step": before.step},
""",
        """condition="#step = :step",
            values={"step": before.step},
""",
        _STORED,
    ),
    Mutant(
        "an order is changed whatever step its saga is at",
        _REPOSITORY,
        """condition="#version = :version AND #step = :step",
            values={"version": before.version, "step": before.step},
""",
        """condition="#version = :version",
            values={"version": before.version},
""",
        _STORED,
    ),
    Mutant(
        "an order is authorised or settled whatever its version",
        _REPOSITORY,
        """                condition="#version = :version",
                values={"version": order.version, **values},
""",
        """                condition="attribute_exists(#pk)",
                values=values,
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
        "self._table.transact([write, _telling(order), counters.adding({order.status: 1})])",
        "self._table.transact([write, counters.adding({order.status: 1})])\n"
        "            self._table.transact([_telling(order)])",
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
        "a refusal does not look whether the order is there",
        _SERVICE,
        "there = self._orders.find(id_)",
        "there = None",
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
        "a record of a request is not its user's own",
        _IDEMPOTENCY,
        'event_key_jmespath="[user, route, key]"',
        'event_key_jmespath="[route, key]"',
        _ONCE,
    ),
    Mutant(
        "a record's request is not compared",
        _IDEMPOTENCY,
        'payload_validation_jmespath="body"',
        'payload_validation_jmespath=""',
        _ONCE,
    ),
    Mutant(
        "the lock of a request that died never ends",
        _IDEMPOTENCY,
        "        lambda_context=lambda_context,\n",
        "",
        _ONCE,
    ),
    Mutant(
        "no order is placed while records cannot be kept",
        _IDEMPOTENCY,
        "            return done or self._orders.place(caller, key, basket)",
        "            raise",
        _ONCE,
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
)
