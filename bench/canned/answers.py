"""The answers, by service and operation; any other operation raises Uncanned."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any, Final, Self
from urllib.parse import parse_qs

from boto3.dynamodb.types import TypeSerializer

from bench.canned import signing, stripe
from bench.canned.items import INDEXES, ITEMS, PENDING_ORDER_ID, USER, Item, pending_order
from tests.support.functions import function_called

type Body = dict[str, Any]

_FUNCTIONS: Final = "/2015-03-31/functions/"
_TAKEN: Final = (
    "<member><Id>{}</Id><MessageId>567910cd-659e-55d4-8ccb-5aaf14679dc0</MessageId></member>"
)
_DEPLOYED: Final = "bodega-UsersApi-1A2B3C4D5E6F"
_TARGET: Final = {"functionName": _DEPLOYED, "targetVersion": "2"}
_SENT: Final = """<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">
<PublishBatchResult><Failed/>
<Successful>{}</Successful></PublishBatchResult>
<ResponseMetadata><RequestId>d74b8436-ae13-5ab4-a9ff-ce54dfea72a0</RequestId></ResponseMetadata>
</PublishBatchResponse>"""


class Uncanned(Exception):
    """There is no answer for the operation that the text names."""


@dataclass(frozen=True)
class Invocation:
    """Which function a request to Lambda invokes, and whether it waits for the answer."""

    function: str
    is_asynchronous: bool

    @classmethod
    def of(cls, headers: Message, path: str) -> Self | None:
        """None if the request is another one."""
        if not path.startswith(_FUNCTIONS):
            return None
        name, _, _ = path.removeprefix(_FUNCTIONS).partition("/")
        return cls(function_called(name), headers["X-Amz-Invocation-Type"] == "Event")

    @property
    def status(self) -> int:
        """That of an answer."""
        return 202 if self.is_asynchronous else 200


class Answers:
    """Answers requests.

    Args:
        public_key: the DER form of the public half of the KMS key, by which the last release has
            signed access tokens.
    """

    def __init__(self, public_key: bytes) -> None:
        self._operations: Mapping[str, Callable[[Body], Body]] = {
            "DynamoDB_20120810.GetItem": _get_item,
            "DynamoDB_20120810.BatchGetItem": _batch_get_item,
            "DynamoDB_20120810.Query": _query,
            "DynamoDB_20120810.PutItem": lambda _: {},
            "DynamoDB_20120810.TransactWriteItems": lambda _: {},
            "DynamoDB_20120810.UpdateItem": lambda body: {"Attributes": body["Key"]},
            "AmazonSQS.SendMessage": lambda body: {
                "MessageId": "5fea7756-0ea4-451a-a703-a558b933e274",
                "MD5OfMessageBody": hashlib.md5(body["MessageBody"].encode()).hexdigest(),  # noqa: S324  # SQS's
            },
            "CodeDeploy_20141006.ListDeploymentTargets": lambda _: {"targetIds": [_DEPLOYED]},
            "CodeDeploy_20141006.BatchGetDeploymentTargets": lambda _: {
                "deploymentTargets": [{"lambdaTarget": {"lambdaFunctionInfo": _TARGET}}]
            },
            "CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus": lambda _: {},
            "TrentService.Decrypt": lambda body: {
                "KeyId": body["KeyId"],
                "Plaintext": base64.b64encode(signing.SECRET).decode(),
            },
            "TrentService.GetPublicKey": lambda body: {
                "KeyId": body["KeyId"],
                "PublicKey": base64.b64encode(public_key).decode(),
                "KeySpec": "ECC_NIST_P256",
                "KeyUsage": "SIGN_VERIFY",
                "SigningAlgorithms": ["ECDSA_SHA_256"],
            },
        }

    def answer(self, headers: Message, path: str, body: bytes) -> bytes:
        """The body of the answer.

        Raises:
            Uncanned: see there.
        """
        # Most services name the operation there.
        target = headers["X-Amz-Target"]
        if target == "AmazonSSM.GetParameter":
            # Stripe is here too.
            secret = stripe.secret(f"http://{headers['Host']}")
            return json.dumps({"Parameter": {"Value": json.dumps(secret)}}).encode()
        if target is not None:
            if target not in self._operations:
                raise Uncanned(target)
            return json.dumps(self._operations[target](json.loads(body))).encode()
        if invocation := Invocation.of(headers, path):
            return b"" if invocation.is_asynchronous else _invoked(invocation.function, body)
        if path == "/v2/email/outbound-emails":
            return b'{"MessageId": "0102018f-canned"}'
        if intent := stripe.answer(path):
            return json.dumps(intent).encode()
        form = parse_qs(body.decode(errors="replace"))
        action = form.get("Action", [path])[0]
        if action != "PublishBatch":
            raise Uncanned(action)
        ids = [values[0] for name, values in form.items() if name.endswith(".Id")]
        return _SENT.format("".join(map(_TAKEN.format, ids))).encode()


def _wire(item: Item) -> Body:
    serialize = TypeSerializer().serialize
    return {name: serialize(value) for name, value in item.items()}


_WIRE: Final = {
    (table, str(item["pk"]), str(item["sk"])): _wire(item)
    for table, items in ITEMS.items()
    for item in items
}
_LISTS: Final = {place: [_wire(item) for item in items] for place, items in INDEXES.items()}


def _found(table: str, key: Body) -> Body | None:
    place = table, key["pk"]["S"], key["sk"]["S"]
    if place[1].startswith("SIGNING#"):
        item = signing.items().get(place)
        return _wire(item) if item else None
    if place[1] == f"ORDER#{PENDING_ORDER_ID}":
        return _wire(pending_order())
    return _WIRE.get(place)


def _get_item(body: Body) -> Body:
    item = _found(body["TableName"], body["Key"])
    return {"Item": item} if item else {}


def _batch_get_item(body: Body) -> Body:
    responses = {
        table: [item for key in asked["Keys"] if (item := _found(table, key))]
        for table, asked in body["RequestItems"].items()
    }
    return {"Responses": responses, "UnprocessedKeys": {}}


def _query(body: Body) -> Body:
    place = body["TableName"], body.get("IndexName")
    if place not in _LISTS:
        raise Uncanned(f"DynamoDB_20120810.Query of {place[0]}, index {place[1]}")
    items = _LISTS[place]
    return {"Items": items, "Count": len(items), "ScannedCount": len(items)}


def _invoked(function: str, payload: bytes) -> bytes:
    if function.endswith("Api"):
        health = {"status": "healthy", "uptime_seconds": 1.5, "memory_mb": 81.0}
        answer: Body = {"statusCode": 200, "headers": {}, "body": json.dumps(health)}
    else:
        call = json.loads(payload)
        if call["name"] not in _CALLED:
            raise Uncanned(f"{call['name']} of {function}")
        answer = {"answer": _CALLED[call["name"]](call["body"])}
    return json.dumps(answer).encode()


def _reserved(body: Body) -> Body:
    lines = [{**line, "name": "Linen apron", "unit_price_minor": 3900} for line in body["lines"]]
    return {"order_id": body["order_id"], "lines": lines, "currency": "EUR"}


_CALLED: Final[Mapping[str, Callable[[Body], Body]]] = {
    "find_customer": lambda _: {
        name: USER[name] for name in ("id", "full_name", "email", "is_active")
    },
    "reserve": _reserved,
    "confirm": lambda _: {},
}
"""What internal functions answer, by the name of the call."""
