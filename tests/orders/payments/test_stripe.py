"""What Stripe's adapter makes of Stripe's answers. Those that localstripe cannot give are as Stripe
documents them."""

import json
import re
import socket
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, cast
from urllib.parse import urlsplit

import httpx
import pytest
import stripe

from orders.payments.ports import (
    Charge,
    Payment,
    PaymentOutcomeUnknown,
    PaymentUnavailable,
    RefundRefused,
)
from orders.payments.stripe import StripePayments
from orders.payments.stripe_signature import is_signed
from orders.payments.stripe_transport import Answer, Headers, LostError, NotSentError, Transport
from shared.runtime import clock
from shared.runtime.secrets import Secrets
from tests.orders.payments.stripe_requests import (
    CheckedTransport,
    MemoryTransport,
    adapter,
    authenticate,
    check,
    secrets,
)
from tests.support.client import eventually
from tests.support.memory_stripe import Faults, MemoryStripe, StripeFault

CHARGE: Final = Charge("order", 1999, "EUR", "pm_card_visa", "pi_1")
NEW: Final = replace(CHARGE, payment_id=None)

type Scripted = tuple[int, Any] | Exception


class ScriptedTransport(stripe.HTTPClient):
    """Gives these answers, in this order, to requests that Stripe describes."""

    name = "scripted"

    def __init__(self, *answers: Scripted) -> None:
        super().__init__()
        self._answers = list(answers)
        self.keys: list[str] = []

    def request(
        self, method: str, url: str, headers: Headers | None, post_data: Any = None, **_: Any
    ) -> Answer:
        assert headers is not None
        check(method, url, headers, post_data)
        self.keys.append(headers["Authorization"])
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        return body if isinstance(body, str) else json.dumps(body), status, {}


def scripted(*answers: Scripted) -> StripePayments:
    return StripePayments(secrets(), ScriptedTransport(*answers))


def error(type_: str = "invalid_request_error", **fields: str) -> dict[str, Any]:
    return {"error": {"type": type_, "message": "as documented", **fields}}


def intent(status: str, **fields: Any) -> dict[str, Any]:
    default = {"id": "pi_1", "object": "payment_intent", "cancellation_reason": None}
    return {**default, "status": status, "last_payment_error": None, **fields}


# --- errors ---


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (NotSentError(), PaymentUnavailable),
        ((429, error(code="rate_limit")), PaymentUnavailable),
        ((429, error(code="lock_timeout")), PaymentUnavailable),
        ((401, error()), PaymentUnavailable),
        ((403, error()), PaymentUnavailable),
        ((400, error(code="parameter_unknown")), PaymentUnavailable),
        (LostError(), PaymentOutcomeUnknown),
        ((409, error("idempotency_error", code="idempotency_key_in_use")), PaymentOutcomeUnknown),
        ((400, error("idempotency_error")), PaymentOutcomeUnknown),
        ((500, error("api_error")), PaymentOutcomeUnknown),
        ((502, "<html>Bad Gateway</html>"), PaymentOutcomeUnknown),
        ((503, error("api_error")), PaymentOutcomeUnknown),
    ],
)
def test_error_says_whether_something_may_have_happened(
    answer: Scripted, outcome: type[Exception]
) -> None:
    for operation in ("authorize", "void"):
        with pytest.raises(outcome):
            getattr(scripted(answer), operation)(NEW)
    with pytest.raises(outcome):
        scripted(answer).find(CHARGE)


