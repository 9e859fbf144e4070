"""What localstripe lacks of Stripe, added before it as Stripe documents it: `python -m
tools.local.stripe_proxy PORT LOCALSTRIPES_PORT`.

- `Idempotency-Key`: the first response is repeated, also an error; another request with the same
  key is refused with 400, a concurrent one with 409.
- Test payment methods, given with the confirmation: declined cards and 3-D Secure.
  `POST /v1/payment_intents/{id}/_authenticate` with `client_secret` and `success` authenticates
  as the customer, as localstripe has it.
- The search by an order's id in the metadata, which here sees every intent at once, and the list by
  time.
- The webhook about a customer who has authenticated, or failed to: localstripe sends none before
  the capture.
- Error codes, the reason of a cancellation, the smallest amount, refunds up to what was captured,
  and charges as ids unless they are expanded.
"""

import asyncio
import hmac
import json
import re
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tools.local.places import HOST

# Stripe's names of its test cards, and localstripe's numbers of cards that do the same.
_DECLINED: Final = "4000000000000341"
_AUTHENTICATED: Final = "4000002760003184"
CARDS: Final = {
    "pm_card_visa": "4242424242424242",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_visa_chargeDeclined": _DECLINED,
    "pm_card_visa_chargeDeclinedInsufficientFunds": _DECLINED,
    "pm_card_visa_chargeDeclinedLostCard": _DECLINED,
    "pm_card_threeDSecure2Required": _AUTHENTICATED,
    "pm_card_authenticationRequired": _AUTHENTICATED,
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": "4000008260003178",
}
SMALLEST: Final = 50
_ORDER_ID: Final = "metadata[order_id]"
_SEARCHED: Final = re.compile(r"metadata\['order_id'\]:'([^']*)'")
_INTENT: Final = re.compile(r"/v1/payment_intents/(pi_\w+)(?:/(\w+))?")
_WEBHOOK: Final = re.compile(r"/_config/webhooks/(\w+)")
_NOT_KEPT: Final = (401, 409, 429)
# What Stripe reports of an intent, by its state after the customer has acted.
_REPORTS: Final = {
    "requires_capture": "payment_intent.amount_capturable_updated",
    "requires_payment_method": "payment_intent.payment_failed",
}

type Form = dict[str, str]


@dataclass(frozen=True)
class Answer:
    """A response of Stripe."""

    status: int
    body: dict[str, Any]

    @property
    def is_error(self) -> bool:
        return self.status >= 400


@dataclass
class Kept:
    """What is known of an idempotency key; no answer while its first request is executed."""

    request: tuple[str, Form]
    answer: Answer | None = None


