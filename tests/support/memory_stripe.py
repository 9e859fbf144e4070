"""A Stripe in memory, as far as the adapter calls it, with faults.

It passes the suite of all providers (tests/orders/payments/test_providers.py), as localstripe does.
"""

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from orders.payments.stripe_transport import LostError, NotSentError

type Answer = tuple[int, dict[str, Any]]
type Response = tuple[str, int, Mapping[str, str]]

_KEYS_ARE_KEPT_SECONDS: Final = 24 * 3600
_SEARCH_LAGS_SECONDS: Final = 60
_LATE_SECONDS: Final = 20
_VERY_LATE_SECONDS: Final = 14 * 60
# As the sandbox: its customers act by then.
_ACTION_SECONDS: Final = 20
_SEARCHED: Final = re.compile(r"metadata\['order_id'\]:'([^']*)'")
_OPEN: Final = ("requires_payment_method", "requires_confirmation")
_APPROVED: Final = ("pm_card_visa", "tok_ok", "tok_timeout")
# Whether the customer's action succeeds, where it follows without a request; None: none follows.
_ACTIONS: Final[Mapping[str, bool | None]] = {
    "pm_card_threeDSecure2Required": None,
    "tok_action": True,
    "tok_action_failed": False,
    "tok_action_abandoned": None,
}
_DECLINED: Final = ("pm_card_visa_chargeDeclined", "tok_declined")
# A confirmation with the first is never sent, the answer to one with the second never comes.
_LISTED: Final = "/v1/payment_intents"
_UNAVAILABLE: Final = "tok_unavailable"
_TIMES_OUT: Final = "tok_timeout"


OPERATIONS: Final = (
    *("", "create", "confirm", "capture", "cancel", "retrieve", "search"),
    *("refund", "list refunds"),
)
"""What the adapter requests; "" stands for all of it."""


class StripeFault(Enum):
    """How a request to Stripe may fail."""

    NOT_SENT = "refused connection"
    LOST = "time-out, not done"
    LOST_DONE = "time-out, done"
    LATE = f"time-out, done {_LATE_SECONDS} s later"
    VERY_LATE = f"time-out, done {_VERY_LATE_SECONDS} s later"
    RATE_LIMITED = "429"
    UNAUTHORIZED = "401"
    IN_USE = "409"
    FAILED = "500, not done"
    FAILED_DONE = "500, done"
    KEPT = "500, not done, kept for the key"
    KEPT_DONE = "500, done, kept for the key"


_ERRORS: Final[Mapping[StripeFault, tuple[int, str, str]]] = {
    StripeFault.RATE_LIMITED: (429, "invalid_request_error", "rate_limit"),
    StripeFault.UNAUTHORIZED: (401, "invalid_request_error", ""),
    StripeFault.IN_USE: (409, "idempotency_error", "idempotency_key_in_use"),
    StripeFault.FAILED: (500, "api_error", ""),
    StripeFault.FAILED_DONE: (500, "api_error", ""),
    StripeFault.KEPT: (500, "api_error", ""),
    StripeFault.KEPT_DONE: (500, "api_error", ""),
}
_DONE: Final = (StripeFault.LOST_DONE, StripeFault.FAILED_DONE, StripeFault.KEPT_DONE)
_KEPT: Final = (StripeFault.KEPT, StripeFault.KEPT_DONE)
_LATENESS: Final = {
    StripeFault.LATE: _LATE_SECONDS,
    StripeFault.VERY_LATE: _VERY_LATE_SECONDS,
}


@dataclass
class Faults:
    """A fault of an operation's next requests, with their number and its end."""

    fault: StripeFault
    requests: float = float("inf")
    until: float = float("inf")
    met: int = 0

    def next(self, now: float) -> StripeFault | None:
        if self.met >= self.requests or now >= self.until:
            return None
        self.met += 1
        return self.fault