@pytest.mark.parametrize(("status", "level"), [(401, "ERROR"), (403, "ERROR"), (429, "WARNING")])
def test_log_has_an_error_for_a_wrong_key_and_no_secret(
    status: int, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(PaymentUnavailable):
        scripted((status, error(message="No such pm_card_visa for sk_test"))).authorize(NEW)
    [record] = caplog.records
    said = vars(record)
    assert (said["levelname"], said["status"]) == (level, status)
    assert not re.search("pm_card|sk_", str(said))


@pytest.mark.parametrize("answer", [(500, error("api_error")), (409, error("idempotency_error"))])
def test_confirmation_without_an_answer_is_unknown(answer: Scripted) -> None:
    payments = scripted((200, intent("requires_payment_method")), answer)
    with pytest.raises(PaymentOutcomeUnknown):
        payments.authorize(NEW)


def test_payment_that_stripe_is_executing_is_unknown() -> None:
    with pytest.raises(PaymentOutcomeUnknown):
        scripted((200, intent("processing"))).find(CHARGE)


@pytest.mark.parametrize(
    "code", ["amount_too_small", "amount_too_large", "parameter_invalid_integer"]
)
def test_amount_that_stripe_does_not_take_is_declined(code: str) -> None:
    for operation in ("authorize", "void"):
        payments = scripted((400, error(code=code, param="amount")))
        assert getattr(payments, operation)(NEW).state == "declined"


def test_currency_that_stripe_counts_in_other_units_is_declined_without_a_request() -> None:
    assert scripted().authorize(replace(NEW, currency="JPY")).state == "declined"


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        ("automatic", "expired"),
        ("expired", "expired"),
        ("requested_by_customer", "voided"),
        ("abandoned", "declined"),
    ],
)
def test_reason_of_a_cancellation_decides_the_state(reason: str, state: str) -> None:
    payments = scripted((200, intent("canceled", cancellation_reason=reason)))
    assert payments.find(CHARGE) == Payment("order", "pi_1", state)  # type: ignore[arg-type]


def test_capture_of_an_expired_authorisation_is_expired() -> None:
    by_code = scripted((400, error(code="charge_expired_for_capture")))
    assert by_code.capture(CHARGE).state == "expired"
    ended = intent("canceled", cancellation_reason="automatic")
    by_state = scripted((400, error(code="payment_intent_unexpected_state")), (200, ended))
    assert by_state.capture(CHARGE).state == "expired"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pending", "pending"),
        ("requires_action", "pending"),
        ("succeeded", "succeeded"),
        ("failed", "failed"),
        ("canceled", "failed"),
    ],
)
def test_refund_has_the_state_that_stripe_gives_it(status: str, state: str) -> None:
    paid = intent("succeeded", latest_charge={"object": "charge", "refunded": False})
    refund = {"object": "refund", "id": "re_1", "status": status, "metadata": {"refund_key": "r"}}
    none = {"object": "list", "url": "/v1/refunds", "has_more": False, "data": []}
    payments = scripted((200, paid), (200, none), (200, refund))
    assert payments.refund(CHARGE, key="r", amount_minor=1) == state
    found = scripted((200, paid), (200, {**none, "data": [refund]}))
    assert found.refund(CHARGE, key="r", amount_minor=1) == state


@pytest.mark.parametrize(
    "code", ["charge_disputed", "refund_disputed_payment", "charge_not_refundable"]
)
def test_refund_of_a_disputed_payment_is_refused(code: str) -> None:
    paid = intent("succeeded", latest_charge={"object": "charge", "refunded": False})
    none = {"object": "list", "url": "/v1/refunds", "has_more": False, "data": []}
    payments = scripted((200, paid), (200, none), (400, error(code=code)), (200, none))
    with pytest.raises(RefundRefused):
        payments.refund(CHARGE, key="r", amount_minor=1)


def test_refund_is_found_on_a_later_page() -> None:
    paid = intent("succeeded", latest_charge={"object": "charge", "refunded": False})

    def page(key: str, *, more: bool) -> dict[str, Any]:
        refund = {
            "object": "refund",
            "id": f"re_{key}",
            "status": "succeeded",
            "metadata": {"refund_key": key},
        }
        return {"object": "list", "url": "/v1/refunds", "has_more": more, "data": [refund]}

    pages = (200, page("r1", more=True)), (200, page("r2", more=False))
    assert scripted((200, paid), *pages).find_refund(CHARGE, key="r2") == "succeeded"


@pytest.mark.parametrize("status", ["a_later_one", None])
def test_refund_in_an_unknown_status_is_pending(status: str | None) -> None:
    refund = {"object": "refund", "id": "re_1", "status": status, "metadata": {"refund_key": "r"}}
    listed = {"object": "list", "url": "/v1/refunds", "has_more": False, "data": [refund]}
    payments = scripted((200, intent("canceled")), (200, listed))
    assert payments.find_refund(CHARGE, key="r") == "pending"


# --- errors that Stripe keeps for a key ---


