"""The shop's functions: their packages, the template's variables, the events of events/."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, Self

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bench.canned import signing
from bench.canned.items import (
    NOTIFICATION_ID,
    ORDER_ID,
    OTHER_PRODUCT_ID,
    PENDING_ORDER_ID,
    PRODUCT_ID,
    USER,
    USER_ID,
)
from bench.canned.stripe import WEBHOOK_SECRETS
from bench.subjects import STRIPE, Kind, Subject, answers, lists, returns
from shared.auth.public_keys import day_of
from shared.runtime import clock
from shared.storage.items import from_item
from tests.support.functions import FUNCTIONS, sample_events
from tests.support.stripe import signature
from tools import lambda_environment
from tools.intrinsics import parameter
from tools.local import sam
from tools.local.places import REGION, ROOT
from tools.template import resources
from users.accounts.models import User
from users.sessions.access_tokens import AccessTokens
from users.signing_keys.models import SigningKey

_ACCOUNT: Final = "123456789012"
_LAYER: Final = "SharedLayer"
# Nothing receives traces; what tracing costs is measured on one function.
_UNTRACED: Final = {"TracingMode": "PassThrough"}
_NOTHING_FAILED: Final = returns({"batchItemFailures": []})

# The event of each function, and whether an answer is right. Of other functions it is the first
# sample event.
_EVENTS: Final = {
    "UsersApi": ("users-public-keys", lists("keys", {"use": "sig"}, {"use": "sig"})),
    "UsersDirectory": (
        "users-find-customer",
        lambda answer: answer["answer"]["id"] == USER_ID,
    ),
    "UsersRelay": ("users-stream", _NOTHING_FAILED),
    "UsersSweeper": ("users-tick", returns({"published": 0})),
    "ProductsApi": ("products-get", answers(id=PRODUCT_ID, price="12.50", stock=60)),
    "ProductsInventory": (
        "products-reserve",
        lambda answer: len(answer["answer"]["lines"]) == 2,
    ),
    "ProductsRelay": ("products-event", _NOTHING_FAILED),
    "ProductsSweeper": ("products-sweep", returns({"released": 0, "published": 0})),
    "OrdersApi": ("orders-get", answers(id=ORDER_ID, status="confirmed", total_amount="25.00")),
    "OrdersCheckout": ("orders-checkout-placed", _NOTHING_FAILED),
    "OrdersWebhooks": ("orders-webhook", lambda answer: answer["statusCode"] == 200),
    "OrdersRelay": ("orders-relay", _NOTHING_FAILED),
    "OrdersSweeper": ("orders-sweeper", returns({"enqueued": 0, "published": 0})),
    "NotificationsApi": (
        "notifications-list",
        lists("notifications", {"id": NOTIFICATION_ID}),
    ),
    "NotificationsWorker": ("notifications-user-registered", _NOTHING_FAILED),
    "OperationsPreTraffic": ("operations-pre-traffic", returns({"status": "Succeeded"})),
    "GatewayApi": ("gateway-health", answers(status="healthy")),
}

# What customers ask an API function for first: the name, the sample event, what it says otherwise,
# and whether an answer is right.
_FIRST: Final[dict[str, tuple[str, str, dict[str, None], Callable[[Any], bool]]]] = {
    "UsersApi": ("log-in", "users-login", {}, answers(expires_in=900)),
    "ProductsApi": (
        "list of products",
        "products-list",
        {"queryStringParameters": None, "multiValueQueryStringParameters": None},
        lists("products", {"id": PRODUCT_ID}, {"id": OTHER_PRODUCT_ID}),
    ),
    "OrdersApi": ("new order", "orders-place", {}, answers(201, status="pending")),
    "NotificationsApi": (
        "list of notifications",
        "notifications-list",
        {},
        lists("notifications", {"id": NOTIFICATION_ID}),
    ),
    "GatewayApi": ("index", "gateway-index", {}, answers(name="Bodega")),
}
# A baseline's has no token either.
_FIRST_OF_BASELINES: Final = "ProductsApi"


class Signer:
    """Signs access tokens with the canned shop's key of today; the canned KMS gives it as that of
    the last release, too. It implements the users service's `Signer` and `Signers`."""

    def __init__(self) -> None:
        self._key = SigningKey.of(day_of(clock.now()), signing.SECRET)
        self.public: Final = self._key.public
        self.public_key: Final = self.public.key.public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def kid(self) -> str:
        return self._key.kid

    def current(self) -> Self:
        return self

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)

    def token(self) -> str:
        """An access token of the customer whom the canned tables know."""
        user = from_item(User, dict(USER))
        return AccessTokens(parameter("TokenIssuer"), self, clock.now).issue(user, "0" * 32)