@dataclass
class Proxy:
    """Requests to localstripe, and what Stripe would know besides."""

    localstripe: httpx.AsyncClient
    keys: dict[str, Kept] = field(default_factory=dict)
    by_order: dict[str, list[str]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    locks: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    webhooks: dict[str, dict[str, str]] = field(default_factory=dict)
    reporting: set[asyncio.Task[None]] = field(default_factory=set)

    async def handle(self, request: Request) -> Response:
        path, key = request.url.path, request.headers.get("idempotency-key")
        if not path.startswith("/v1/"):
            return await self._forward(request)
        text = (await request.body()).decode() if request.method == "POST" else request.url.query
        form = dict(parse_qsl(text, keep_blank_values=True))
        headers = {k: v for k, v in request.headers.items() if k == "authorization"}
        call = Call(self, request.method, path, form, headers)
        if request.method != "POST" or key is None:
            return _response(await call.answer())
        return await self._once(key, (path, form), call.answer)

    async def _once(
        self, key: str, request: tuple[str, Form], execute: Callable[[], Awaitable[Answer]]
    ) -> Response:
        kept = self.keys.get(key)
        if kept is None:
            kept = self.keys[key] = Kept(request)
            try:
                answer = await execute()
            except BaseException:
                del self.keys[key]
                raise
            if answer.status in _NOT_KEPT:
                del self.keys[key]
            kept.answer = answer
            return _response(answer)
        if kept.request != request:
            message = "Keys for idempotent requests can only be used with the same parameters."
            return _response(_error(400, message, type="idempotency_error"))
        if kept.answer is None:
            message = "There is another request in progress with this Idempotency-Key."
            code = "idempotency_key_in_use"
            return _response(_error(409, message, type="idempotency_error", code=code))
        return _response(kept.answer, **{"Idempotent-Replayed": "true"})

    async def _forward(self, request: Request) -> Response:
        """localstripe's own routes, such as the registration of webhooks."""
        headers = {"content-type": request.headers.get("content-type", "application/json")}
        answer = await self.localstripe.request(
            request.method, request.url.path, content=await request.body(), headers=headers
        )
        if answer.is_success and (webhook := _WEBHOOK.fullmatch(request.url.path)):
            self.webhooks[webhook[1]] = await request.json()
        return Response(answer.content, answer.status_code)

    def report(self, intent: dict[str, Any]) -> None:
        """Send webhooks the state of an intent whose customer has acted, as localstripe does."""
        if type_ := _REPORTS.get(intent["status"]):
            event = {"id": f"evt_{uuid.uuid4().hex}", "object": "event", "type": type_}
            body = json.dumps({**event, "data": {"object": intent}}).encode()
            for webhook in self.webhooks.values():
                task = asyncio.create_task(_send_report(body, **webhook))
                self.reporting.add(task)
                task.add_done_callback(self.reporting.discard)


@dataclass(frozen=True)
class Call:
    """A request as Stripe takes it, executed by requests to localstripe."""

    proxy: Proxy
    method: str
    path: str
    form: Form
    headers: dict[str, str]

    async def answer(self) -> Answer:
        answer = await self._execute()
        if "latest_charge" not in self.form.values() and "latest_charge" in answer.body:
            charge = answer.body["latest_charge"]
            answer.body["latest_charge"] = charge and charge["id"]
        return answer

    async def _execute(self) -> Answer:
        own = {
            ("POST", "/v1/payment_intents"): self._create,
            ("GET", "/v1/payment_intents"): self._list,
            ("GET", "/v1/payment_intents/search"): self._search,
            ("POST", "/v1/refunds"): self._refund,
            ("GET", "/v1/refunds"): self._refunds,
        }
        if execute := own.get((self.method, self.path)):
            return await execute()
        if self.method == "POST" and (intent := _INTENT.fullmatch(self.path)):
            # Stripe executes one operation on an intent at a time.
            async with self.proxy.locks[intent[1]]:
                return await self._change(*intent.groups())
        return await self._send(self.method, self.path, self.form)

    async def _change(self, id_: str, operation: str | None) -> Answer:
        match operation:
            case "confirm":
                return await self._confirm(id_)
            case "cancel":
                return await self._cancel(id_)
            case "capture":
                return await self._capture(id_)
            case "_authenticate":
                return await self._authenticate()
            case _:
                return await self._send(self.method, self.path, self.form)

    async def _send(self, method: str, path: str, form: Form) -> Answer:
        """The answer of localstripe, with Stripe's error codes and an intent's further fields."""
        text = urlencode(form)
        sent = await self.proxy.localstripe.request(
            method,
            path,
            content=text if method == "POST" else None,
            params=text if method == "GET" else None,
            headers={**self.headers, "content-type": "application/x-www-form-urlencoded"},
        )
        try:
            body: dict[str, Any] = sent.json()
        except ValueError:
            return _error(500, "localstripe has failed", type="api_error")
        error = body.get("error")
        if sent.status_code == 404 and error is not None:
            error["code"] = "resource_missing"
        if sent.status_code == 402 and error is not None:
            intent = await self._send("GET", path.rpartition("/")[0], {})
            error |= {"type": "card_error", "decline_code": "generic_decline"}
            error["payment_intent"] = intent.body
        if body.get("object") == "payment_intent":
            body["cancellation_reason"] = self.proxy.reasons.get(body["id"])
        return Answer(sent.status_code, body)

    async def _create(self) -> Answer:
        if int(self.form.get("amount", SMALLEST)) < SMALLEST:
            return _error(400, "Amount is too small.", code="amount_too_small", param="amount")
        if any(name.startswith("payment_method_types") for name in self.form):
            code = "payment_method_types_no_longer_supported"
            return _error(400, "Use allowed_payment_method_types.", code=code)
        # localstripe has cards only.
        form = {k: v for k, v in self.form.items() if not k.startswith("allowed_payment_method")}
        answer = await self._send("POST", self.path, form)
        if not answer.is_error and _ORDER_ID in self.form:
            of_order = self.proxy.by_order.setdefault(self.form[_ORDER_ID], [])
            of_order.insert(0, answer.body["id"])
        return answer

    async def _search(self) -> Answer:
        query = _SEARCHED.fullmatch(self.form.get("query", ""))
        if query is None:
            return _error(400, "This proxy searches by an order's id only.", param="query")
        ids = self.proxy.by_order.get(query[1], [])
        found = [await self._intent(id_) for id_ in ids]
        body = {"object": "search_result", "url": self.path, "has_more": False, "next_page": None}
        return Answer(200, {**body, "data": [intent.body for intent in found]})

    async def _list(self) -> Answer:
        """All intents of some time on one page, with their charges."""
        begin, end = (int(self.form[f"created[{bound}]"]) for bound in ("gte", "lt"))
        ids = [id_ for of_order in self.proxy.by_order.values() for id_ in of_order]
        found = [(await self._intent(id_)).body for id_ in ids]
        data = [intent for intent in found if begin <= intent["created"] < end]
        return Answer(200, {"object": "list", "url": self.path, "has_more": False, "data": data})

    async def _intent(self, id_: str) -> Answer:
        return await self._send("GET", f"/v1/payment_intents/{id_}", {})

    async def _in_state(self, id_: str, *states: str) -> Answer:
        """The intent, or an error if it is in another state."""
        intent = await self._intent(id_)
        if intent.is_error or intent.body["status"] in states:
            return intent
        message = f"This PaymentIntent could not be changed: its status is {intent.body['status']}."
        code = "payment_intent_unexpected_state"
        return _error(400, message, code=code, payment_intent=intent.body)

    async def _confirm(self, id_: str) -> Answer:
        intent = await self._in_state(id_, "requires_payment_method", "requires_confirmation")
        if intent.is_error:
            return intent
        name = self.form.get("payment_method", "")
        if name in CARDS:
            card = {"number": CARDS[name], "exp_month": "12", "exp_year": "2040", "cvc": "123"}
            form = {"type": "card", **{f"card[{k}]": v for k, v in card.items()}}
            method = await self._send("POST", "/v1/payment_methods", form)
        else:
            method = await self._send("GET", f"/v1/payment_methods/{name}", {})
        if method.is_error:
            message = f"No such PaymentMethod: '{name}'"
            return _error(400, message, code="resource_missing", param="payment_method")
        intent_path = f"/v1/payment_intents/{id_}"
        await self._send("POST", intent_path, {"payment_method": method.body["id"]})
        return await self._send("POST", self.path, {})

    async def _cancel(self, id_: str) -> Answer:
        states = ("payment_method", "confirmation", "action", "capture")
        intent = await self._in_state(id_, *(f"requires_{state}" for state in states))
        if intent.is_error:
            return intent
        self.proxy.reasons[id_] = self.form.get("cancellation_reason", "")
        return await self._send("POST", self.path, {})

    async def _capture(self, id_: str) -> Answer:
        intent = await self._in_state(id_, "requires_capture")
        return intent if intent.is_error else await self._send("POST", self.path, {})

    async def _authenticate(self) -> Answer:
        answer = await self._send("POST", self.path, self.form)
        # If the card is declined then, localstripe sends the webhooks an event.
        if not answer.is_error:
            self.proxy.report(answer.body)
        return answer

    async def _refund(self) -> Answer:
        id_ = self.form.get("payment_intent", "")
        async with self.proxy.locks[id_]:
            return await self._refund_locked(id_)

    async def _refund_locked(self, id_: str) -> Answer:
        intent = await self._in_state(id_, "succeeded")
        if intent.is_error:
            return intent
        charge = intent.body["latest_charge"]
        left = charge["amount"] - charge["amount_refunded"]
        if left == 0:
            return _error(400, "Charge has been refunded.", code="charge_already_refunded")
        if int(self.form.get("amount", left)) > left:
            return _error(400, f"Refund amount is greater than {left}.", param="amount")
        return await self._send("POST", self.path, self.form)

    async def _refunds(self) -> Answer:
        intent = await self._intent(self.form.get("payment_intent", ""))
        if intent.is_error or intent.body["latest_charge"]:
            return await self._send("GET", self.path, self.form)
        return Answer(200, {"object": "list", "url": self.path, "has_more": False, "data": []})


async def _send_report(body: bytes, *, url: str, secret: str, **_: Any) -> None:
    at = f"{time.time():.0f}"
    signed = hmac.digest(secret.encode(), f"{at}.".encode() + body, "sha256").hex()
    headers = {"content-type": "application/json", "stripe-signature": f"t={at},v1={signed}"}
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        # Stripe sends it again if it fails; here the order ends without it.
        with suppress(httpx.HTTPError):
            await client.post(url, content=body, headers=headers)


def _error(status: int, message: str, **fields: Any) -> Answer:
    error = {"type": "invalid_request_error", "message": message, **fields}
    return Answer(status, {"error": error})


def _response(answer: Answer, **headers: str) -> Response:
    headers["Request-Id"] = f"req_{time.monotonic_ns()}"
    return JSONResponse(answer.body, answer.status, headers)


def app(localstripe: str) -> Starlette:
    """The proxy before the localstripe at this address."""
    proxy = Proxy(httpx.AsyncClient(base_url=localstripe, timeout=30, trust_env=False))
    methods = ["GET", "POST", "DELETE"]
    return Starlette(routes=[Route("/{path:path}", proxy.handle, methods=methods)])


if __name__ == "__main__":
    own_port, localstripes_port = map(int, sys.argv[1:])
    served = app(f"http://{HOST}:{localstripes_port}")
    uvicorn.run(served, host=HOST, port=own_port, log_level="warning", timeout_keep_alive=75)