class Account:
    """A Stripe in memory, of which a request is answered with an error that Stripe keeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.stripe = MemoryStripe(lambda: self.now, search_lags=0)
        self.payments = StripePayments(secrets(), MemoryTransport(self.stripe))

    def fail(self, operation: str, fault: StripeFault, requests: int = 1) -> None:
        self.stripe.faults = {operation: Faults(fault, requests)}

    @property
    def payment(self) -> dict[str, Any]:
        return self.stripe.payments()["order"]


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.mark.parametrize("fault", [StripeFault.KEPT, StripeFault.KEPT_DONE])
@pytest.mark.parametrize("operation", ["create", "confirm"])
@pytest.mark.parametrize("requests", [1, 3])
def test_authorisation_goes_on_after_errors_that_stripe_keeps(
    account: Account, operation: str, fault: StripeFault, requests: int
) -> None:
    account.fail(operation, fault, requests)
    is_done = (operation, fault) == ("confirm", StripeFault.KEPT_DONE)
    for _ in range(1 if is_done else requests):
        with pytest.raises(PaymentOutcomeUnknown):
            account.payments.authorize(NEW)
    first = account.payments.authorize(NEW)
    assert account.payments.authorize(NEW) == first
    assert first.state == "authorized"
    assert account.payment["entries"] == ["authorized"]
    assert account.payments.void(NEW).state == "voided"
    assert account.payment["entries"] == ["authorized", "voided"]


def test_void_closes_the_payment_after_an_error_that_stripe_keeps(account: Account) -> None:
    account.fail("create", StripeFault.KEPT)
    with pytest.raises(PaymentOutcomeUnknown):
        account.payments.void(NEW)
    assert account.payments.void(NEW).state == "voided"
    assert account.payments.authorize(NEW).state == "voided"


@pytest.mark.parametrize("fault", [StripeFault.KEPT, StripeFault.KEPT_DONE])
def test_refund_of_all_is_made_once_after_an_error_that_stripe_keeps(
    account: Account, fault: StripeFault
) -> None:
    account.payments.authorize(NEW)
    account.payments.capture(NEW)
    account.fail("refund", fault)
    with pytest.raises(PaymentOutcomeUnknown):
        account.payments.refund(NEW, key="r", amount_minor=1999)
    for _ in range(2):
        assert account.payments.refund(NEW, key="r", amount_minor=1999) == "succeeded"
    assert account.payment["entries"] == ["authorized", "captured", "refunded"]


def test_refund_of_a_part_waits_until_stripe_has_forgotten_its_error(account: Account) -> None:
    """Stripe may make it later, when it repairs what the error left undone."""
    account.payments.authorize(NEW)
    account.payments.capture(NEW)
    account.fail("refund", StripeFault.KEPT)
    for _ in range(3):
        with pytest.raises(PaymentOutcomeUnknown):
            account.payments.refund(NEW, key="r", amount_minor=999)
    account.now += 25 * 3600
    for _ in range(2):
        assert account.payments.refund(NEW, key="r", amount_minor=999) == "succeeded"
    assert account.payment["entries"] == ["authorized", "captured", "refunded"]


def test_refund_that_stripe_makes_later_is_not_refused() -> None:
    paid = intent("succeeded", latest_charge={"object": "charge", "refunded": False})
    refund = {
        "object": "refund",
        "id": "re_1",
        "status": "succeeded",
        "metadata": {"refund_key": "r"},
    }
    none = {"object": "list", "url": "/v1/refunds", "has_more": False, "data": []}
    repaired = (400, error(code="charge_already_refunded")), (200, {**none, "data": [refund]})
    payments = scripted((200, paid), (200, none), *repaired)
    assert payments.refund(CHARGE, key="r", amount_minor=1999) == "succeeded"


def test_operation_ends_when_stripe_keeps_an_error_for_every_key() -> None:
    at = iter(range(0, 1000, 3))
    sent: list[str] = []

    class Failing(ScriptedTransport):
        def request(
            self, method: str, url: str, headers: Headers | None, post_data: Any = None, **_: Any
        ) -> Answer:
            assert headers is not None
            sent.append(headers["Idempotency-Key"])
            return json.dumps(error("api_error")), 500, {"Idempotent-Replayed": "true"}

    payments = StripePayments(secrets(), Failing(), lambda: next(at))
    with pytest.raises(PaymentOutcomeUnknown):
        payments.authorize(NEW)
    assert sent == ["order", "order:2", "order:3", "order:4"]


# --- the key ---


def test_new_key_is_used_without_a_deployment() -> None:
    class Rotated(Secrets):
        def __init__(self) -> None:
            self.keys = ["sk_test_1", "sk_test_2"]

        def read(self) -> Mapping[str, Any]:
            return {"api_key": self.keys.pop(0)}

    transport = ScriptedTransport(*[(200, intent("requires_capture"))] * 2)
    payments = StripePayments(Rotated(), transport)
    for _ in range(2):
        payments.find(CHARGE)
    assert transport.keys == ["Bearer sk_test_1", "Bearer sk_test_2"]


@pytest.mark.parametrize("secret", [{}, ["sk_test_in_a_list"]])
def test_payments_are_unavailable_without_a_key(secret: Any) -> None:
    class Missing(Secrets):
        def __init__(self) -> None:
            pass

        def read(self) -> Mapping[str, Any]:
            return cast("Mapping[str, Any]", secret)

    with pytest.raises(PaymentUnavailable):
        StripePayments(Missing(), ScriptedTransport()).authorize(NEW)


# --- the connection ---


def test_transport_knows_whether_a_request_was_sent() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1/refunds"
        transport = Transport(connect=0.2, read=0.2)
        with pytest.raises(NotSentError):
            transport.request("get", url, {})
        silent.listen()
        with pytest.raises(LostError):
            transport.request("get", url, {})
    transport.close()


def test_answer_that_is_no_text_leaves_the_outcome_unknown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor() as pool:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\xff")

        pool.submit(answer)
        transport = Transport()
        with pytest.raises(LostError):
            transport.request("get", f"http://127.0.0.1:{server.getsockname()[1]}/v1/refunds", {})
    transport.close()


# --- against localstripe ---


class LaterTransport(CheckedTransport):
    """A day later: Stripe has forgotten the keys."""

    def request(
        self, method: str, url: str, headers: Headers | None, post_data: Any = None, **_: Any
    ) -> Answer:
        assert headers is not None
        changed = dict(headers)
        if key := changed.get("Idempotency-Key"):
            changed["Idempotency-Key"] = f"{key}:later"
        return super().request(method, url, changed, post_data)


class LosingTransport(LaterTransport):
    """A day later, when one request does not arrive: the nth of an operation."""

    def __init__(self, operation: str, nth: int) -> None:
        super().__init__()
        self._operation = operation
        self._left = nth

    def request(
        self, method: str, url: str, headers: Headers | None, post_data: Any = None, **_: Any
    ) -> Answer:
        if urlsplit(url).path.endswith(f"/{self._operation}"):
            self._left -= 1
            if self._left == 0:
                raise LostError
        return super().request(method, url, headers, post_data)


@pytest.fixture
def payments(stripe_address: str) -> StripePayments:
    return adapter(stripe_address)


@pytest.fixture
def later(stripe_address: str) -> StripePayments:
    return StripePayments(secrets(api_base=stripe_address), LaterTransport())


@pytest.fixture
def charge() -> Charge:
    return Charge(uuid.uuid4().hex, 1999, "EUR", "pm_card_visa", None)


@pytest.mark.parametrize(
    ("token", "success", "states"),
    [
        ("pm_card_threeDSecure2Required", True, ("authorized", "voided")),
        ("pm_card_threeDSecure2Required", False, ("declined", "declined")),
        (
            "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
            True,
            ("declined", "declined"),
        ),
    ],
)
def test_customer_authorises_a_payment(
    stripe_address: str, charge: Charge, token: str, success: bool, states: tuple[str, str]
) -> None:
    payments, charge = adapter(stripe_address), replace(charge, token=token)
    payment = payments.authorize(charge)
    assert payment.state == "action_required"
    assert payment.client_secret
    assert payment.client_secret.startswith(payment.id)
    assert payments.authorize(charge) == payments.find(charge) == payment
    authenticate(stripe_address, payment, success=success)
    charge = replace(charge, payment_id=payment.id)
    found = payments.find(charge)
    assert found
    assert (found.state, payments.void(charge).state) == states
    assert found.client_secret is None


@pytest.fixture
def reports(stripe_address: str) -> Iterator[Callable[[Payment], list[str]]]:
    """The types of the signed webhooks that an endpoint has received of a payment."""
    secret, received = "whsec_test", dict[str, list[str]]()

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if is_signed(body, self.headers["Stripe-Signature"], [secret], now=clock.now()):
                report = json.loads(body)
                received.setdefault(report["data"]["object"]["id"], []).append(report["type"])
            self.send_response(200)
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        threading.Thread(target=server.serve_forever).start()
        hook = {"url": f"http://127.0.0.1:{server.server_port}/", "secret": secret}
        httpx.post(f"{stripe_address}/_config/webhooks/test", json=hook).raise_for_status()
        yield lambda payment: received.get(payment.id, [])
        server.shutdown()


@pytest.mark.parametrize(
    ("success", "type_"),
    [
        (True, "payment_intent.amount_capturable_updated"),
        (False, "payment_intent.payment_failed"),
    ],
)
def test_webhook_reports_that_the_customer_has_acted(
    *,
    stripe_address: str,
    charge: Charge,
    reports: Callable[[Payment], list[str]],
    success: bool,
    type_: str,
) -> None:
    charge = replace(charge, token="pm_card_threeDSecure2Required")
    payment = adapter(stripe_address).authorize(charge)
    authenticate(stripe_address, payment, success=success)
    eventually(lambda: reports(payment) == [type_])


def test_payment_is_captured_that_once_waited_for_its_customer(
    payments: StripePayments, charge: Charge, stripe_address: str
) -> None:
    charge = replace(charge, token="pm_card_threeDSecure2Required")
    waiting = payments.authorize(charge)
    assert payments.capture(charge) == waiting
    authenticate(stripe_address, waiting, success=True)
    for _ in range(2):
        assert payments.capture(charge).state == "captured"


def test_customer_cannot_authorise_a_voided_payment(
    payments: StripePayments, charge: Charge, stripe_address: str
) -> None:
    charge = replace(charge, token="pm_card_threeDSecure2Required")
    payment = payments.authorize(charge)
    assert payments.void(charge).state == "voided"
    authenticate(stripe_address, payment, success=True)
    found = payments.find(charge)
    assert found
    assert found.state == "voided"


def test_declined_payment_is_closed_by_void(
    payments: StripePayments, charge: Charge, stripe_address: str
) -> None:
    declined = payments.authorize(replace(charge, token="pm_card_visa_chargeDeclined"))
    assert payments.void(charge).state == "declined"
    url = f"{stripe_address}/v1/payment_intents/{declined.id}"
    found = httpx.get(url, headers={"Authorization": "Bearer sk_test"}).json()
    assert found["status"] == "canceled"


def test_void_finds_the_payment_after_the_key_was_forgotten(
    payments: StripePayments, later: StripePayments, charge: Charge
) -> None:
    authorized = payments.authorize(charge)
    voided = later.void(charge)
    assert voided == replace(authorized, state="voided")
    assert payments.find(charge) == voided


@pytest.mark.parametrize(("operation", "nth"), [("search", 1), ("cancel", 1), ("cancel", 2)])
def test_repeated_void_finds_the_payment_after_the_key_was_forgotten(
    stripe_address: str, payments: StripePayments, charge: Charge, operation: str, nth: int
) -> None:
    authorized = payments.authorize(charge)
    transport = LosingTransport(operation, nth)
    later = StripePayments(secrets(api_base=stripe_address), transport)
    with pytest.raises(PaymentOutcomeUnknown):
        later.void(charge)
    voided = later.void(charge)
    assert voided == replace(authorized, state="voided")
    assert payments.find(charge) == voided


def test_refund_is_not_repeated_after_the_key_was_forgotten(
    payments: StripePayments, later: StripePayments, charge: Charge
) -> None:
    payments.authorize(charge)
    payments.capture(charge)
    for one in (payments, later):
        assert one.refund(charge, key="r", amount_minor=1500) == "succeeded"
    found = payments.find(charge)
    assert found
    assert found.state == "captured"


def test_concurrent_operations_lead_to_one_payment(
    stripe_address: str, payments: StripePayments, charge: Charge
) -> None:
    def attempt(operation: str) -> object:
        try:
            return getattr(adapter(stripe_address), operation)(charge)
        except PaymentOutcomeUnknown:
            return None

    with ThreadPoolExecutor() as pool:
        list(pool.map(attempt, ["authorize"] * 4))
        ids = {payments.authorize(charge).id}
        ended = list(pool.map(attempt, ["capture", "void"] * 2))
    last = payments.void(charge)
    assert ids == {last.id}
    assert last.state in ("captured", "voided")
    assert {getattr(one, "state", last.state) for one in ended} == {last.state}
