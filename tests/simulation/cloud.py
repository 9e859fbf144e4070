"""The managed services that the shop calls, in memory: DynamoDB, KMS, SNS, SQS and SES as far as it
calls them.

They only answer requests: what AWS does between them (streams, triggers, schedules) is done by the
shop, when a test asks for it.
"""

import hashlib
import itertools
import json
import os
import re
import uuid
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.contracts.events import Event
from tests.simulation.dynamodb import DynamoDB
from tests.simulation.refusals import Refused
from tests.support.books import HandedOver
from tests.support.functions import function_called

ACCOUNT: Final = "123456789012"
REGION: Final = "eu-west-1"
_LARGEST_BATCH: Final = 10
_ENTRY: Final = re.compile(r"PublishBatchRequestEntries\.member\.(\d+)\.Id")
_ATTRIBUTE: Final = re.compile(r"MessageAttributes\.entry\.(\d+)\.Name")


@dataclass
class Message:
    """A message in a queue; `visible_at` is when it is shown (again). Times are seconds since
    1970."""

    body: str
    visible_at: float
    received: int = 0
    first_received_at: float = 0
    attributes: Mapping[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass
class Queue:
    """A queue; `dead_letters` is where a message goes that was received `most_receives` times in
    vain."""

    visibility_seconds: int
    most_receives: int
    dead_letters: str | None
    messages: list[Message] = field(default_factory=list)

    def find(self, handle: str) -> Message:
        # A receipt handle names its message; which of its receipts it was makes no difference to
        # us.
        found = [message for message in self.messages if message.id == handle]
        if not found:
            raise Refused("ReceiptHandleIsInvalid", "The receipt handle is not valid.")
        return found[0]


class Cloud:
    """One account.

    Args:
        now: seconds since 1970.
        invoke: what `lambda.Invoke` does: from a function's name and its payload to its answer and
            what went wrong.
    """

    def __init__(
        self,
        now: Callable[[], float],
        invoke: Callable[[str, bytes], tuple[bytes, str | None]],
    ) -> None:
        self.now = now
        self.dynamodb = DynamoDB(now)
        self.queues: dict[str, Queue] = {}
        # The topic, the queue, and the types that the filter admits.
        self.subscriptions: list[tuple[str, str, list[str]]] = []
        # CodeDeploy's deployments: the function and its new version, and what the hook reported.
        self.deployments: dict[str, tuple[str, str]] = {}
        self.reported: dict[str, str] = {}
        # The values of Systems Manager's parameters, by name.
        self.secrets: dict[str, str] = {}
        self.published: list[Event] = []
        self.handed_over: list[HandedOver] = []
        # Which entries of a batch, by their place, the topic refuses while it takes the others.
        self.topic_refuses: Callable[[int], bool] = lambda _: False
        self._invoke = invoke
        self._signing_keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self._secret = b""
        self.make_symmetric_keys_anew()
        self._message_ids = itertools.count(1)

    def snapshot(self) -> Callable[[], None]:
        """What brings the account back to how it is now."""
        restore_tables = self.dynamodb.snapshot()
        published, handed_over = list(self.published), list(self.handed_over)
        secret = self._secret
        queued = {name: list(map(replace, queue.messages)) for name, queue in self.queues.items()}

        def restore() -> None:
            restore_tables()
            self.published, self.handed_over = list(published), list(handed_over)
            self._secret = secret
            for name, messages in queued.items():
                self.queues[name].messages = list(map(replace, messages))

        return restore

    def make_symmetric_keys_anew(self) -> None:
        """What was encrypted before cannot be decrypted any more."""
        self._secret = uuid.uuid4().bytes

    def make_key(self, spec: str) -> str:
        """A KMS key; symmetric keys need no state of their own."""
        key_id = uuid.uuid4().hex
        if spec == "ECC_NIST_P256":
            self._signing_keys[key_id] = ec.generate_private_key(ec.SECP256R1())
        return key_id

    def put(self, queue: str, body: str, attributes: Mapping[str, Any] | None = None) -> None:
        self.queues[queue].messages.append(Message(body, self.now(), attributes=attributes or {}))

    def answer(
        self, service: str, operation: str, path: str, body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """A service's answer to a request: the status, its headers and its body."""
        headers: dict[str, str] = {}
        if service == "sns":
            return 200, headers, self._publish_batch(parse_qs(body.decode()))
        if service == "lambda":
            name = path.split("/functions/")[1].split("/", maxsplit=1)[0]
            payload, error = self._invoke(function_called(name), body)
            return 200, {"x-amz-function-error": error} if error else {}, payload
        request = json.loads(body or b"{}")
        try:
            if service == "dynamodb":
                answered = self.dynamodb.answer(operation, request)
            else:
                answered = _OPERATIONS[operation](self, request)
        except Refused as refused:
            headers["x-amzn-errortype"] = refused.code
            return 400, headers, json.dumps(refused.body).encode()
        return 200, headers, json.dumps(answered).encode()

    def _publish_batch(self, form: Mapping[str, list[str]]) -> bytes:
        topic = form["TopicArn"][0].rpartition(":")[2]
        entries = [entry for entry in map(_ENTRY.fullmatch, form) if entry]
        assert 0 < len(entries) <= _LARGEST_BATCH
        taken, refused = [], []
        for place, entry in enumerate(entries):
            id_ = f"<Id>{form[entry[0]][0]}</Id>"
            if self.topic_refuses(place):
                code = "<Code>InternalError</Code><SenderFault>false</SenderFault>"
                refused.append(f"<member>{id_}{code}</member>")
                continue
            prefix = f"PublishBatchRequestEntries.member.{entry[1]}."
            self._publish(
                topic, {n.removeprefix(prefix): v for n, v in form.items() if n.startswith(prefix)}
            )
            message_id = f"<MessageId>{next(self._message_ids)}</MessageId>"
            taken.append(f"<member>{id_}{message_id}</member>")
        return (
            "<PublishBatchResponse><PublishBatchResult>"
            f"<Successful>{''.join(taken)}</Successful><Failed>{''.join(refused)}</Failed>"
            "</PublishBatchResult>"
            "<ResponseMetadata><RequestId>published</RequestId></ResponseMetadata>"
            "</PublishBatchResponse>"
        ).encode()

    def _publish(self, topic: str, form: Mapping[str, list[str]]) -> None:
        message = form["Message"][0]
        attributes = {
            form[name[0]][0]: {
                kind: form[f"MessageAttributes.entry.{name[1]}.Value.{kind}"][0]
                for kind in ("DataType", "StringValue")
            }
            for name in map(_ATTRIBUTE.fullmatch, form)
            if name
        }
        self.published.append(Event.model_validate_json(message))
        for source, queue, types in self.subscriptions:
            if source == topic and attributes["type"]["StringValue"] in types:
                self.put(queue, message, attributes)

    def _put_off(self, request: Mapping[str, Any]) -> dict[str, Any]:
        message = self._queue(request).find(request["ReceiptHandle"])
        message.visible_at = self.now() + request["VisibilityTimeout"]
        return {}

    def _send(self, request: Mapping[str, Any]) -> dict[str, Any]:
        visible_at = self.now() + request.get("DelaySeconds", 0)
        message = Message(
            request["MessageBody"], visible_at, attributes=request.get("MessageAttributes", {})
        )
        self._queue(request).messages.append(message)
        digest = hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest()
        return {"MessageId": message.id, "MD5OfMessageBody": digest}

    def _send_batch(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert 0 < len(request["Entries"]) <= _LARGEST_BATCH
        url = request["QueueUrl"]
        sent = [
            {"Id": entry["Id"], **self._send({"QueueUrl": url, **entry})}
            for entry in request["Entries"]
        ]
        return {"Successful": sent, "Failed": []}

    def _receive(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """What a function receives by itself; the triggers take for their functions."""
        now = self.now()
        shown: list[dict[str, Any]] = []
        for message in self._queue(request).messages:
            if message.visible_at <= now and len(shown) < request["MaxNumberOfMessages"]:
                sent_at, message.visible_at = (
                    message.visible_at,
                    now + request["VisibilityTimeout"],
                )
                shown.append(
                    {
                        "MessageId": message.id,
                        "ReceiptHandle": message.id,
                        "Body": message.body,
                        "Attributes": {"SentTimestamp": str(int(sent_at * 1000))},
                        "MessageAttributes": message.attributes,
                    }
                )
        return {"Messages": shown} if shown else {}

    def _delete(self, request: Mapping[str, Any]) -> dict[str, Any]:
        queue = self._queue(request)
        queue.messages.remove(queue.find(request["ReceiptHandle"]))
        return {}

    def _purge(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._queue(request).messages.clear()
        return {}

    def _count_messages(self, request: Mapping[str, Any]) -> dict[str, Any]:
        messages, now = self._queue(request).messages, self.now()
        hidden = [message for message in messages if message.visible_at > now]
        in_flight = [message for message in hidden if message.received]
        numbers = {
            "ApproximateNumberOfMessages": len(messages) - len(hidden),
            "ApproximateNumberOfMessagesNotVisible": len(in_flight),
            "ApproximateNumberOfMessagesDelayed": len(hidden) - len(in_flight),
        }
        return {"Attributes": {name: str(numbers[name]) for name in request["AttributeNames"]}}

    def _alarms(self, request: Mapping[str, Any]) -> dict[str, Any]:
        alarm = {
            "AlarmName": f"{request['AlarmNamePrefix']}Orders wait",
            "AlarmDescription": "Orders wait: https://runbook.example/#orders",
            "StateValue": "OK",
            "StateReason": "Threshold not crossed",
            "StateUpdatedTimestamp": self.now(),
        }
        return {"MetricAlarms": [alarm]}

    def _metrics(self, request: Mapping[str, Any]) -> dict[str, Any]:
        ids = [query["Id"] for query in request["MetricDataQueries"]]
        one = {"Timestamps": [self.now()], "Values": [1.0], "StatusCode": "Complete"}
        return {"MetricDataResults": [{"Id": id_, **one} for id_ in ids]}

    def _queue(self, request: Mapping[str, Any]) -> Queue:
        return self.queues[request["QueueUrl"].rpartition("/")[2]]

    def _send_email(self, request: Mapping[str, Any]) -> dict[str, Any]:
        [to] = request["Destination"]["ToAddresses"]
        content = request["Content"]["Simple"]
        email = HandedOver(to, content["Subject"]["Data"], content["Body"]["Text"]["Data"])
        self.handed_over.append(email)
        return {"MessageId": f"email-{next(self._message_ids)}"}

    def _secret_parameter(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert request["WithDecryption"]
        if request["Name"] not in self.secrets:
            raise Refused("ParameterNotFound", "")
        value = self.secrets[request["Name"]]
        return {"Parameter": {"Name": request["Name"], "Type": "SecureString", "Value": value}}

    def _deployment_targets(self, request: Mapping[str, Any]) -> dict[str, Any]:
        function, _ = self.deployments[request["deploymentId"]]
        return {"targetIds": [f"{function}:live"]}

    def _deployment_target(self, request: Mapping[str, Any]) -> dict[str, Any]:
        function, version = self.deployments[request["deploymentId"]]
        assert request["targetIds"] == [f"{function}:live"]
        info = {"functionName": function, "functionAlias": "live", "targetVersion": version}
        target = {"lambdaFunctionInfo": info}
        return {
            "deploymentTargets": [
                {"deploymentTargetType": "LambdaTarget", "lambdaTarget": target},
            ]
        }

    def _report_hook(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.reported[request["deploymentId"]] = request["status"]
        return {"lifecycleEventHookExecutionId": request["lifecycleEventHookExecutionId"]}

    def _sign(self, request: Mapping[str, Any]) -> dict[str, Any]:
        key = self._signing_keys[request["KeyId"]]
        signature = key.sign(b64decode(request["Message"]), ec.ECDSA(hashes.SHA256()))
        return {
            "KeyId": request["KeyId"],
            "Signature": b64encode(signature).decode(),
            "SigningAlgorithm": request["SigningAlgorithm"],
        }

    def _public_key(self, request: Mapping[str, Any]) -> dict[str, Any]:
        der = (
            self._signing_keys[request["KeyId"]]
            .public_key()
            .public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        return {
            "KeyId": request["KeyId"],
            "PublicKey": b64encode(der).decode(),
            "KeySpec": "ECC_NIST_P256",
            "KeyUsage": "SIGN_VERIFY",
            "SigningAlgorithms": ["ECDSA_SHA_256"],
        }

    def _encrypt(self, request: Mapping[str, Any]) -> dict[str, Any]:
        nonce = os.urandom(12)
        plaintext, about = b64decode(request["Plaintext"]), _authenticated(request)
        sealed = AESGCM(self._secret).encrypt(nonce, plaintext, about)
        return {"KeyId": request["KeyId"], "CiphertextBlob": b64encode(nonce + sealed).decode()}

    def _decrypt(self, request: Mapping[str, Any]) -> dict[str, Any]:
        blob = b64decode(request["CiphertextBlob"])
        try:
            opened = AESGCM(self._secret).decrypt(blob[:12], blob[12:], _authenticated(request))
        except InvalidTag:
            raise Refused("InvalidCiphertextException", "") from None
        return {"KeyId": request["KeyId"], "Plaintext": b64encode(opened).decode()}


def _authenticated(request: Mapping[str, Any]) -> bytes:
    """What decryption must name as encryption did: the key, and the encryption context."""
    return json.dumps([request["KeyId"], request["EncryptionContext"]], sort_keys=True).encode()


_OPERATIONS: Final[Mapping[str, Callable[[Cloud, Mapping[str, Any]], dict[str, Any]]]] = {
    "BatchGetDeploymentTargets": Cloud._deployment_target,
    "ChangeMessageVisibility": Cloud._put_off,
    "Decrypt": Cloud._decrypt,
    "DeleteMessage": Cloud._delete,
    "DescribeAlarms": Cloud._alarms,
    "Encrypt": Cloud._encrypt,
    "GetMetricData": Cloud._metrics,
    "GetParameter": Cloud._secret_parameter,
    "GetPublicKey": Cloud._public_key,
    "GetQueueAttributes": Cloud._count_messages,
    "ListDeploymentTargets": Cloud._deployment_targets,
    "PurgeQueue": Cloud._purge,
    "PutLifecycleEventHookExecutionStatus": Cloud._report_hook,
    "ReceiveMessage": Cloud._receive,
    "SendEmail": Cloud._send_email,
    "SendMessage": Cloud._send,
    "SendMessageBatch": Cloud._send_batch,
    "Sign": Cloud._sign,
}