@dataclass(frozen=True)
class Request:
    """A request, as the adapter's transport sends it."""

    operation: str
    path: str
    form: Mapping[str, str]
    key: str | None

    @classmethod
    def read(cls, method: str, url: str, headers: Mapping[str, str], body: str | None) -> "Request":
        parts = urlsplit(url)
        text = body if method == "post" else parts.query
        form = dict(parse_qsl(text or "", keep_blank_values=True))
        key = headers.get("Idempotency-Key")
        return cls(_operation(method, parts.path), parts.path, form, key)


def _operation(method: str, path: str) -> str:
    noun, *rest = path.strip("/").split("/")[1:]
    if noun == "refunds":
        return "refund" if method == "post" else "list refunds"
    if rest == ["search"]:
        return "search"
    if method == "get":
        return "retrieve" if rest else "list"
    return rest[1] if rest else "create"


@dataclass
class _State:
    intents: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    # By its key: when a request was executed first, its form, and its answer.
    keys: dict[str, tuple[float, Mapping[str, str], Answer]] = field(default_factory=dict)
    late: list[tuple[float, Request]] = field(default_factory=list)
    # What happened to an intent, in order.
    entries: dict[str, list[str]] = field(default_factory=dict)


class MemoryStripe:
    """One account at Stripe.

    Attributes:
        faults: those of requests, by operation; "" for all operations.
        refund_status: of new refunds.

    Args:
        now: seconds since 1970.
        wait: lets the time-out of a request pass.
        search_lags: for how many seconds a search does not find a new intent.
    """

    def __init__(
        self,
        now: Callable[[], float],
        wait: Callable[[], None] = lambda: None,
        search_lags: float = _SEARCH_LAGS_SECONDS,
    ) -> None:
        self._search_lags = search_lags
        self.faults: dict[str, Faults] = {}
        self.refund_status = "succeeded"
        self._now = now
        self._wait = wait
        self._state = _State()

    def snapshot(self) -> Callable[[], None]:
        """A function that restores the present state of the account."""
        state = copy.deepcopy(self._state)

        def restore() -> None:
            self._state = copy.deepcopy(state)
            self.faults.clear()

        return restore

    def answer(self, request: Request, fault: StripeFault | None = None) -> Response:
        """The response to a request, which meets a fault.

        Raises:
            NotSentError, LostError: the client gets no response.
        """
        self.catch_up()
        fault = fault or self._fault_of(request)
        token = request.form.get("payment_method")
        if fault is StripeFault.NOT_SENT or token == _UNAVAILABLE:
            raise NotSentError
        if fault is None:
            body, status, headers = self._executed(request)
            if token == _TIMES_OUT:
                self._wait()
                raise LostError
            return body, status, headers
        return self._with_fault(request, fault)

    def _fault_of(self, request: Request) -> StripeFault | None:
        faults = self.faults.get(request.operation) or self.faults.get("")
        # What is not executed again has no new error.
        if faults is None or (faults.fault in _KEPT and self._known(request)):
            return None
        return faults.next(self._now())

    def _with_fault(self, request: Request, fault: StripeFault) -> Response:
        if fault in _DONE:
            self._executed(request)
        if fault in _LATENESS:
            self._state.late.append((self._now() + _LATENESS[fault], request))
        if fault not in _ERRORS:
            self._wait()
            raise LostError
        status, type_, code = _ERRORS[fault]
        answer = _error(status, type_, code=code)
        if fault in _KEPT and request.key:
            self._state.keys[request.key] = self._now(), request.form, answer
        return _response(answer)

    def _known(self, request: Request) -> Answer | None:
        if not request.key or request.key not in self._state.keys:
            return None
        at, form, answer = self._state.keys[request.key]
        if self._now() - at >= _KEYS_ARE_KEPT_SECONDS:
            return None
        return answer if form == request.form else _error(400, "idempotency_error")

    def _executed(self, request: Request) -> Response:
        if known := self._known(request):
            return _response(known, is_replayed=True)
        # As it is now: the intent changes.
        answer = copy.deepcopy(self._do(request))
        if request.key:
            self._state.keys[request.key] = self._now(), request.form, answer
        return _response(answer)

    def catch_up(self) -> None:
        """Execute what is late, and have customers act."""
        now, state = self._now(), self._state
        due = [request for at, request in state.late if at <= now]
        state.late = [(at, request) for at, request in state.late if at > now]
        for request in due:
            self._executed(request)
        for id_, intent in state.intents.items():
            acts = intent["_acts"]
            if intent["status"] == "requires_action" and acts and acts[0] <= now:
                self.authenticate(id_, success=acts[1])

    def authenticate(self, id_: str, *, success: bool) -> None:
        """The customer does what the intent asks for."""
        intent = self._state.intents[id_]
        if intent["status"] == "requires_action":
            self._decide(intent, is_approved=success)

    def _decide(self, intent: dict[str, Any], *, is_approved: bool) -> None:
        intent["status"] = "requires_capture" if is_approved else "requires_payment_method"
        if not is_approved:
            intent["last_payment_error"] = {"type": "card_error", "code": "card_declined"}
        self._enter(intent, "authorized" if is_approved else "declined")

    def _enter(self, intent: Mapping[str, Any], entry: str) -> None:
        self._state.entries[intent["id"]].append(entry)

    def _do(self, request: Request) -> Answer:
        whole = {
            "create": self._create,
            "search": self._search,
            "list": self._list,
            "refund": self._refund,
            "list refunds": self._listed,
        }
        if request.operation in whole:
            return whole[request.operation](request.form)
        intent = self._state.intents.get(request.path.strip("/").split("/")[2])
        if intent is None:
            return _error(404, code="resource_missing")
        return {
            "retrieve": self._retrieve,
            "confirm": self._confirm,
            "capture": self._capture,
            "cancel": self._cancel,
        }[request.operation](intent, request.form)

    def _create(self, form: Mapping[str, str]) -> Answer:
        id_ = f"pi_{len(self._state.intents)}"
        self._state.intents[id_] = {
            "id": id_,
            "object": "payment_intent",
            "amount": int(form["amount"]),
            "status": "requires_payment_method",
            "metadata": {"order_id": form["metadata[order_id]"]},
            "cancellation_reason": None,
            "client_secret": f"{id_}_secret",
            "last_payment_error": None,
            "_created": self._now(),
            "_acts": None,
        }
        self._state.entries[id_] = []
        return self._view(self._state.intents[id_])

    def _view(self, intent: Mapping[str, Any]) -> Answer:
        shown = {name: value for name, value in intent.items() if not name.startswith("_")}
        captured = intent["amount"] if intent["status"] == "succeeded" else 0
        refunded = self._refunded(intent["id"])
        charge = {
            "id": f"ch_{intent['id']}",
            "object": "charge",
            "amount_captured": captured,
            "amount_refunded": refunded,
            "refunded": captured > 0 and captured == refunded,
        }
        is_charged = intent["status"] in ("requires_capture", "succeeded")
        return 200, {**shown, "latest_charge": charge if is_charged else None}

    def _refunded(self, id_: str) -> int:
        return sum(one["amount"] for one in self._state.refunds if one["payment_intent"] == id_)

    def _search(self, form: Mapping[str, str]) -> Answer:
        query = _SEARCHED.fullmatch(form["query"])
        assert query, form
        found = [
            self._view(intent)[1]
            for intent in self._state.intents.values()
            if intent["metadata"]["order_id"] == query[1]
            and self._now() - intent["_created"] >= self._search_lags
        ]
        return 200, {"object": "search_result", "data": found, "has_more": False}

    def _list(self, form: Mapping[str, str]) -> Answer:
        begin, end = float(form["created[gte]"]), float(form["created[lt]"])
        found = [
            self._view(intent)[1]
            for intent in self._state.intents.values()
            if begin <= intent["_created"] < end
        ]
        return 200, {"object": "list", "url": _LISTED, "data": found, "has_more": False}

    def _retrieve(self, intent: dict[str, Any], _: Mapping[str, str]) -> Answer:
        return self._view(intent)

    def _confirm(self, intent: dict[str, Any], form: Mapping[str, str]) -> Answer:
        token = form["payment_method"]
        if intent["status"] not in _OPEN:
            return _unexpected()
        if token in _ACTIONS:
            intent["status"] = "requires_action"
            if (success := _ACTIONS[token]) is not None:
                intent["_acts"] = self._now() + _ACTION_SECONDS, success
            self._enter(intent, "action_required")
        elif token in _APPROVED:
            self._decide(intent, is_approved=True)
        elif token in _DECLINED:
            self._decide(intent, is_approved=False)
            return _error(402, "card_error", code="card_declined")
        else:
            return _error(400, code="resource_missing", param="payment_method")
        return self._view(intent)

    def _capture(self, intent: dict[str, Any], _: Mapping[str, str]) -> Answer:
        if intent["status"] != "requires_capture":
            return _unexpected()
        intent["status"] = "succeeded"
        self._enter(intent, "captured")
        return self._view(intent)

    def _cancel(self, intent: dict[str, Any], form: Mapping[str, str]) -> Answer:
        reason = form["cancellation_reason"]
        if intent["status"] in ("succeeded", "canceled"):
            return _unexpected()
        intent["status"], intent["cancellation_reason"] = "canceled", reason
        if reason != "abandoned":
            self._enter(intent, "voided")
        elif not self._state.entries[intent["id"]]:
            self._enter(intent, "declined")
        return self._view(intent)

    def _refund(self, form: Mapping[str, str]) -> Answer:
        intent, amount = self._state.intents[form["payment_intent"]], int(form["amount"])
        if intent["status"] != "succeeded":
            return _unexpected()
        left = intent["amount"] - self._refunded(intent["id"])
        if not left:
            return _error(400, code="charge_already_refunded")
        if amount > left:
            return _error(400, param="amount")
        refund = {
            "id": f"re_{len(self._state.refunds)}",
            "object": "refund",
            "amount": amount,
            "status": self.refund_status,
            "payment_intent": intent["id"],
            "metadata": {
                "order_id": form["metadata[order_id]"],
                "refund_key": form["metadata[refund_key]"],
            },
        }
        self._state.refunds.append(refund)
        self._enter(intent, "refunded")
        return 200, refund

    def _listed(self, form: Mapping[str, str]) -> Answer:
        id_ = form["payment_intent"]
        found = [one for one in self._state.refunds if one["payment_intent"] == id_]
        return 200, {"object": "list", "url": "/v1/refunds", "has_more": False, "data": found}

    def payments(self) -> dict[str, dict[str, Any]]:
        """The payments by their orders, as the sandbox's ledger has them. What was done by two
        intents of an order was done twice."""
        self.catch_up()
        found: dict[str, dict[str, Any]] = {}
        for order_id, state, intent in self._tried():
            payment = found.setdefault(
                order_id, {"amount_minor": intent["amount"], "entries": [], "refunds": {}}
            )
            payment["state"] = state
            payment["entries"] += self._state.entries[intent["id"]]
            for refund in self._state.refunds:
                if refund["payment_intent"] == intent["id"]:
                    payment["refunds"][refund["metadata"]["refund_key"]] = refund["amount"]
        return found

    def _tried(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """The intents with an attempt to pay or closed: their orders and their states."""
        for intent in self._state.intents.values():
            entries = self._state.entries[intent["id"]]
            if intent["cancellation_reason"] == "duplicate" or not entries:
                continue
            # A refund in part leaves it captured.
            is_left = intent["amount"] > self._refunded(intent["id"])
            state = "captured" if entries[-1] == "refunded" and is_left else entries[-1]
            yield intent["metadata"]["order_id"], state, intent


def _error(status: int, type_: str = "invalid_request_error", **fields: str) -> Answer:
    return status, {"error": {"type": type_, "message": "as documented", **fields}}


def _unexpected() -> Answer:
    return _error(400, code="payment_intent_unexpected_state")


def _response(answer: Answer, *, is_replayed: bool = False) -> Response:
    status, body = answer
    return json.dumps(body), status, {"Idempotent-Replayed": "true"} if is_replayed else {}
