"""The seeded design bugs: each takes away what a promise of docs/reliability.md or docs/security.md
rests on."""

from collections.abc import Iterator, Mapping
from typing import Final

from tools.mutants.edits import (
    Edit,
    argument,
    before,
    constant,
    expression,
    only_if,
    swapped,
    text,
    without,
)
from tools.mutants.mutant import Mutant

_READ_STALE: Final = "tests/crashes/test_stale_reads.py::"
# Only get_many reads with eventual consistency.
_EVENTUALLY: Final = expression(
    "self._table.get", "lambda key: next(iter(self._table.get_many([key])), None)"
)
_MATRIX: Final = "tests/crashes/test_matrix.py::test_promises_hold_when_one_call_to_aws_fails"

# By the place (a module, with a class or not) and its tests (files of tests/, or one test): the
# function, what it does wrong, and the edit. Without a function, the edit is for the place itself.
_BUGS: Final[Mapping[tuple[str, str], Mapping[str, Edit]]] = {
    ("orders.repository:DynamoOrders.", "orders/test_repository"): {
        "add: an order overwrites one with its id": argument("Put", "condition"),
        "_update: an order of any version is changed": text("= :seen", ">= :seen"),
        "change: a change of an order has no event": without("_event_put"),
        "claim: two sweepers claim one order": text("= :seen", ">= :seen"),
        "erase: an order's history keeps the name": constant("rewritten", "[]"),
        "_update: an ended order keeps the secret of its payment": constant(
            "seen", "self._item(before)"
        ),
        "defer: an erased order gets its secret back": only_if("action", value=False),
    },
    ("orders.models:", "orders/test_models"): {
        "order_id: an order's id is random": before(
            "sha256", "import uuid; return uuid.uuid4().hex"
        ),
        "order_id: two users share an idempotency key": expression("user_id", "''"),
        "Order.placed: a placed order is not due": constant("due_at", "None"),
    },
    ("orders.service:", "orders/test_service"): {
        "_replay: a key places another basket's order": only_if("digest", value=False),
        "OrderService.place: stock is reserved for a replay": only_if("placed", value=False),
        "OrderService._require_customer: a deactivated user orders": only_if(
            "is_active", value=False
        ),
        "OrderService._require_customer: the token of an ended session orders": only_if(
            "session_epoch", value=False
        ),
        "OrderService._require_customer: an unconfirmed customer orders": only_if(
            "email_confirmed", value=False
        ),
    },
    ("orders.service:OrderService.", "orders/test_routes"): {
        "find_action: an admin sees the secret of a payment": expression(
            "caller.id", "order.user_id"
        ),
    },
    ("orders.saga:CheckoutSaga.", "orders/test_saga"): {
        "_check_out: the payment is authorised before the stock is sold": swapped(
            "_call_stock", "_authorized"
        ),
        "_check_out: a failure before the deadline cancels an order": expression(
            "is_last_attempt", "order.is_past_deadline(self._now())"
        ),
        "_check_out: an order waits for ever": only_if("is_last_attempt", value=False),
        "_call_payments: an unknown outcome counts as a decline": before(
            "_payments.find", "return Payment(order.id, '', 'declined')"
        ),
        "_authorized: a key that the provider may have forgotten authorises": only_if(
            "_KEYS_ARE_KEPT", value=False
        ),
        "_release: a cancelled order keeps its stock": without("_call_stock"),
        "_repay: a captured payment is not refunded": only_if("payment.state", value=False),
        "_repay: a payment that waits for its customer counts as given back": text(
            "action_required", "authorized"
        ),
        "_decide: an order waits for its customer for ever": expression("is_last_attempt", "False"),
        "_send_again: news of nothing delays an order": only_if("has_delayed_message", value=False),
        "advance: news of a payment waits for the delayed message": expression("is_news", "False"),
        "_give_back: an order is settled after a failed compensation": only_if(
            "unanswered", value=False
        ),
    },
    ("orders.saga:CheckoutSaga.", "orders/refunds/test_execution"): {
        "_repay: an order is given back while its refunds are not made": expression(
            "self._refunds.finish_all(order)", "order"
        ),
    },
    ("orders.refunds.models:", "orders/refunds/test_models"): {
        "Refund.requested: more is refunded than was paid": only_if(
            "refundable_minor", value=False
        ),
        "Refund.requested: an order that is not paid is refunded": only_if("is_paid", value=False),
        "Refund.requested: a unit is refunded twice": only_if("unclaimed", value=False),
    },
    ("orders.models:Order.", "orders/refunds/test_models"): {
        "_moved_to: an order that is shipped forgets its refunds": expression(
            "self.due_at if self.pending_refunds else None", "None"
        ),
        "refund_failed: a failed refund keeps its units": expression("-1", "0"),
    },
    ("orders.returns.models:", "orders/returns/test_models"): {
        "Return.requested: a unit is returned twice": only_if("unclaimed", value=False),
        "Return.requested: a return is late": only_if("delivered_at", value=False),
        "Return._moved_to: a return is decided twice": only_if("_TRANSITIONS", value=False),
        "Return.refused: a refusal to an erased customer is stored": only_if(
            "is_erased", value=False
        ),
    },
    ("orders.returns.service:ReturnService.", "orders/returns/test_routes"): {
        "request: an admin asks for a customer's return": only_if("user_id", value=False),
        "request: an order on its way is returned": only_if("status", value=False),
        "request: a repeated request returns the units again": only_if("earlier", value=False),
        "receive: units of a received return are claimed twice": expression("()", "seen.lines"),
    },
    ("orders.idempotency:", "orders/refunds/test_routes"): {
        "replay: a key returns another refund": only_if("request_digest", value=False),
    },
    ("orders.refunds.service:", "orders/refunds/test_routes"): {
        "RefundService.request: a repeated request refunds again": only_if("earlier", value=False),
    },
    ("orders.refunds.execution:RefundExecution.", "orders/refunds/test_execution"): {
        "repay: a partly refunded order is given back as a whole": expression(
            "order.repayment_minor", "order.total_minor"
        ),
        "_paid_back: what is paid otherwise is refunded too": expression(
            "refund.paid_otherwise", "False"
        ),
        "reverse: a compensation changes its amount": only_if("due_at", value=False),
        "_finish: units come back before the money": before(
            "_paid_back", "self._restock(order, refund)"
        ),
        "_pay_back: a refusal is taken for an outage": expression(
            "RefundRefused", "ZeroDivisionError"
        ),
    },
    ("orders.repository:DynamoOrders.", "orders/refunds/test_execution"): {
        "_overwriting: the reason of a refund stays": expression("name in item", "False"),
    },
    ("orders.saga_circuit:SagaCircuit.", "orders/test_saga"): {
        "call: a circuit refuses an order's last attempt": expression(
            "order.is_past_deadline(self._now())", "False"
        ),
    },
    ("orders.payments.sandbox:", "orders/payments/test_providers"): {
        "a key opens a second payment": argument("put", "condition"),
    },
    ("orders.due_orders:DueOrderSweep.", "orders/test_due_orders"): {
        "_claim: an order that cannot be claimed stops the sweep": expression(
            "Exception", "OSError"
        ),
    },
    ("orders.erasure:", "flows/test_erasure"): {
        "an erasure looks for orders once": constant("_SETTLED", "timedelta(0)"),
    },
    (
        "products.reservations.repository:",
        "products/reservations/test_repository products/reservations/test_service",
    ): {
        "_writing: an order reserves stock twice": argument("Put", "condition"),
        "_unchanged: a reservation changes from any state": text(
            "#state = :seen", "attribute_exists(#state) OR #state = :seen"
        ),
        "_unchanged: units that were given back are released again": text(
            "AND attribute_not_exists(#given_back)", "AND #state = :seen"
        ),
        "_holding: stock is reserved at a price that has changed": text(
            "AND #price_minor =", "OR #price_minor ="
        ),
        "DynamoReservations.hold: a reservation is not counted": without("counters.adding"),
        "DynamoReservations.hold: a reservation that crosses the threshold has no event": only_if(
            "step.event", value=False
        ),
    },
    (
        "products.catalogue.repository.stock:",
        "products/reservations/test_repository products/reservations/test_service",
    ): {
        "stock_step: more is reserved than is available": text(
            "#available >= :taken", "(attribute_exists(#pk) OR #available >= :taken)"
        ),
    },
    ("products.catalogue.repository.shares:", "products/reservations/test_shares"): {
        "Shares._merge: units that are taken meanwhile are lost": argument("Delete", "condition"),
        "Shares.spread: a product is spread as it was": text("#edition =", "#edition >="),
        "Shares._wanted: shares have all units": expression(
            "product.available - self._threshold", "product.available"
        ),
        "in_one_item: a product is changed while it is spread": text(
            "attribute_not_exists(#spread)", "attribute_exists(#pk)"
        ),
        "moving: a share is oversold": text(">= :quantity", "<> :quantity"),
    },
    ("products.reservations.service:ReservationService.", "products/reservations/test_service"): {
        "release: a release of nothing leaves no tombstone": before(
            "self._clock", "if found is None:\n    return"
        ),
        "_release_if_expired: the sweeper believes a stale index": expression(
            "not found.has_expired(at)", "False"
        ),
    },
    ("products.reservations.models:", "products/reservations/test_models"): {
        "Reservation.confirmed: a released reservation is confirmed": without("ReservationEnded"),
    },
    ("products.catalogue.service:CatalogueService.", "products/catalogue/test_service"): {
        "_replayed: a key changes stock by another amount": only_if("digest", value=False),
    },
    ("products.catalogue.repository.products:", "products/catalogue/test_repository"): {
        "_change: a product is changed over another change": text("#edition =", "#edition >="),
        "_receipt_puts: a change overwrites its receipt": argument("Put", "condition"),
    },
    ("users.accounts.repository:", "users/test_repositories"): {
        "DynamoUsers.add: two accounts have one address": argument("Put", "condition"),
        "DynamoUsers.add: a registration has no event": without("outbox.recording"),
        "_update: an account of any version is changed": text("= :seen", ">= :seen"),
        "DynamoUsers.erase: an erased account keeps its address": without("_release_email"),
    },
    ("users.accounts.service:AccountService.", "users/accounts/test_service"): {
        "require_active: the token of an ended session is valid": only_if(
            "session_epoch", value=False
        ),
        "change: an admin changes another's address and password": only_if(
            "is_for_owner", value=False
        ),
        "_authenticate: a change needs no password": only_if("is_needed", value=False),
        "_another_admin: a user counts as another admin": expression(
            "admin.id != user.id and admin.is_active_admin", "admin.is_active_admin"
        ),
    },
    ("users.email_links.service:EmailLinkService.", "users/email_links/test_service"): {
        "_find: a token never expires": expression(
            "token.expires_at <= epoch(self._clock())", "False"
        ),
        "_find: a token of any kind is taken": expression("token.kind not in kinds", "False"),
        "_confirm: the token of another address confirms": only_if("is_bound_to", value=False),
    },
    ("users.sessions.repository:DynamoFamilies.", "users/test_repositories"): {
        "rotate: two requests exchange one refresh token": text(
            "#digest = :old", "attribute_exists(#pk) OR #digest = :old"
        ),
    },
    ("users.sessions.service:SessionService.", "users/sessions/test_service"): {
        "_reused: a reused refresh token keeps its family": without("_families.end"),
        "list: sessions that have ended are listed": expression(
            "f.is_valid_for(user, at=now)", "True"
        ),
    },
    ("users.login_throttle.service:LoginThrottle.", "users/login_throttle/test_service"): {
        "_count: an attempt does not wait": only_if("wait", value=False),
        "remember: a device is not known at its next log-in": without("_trust"),
    },
    ("users.accounts.repository:DynamoUsers.", "flows/test_log_in"): {
        "find_by_email: an unknown address costs a read less": expression(
            "_read_decoy(self._table, _decoy_item())", "_decoy_item()"
        ),
        "find_password_hash: the password of an unknown address costs no read": without(
            "_read_decoy"
        ),
    },
    ("notifications.repository:DynamoNotifications.", "notifications/test_repository"): {
        "_add: two deliveries claim one notification": argument("_table.put", "condition"),
        "_add: a claim ignores an erased mailbox": only_if("_tombstone", value=False),
        "_add: a claim looks for the tombstone before it writes": swapped(
            "_table.put", "_tombstone"
        ),
        "erase: an erased mailbox has no tombstone": without("_table.put"),
        "keep: an attempt without a response is forgotten": text(" AND #attempts = :none", ""),
        "_settle: a notification is settled twice": text(
            "#status = :pending", "attribute_exists(#pk) OR #status = :pending"
        ),
    },
    ("notifications.models:", "notifications/test_repository"): {
        "next_attempt: a claim ignores a lease": without("AttemptUnderWay"),
    },
    ("notifications.models:", "crashes/test_slow_provider"): {
        "a third e-mail is sent without an answer": constant("MAX_ATTEMPTS", "3"),
    },
    ("notifications.emails.service:Notifier.", "notifications/emails/test_service"): {
        "_send: a refused attempt counts": without("_notifications.release"),
        "_is_mailed: an order that has gone on has two e-mails": expression(
            "one.id == notification.id", "True"
        ),
        "_is_mailed: an attempt without a response is not repeated": expression(
            "not is_kept", "False"
        ),
    },
    ("shared.storage.dynamodb:Table.", "shared/storage/test_dynamodb"): {
        "transact: a repetition has its own token": expression("token", "uuid.uuid4().hex"),
        "_refused: a conflict is not retried": constant("retryable", "()"),
        "_read: an item of a later schema is read": without("NewerSchema"),
        "get: reads are eventually consistent": argument(
            "client.get_item", "ConsistentRead", "False"
        ),
    },
    ("shared.messaging.outbox:", "shared/messaging/test_outbox"): {
        "noting: a version has a second event": argument("Put", "condition"),
        "repeat: an event is published again and again": text(
            " AND attribute_not_exists(#repeated)", ""
        ),
    },
    ("shared.messaging.publishing:", "shared/messaging/test_outbox"): {
        "Relay._sent: an event that the topic refused counts as published": constant(
            "refusals", "dict.fromkeys(range(len(batch)), '')"
        ),
        "Relay._sent: a disabled key quarantines events": only_if("_REFUSALS", value=True),
        "Relay.publish: one invalid event stops the relay": expression("Exception", "OSError"),
        "Relay.relay: the relay reports no failure": expression("unpublished", "()"),
    },
    ("shared.messaging.redelivery:", "shared/messaging/test_workers"): {
        "MessageQueue._is_sent: a message loses the type that its filter admitted": only_if(
            "stated", value=False
        ),
    },
    ("shared.storage.due:", "shared/storage/test_due"): {
        "due_items: one shard of due items is read": expression("MARKS * table.shards", "1"),
        "due_items: due items come shard by shard": expression("itemgetter(at)", "id"),
    },
    ("shared.calls.circuit_store:", "shared/calls/test_circuit_store"): {
        "DynamoCircuits.write: a circuit overwrites an unknown state": text(
            "#fence = :over", "attribute_exists(#fence) OR #fence = :over"
        ),
        "BackoffStore._attempt: each call waits for a store that fails": only_if(
            "self._failures", value=False
        ),
    },
    ("shared.calls.breaker:", "shared/calls/test_breaker"): {
        "CircuitBreaker._note_failure: no rate of failures opens a circuit": expression(
            "sum(self._failed)", "0"
        ),
        "_SharedCircuit.acquire_probe: an environment probes without a lease": before(
            "self._miss_store", "return True"
        ),
    },
    ("shared.messaging.workers:", "shared/messaging/test_workers"): {
        "_Messages._fail: a message that failed is deleted": without("cause"),
        "_Messages._wait: a message that was not sent is deleted": without("cause"),
        "_Messages.handle: an outage uses up attempts": only_if("is_temporary", value=False),
        "_Messages.handle: an event of a type that no filter admitted is handled": without(
            "_require_stated_type"
        ),
        "chores: a chore that fails stops the others": before("failures.append", "raise"),
    },
    ("shared.web.routing:Gate.", "shared/web/test_routing"): {
        "admit: a customer uses an admin's route": only_if("admits", value=False),
        "admit: a deactivated user's token works": only_if("_standing", value=False),
    },
    ("shared.web.routing:", "shared/web/test_routing"): {
        "check: a route without a guard is served": without("NotGuarded"),
    },
    ("shared.auth.access:", "shared/web/test_routing"): {
        "declared: an undeclared route is served": without("NotDeclared"),
    },
    ("orders.service:OrderService.", "access/test_strangers"): {
        "get: a customer reads another's order": without("OrderNotFound"),
    },
    ("notifications.service:", "access/test_strangers"): {
        "a customer lists another's notifications": without("Forbidden"),
    },
    ("shared.storage.conflicts:", "shared/storage/test_conflicts"): {
        "retry_on_conflict: a lost race is decided again on the old value": expression(
            "conflict.current", "value"
        ),
    },
    ("shared.web.paging:Cursors.", "access/test_strangers"): {
        "_mac: a cursor works for every caller": expression("caller", "''"),
    },
    ("shared.auth.tokens:TokenVerifier.", "shared/auth/test_tokens"): {
        "caller: a token of another type is accepted": expression("header['typ'] != TYPE", "False"),
    },
    # What only the simulation shows: crashes between two calls, and stale reads.
    ("orders.repository:DynamoOrders.", f"{_MATRIX}[order, the client gives up]"): {
        "add: an order's event is a second transaction": expression(
            "[write, self._event_put(order)]",
            "self._table.transact([write]) or [self._event_put(order)]",
        ),
    },
    ("orders.saga:CheckoutSaga.", f"{_MATRIX}[cancel of a confirmed order]"): {
        "_give_back: an order is settled before its compensations": before(
            "metrics.seconds", "self._orders.settle(order)"
        ),
    },
    ("shared.messaging.publishing:Relay.", f"{_MATRIX}[sweep: events unsent]"): {
        "publish: a mark comes off before its event is published": before(
            "self._sent",
            "for message in batch:\n    self._is_changed(message.item, 'REMOVE #unsent', deadline)",
        ),
    },
    (
        "orders.repository:DynamoOrders.",
        f"{_READ_STALE}test_promises_hold_with_stale_reads[ship and deliver-tables]",
    ): {
        "find: a stale order is changed": _EVENTUALLY,
    },
    (
        "users.sessions.repository:DynamoFamilies.",
        f"{_READ_STALE}test_a_session_is_renewed_and_ended_at_once",
    ): {
        "find: a stale session is used": expression(
            "table.get", "lambda key: next(iter(table.get_many([key])), None)"
        ),
    },
    (
        "shared.messaging.outbox:",
        f"{_READ_STALE}test_an_erasure_finds_an_order_that_was_just_shipped",
    ): {
        "_items: a stale history is erased": argument("table.iterate", "consistent", "False"),
    },
}


def _mutants() -> Iterator[Mutant]:
    for (place, tests), bugs in _BUGS.items():
        one = tests.startswith("tests/")
        arguments = (tests,) if one else tuple(f"tests/{file}.py" for file in tests.split())
        for bug, edit in bugs.items():
            function, _, name = bug.rpartition(": ")
            yield Mutant(name, f"{place}{function}", edit, arguments)


MUTANTS: Final = tuple(_mutants())