def functions(signer: Signer) -> list[Subject]:
    """All of the template, one of them with tracing on, and the checkout with Stripe."""
    declared = resources("AWS::Serverless::Function")
    token = signer.token()
    ours = [_subject(name, properties, token) for name, properties in declared.items()]
    [api] = (function for function in ours if function.name == "ProductsApi")
    traced = api.variables | {"TRACING": "Active"}
    [checkout] = (function for function in ours if function.name == "OrdersCheckout")
    paid = checkout.variables | {"PAYMENT_PROVIDER": "stripe"}
    return [
        *ours,
        replace(api, name=f"{api.name}, traced", kind="traced", variables=traced),
        replace(checkout, name=STRIPE, kind="stripe", variables=paid),
    ]


def asked_first(subject: Subject, token: str) -> Subject:
    """The function with what customers ask it for first; one that they do not ask as it is."""
    like = subject.name if subject.kind == "api" else _FIRST_OF_BASELINES
    if subject.kind in ("internal", "worker", "stripe") or like not in _FIRST:
        return subject
    asks, event, changes, is_right = _FIRST[like]
    text = json.dumps(json.loads(_text(event, token)) | changes)
    return replace(subject, asks=asks, event=text.encode(), is_right=is_right)


def _subject(name: str, properties: dict[str, Any], token: str) -> Subject:
    event, is_right = _EVENTS.get(name) or (_sample_event(name), lambda _: True)
    fresh = _signed if name == "OrdersWebhooks" else bytes
    return Subject(
        name=name,
        kind=_kind(name),
        handler=properties["Handler"],
        task=sam.BUILD / name,
        layer=sam.BUILD / _LAYER,
        variables=lambda_environment.whole(name, _names(), _UNTRACED),
        event=fresh(_text(event, token).encode()),
        is_right=is_right,
        fresh=fresh,
    )


def _kind(name: str) -> Kind:
    # Admins call OperationsApi, and customers do not.
    if name.endswith("Api") and name != "OperationsApi":
        return "api"
    # No caller waits for the hook of deployments.
    is_called = FUNCTIONS[name].takes("call")
    return "internal" if is_called else "worker"


def _text(event: str, token: str) -> str:
    text = (ROOT / f"events/{event}.json").read_text()
    if event == _EVENTS["OrdersCheckout"][0]:
        # The order of the other events is paid already.
        text = text.replace(ORDER_ID, PENDING_ORDER_ID)
    return text.replace("${TOKEN}", token)


def _signed(event: bytes) -> bytes:
    """A webhook with a signature of now."""
    request = json.loads(event)
    old = request["headers"]["Stripe-Signature"]
    new = signature(request["body"], at=clock.now(), secrets=WEBHOOK_SECRETS)
    return event.replace(old.encode(), new.encode())


def _sample_event(name: str) -> str:
    """The first sample event of a function that is not in _EVENTS."""
    for sample in sample_events():
        if sample.function == name:
            return sample.path.stem
    raise ValueError(f"{name} has no sample event: add events/<service>-<what it is>.json")


def _names() -> dict[str, str]:
    """What `Ref` gives of each resource that a variable names."""
    names = {
        name: name
        for type_ in ("DynamoDB::Table", "Serverless::Function", "KMS::Key")
        for name in resources(f"AWS::{type_}")
    }
    for name in resources("AWS::SNS::Topic"):
        names[name] = f"arn:aws:sns:{REGION}:{_ACCOUNT}:{name}"
    for name in resources("AWS::SQS::Queue"):
        names[name] = f"https://sqs.{REGION}.amazonaws.com/{_ACCOUNT}/{name}"
    return names
