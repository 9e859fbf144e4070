"""The SDK with the data of what is called, beside the SDK with all of it."""

import ast
import gzip
import json
import os
import subprocess
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from botocore import xform_name
from botocore.session import Session

from tests.layer import packages
from tests.support import shapes
from tests.support.functions import FUNCTIONS
from tests.support.grants import granted
from tools.layer import sdk_data
from tools.layer.sdk_data import OPERATIONS, SDKS_OWN
from tools.local.places import APP_PYTHON, CREDENTIALS, ROOT

_SOURCES: Final = ("functions", "layers/shared/shared")
# An IAM action that is not named after its operation.
_OPERATION_OF: Final = {
    "dynamodb:ConditionCheckItem": "dynamodb:TransactWriteItems",
    "lambda:InvokeFunction": "lambda:Invoke",
    "ses:SendEmail": "sesv2:SendEmail",
    "sns:Publish": "sns:PublishBatch",
}
_HEADERS: Final = {
    "x-amzn-requestid": "r-1",
    "content-type": "application/x-amz-json-1.0",
    # Of SQS, for whom a handler of its own reads it: an error's older name.
    "x-amzn-query-error": "AWS.SimpleQueueService.ReceiptHandleIsInvalid;Sender",
}
_KEY: Final = {"pk": {"S": "PRODUCT#1"}, "sk": {"S": "PRODUCT"}}
_ITEM: Final = {**_KEY, "price": {"N": "1250"}, "tags": {"L": [{"S": "ü"}, {"NULL": True}]}}
_CANCELLED: Final = {
    "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
    "Message": "Transaction cancelled",
    "CancellationReasons": [
        {"Code": "None"},
        {"Code": "ConditionalCheckFailed", "Message": "failed", "Item": _ITEM},
    ],
}
_CAPACITY: Final = {"TableName": "Products", "CapacityUnits": 1.5}
_XML: Final = '<{0}Response xmlns="https://sns.amazonaws.com/doc/2010-03-31/"><{0}Result>{1}</{0}Result><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></{0}Response>'
_XML_ERROR: Final = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>{0}</Code><Message>no</Message></Error>"
    "<RequestId>r-1</RequestId></ErrorResponse>"
)


def _error(code: str) -> str:
    return json.dumps({"__type": code, "message": "no"})


# Service, operation, what is asked, and the answer: its status and its body.
_CASES: Final[list[tuple[str, str, dict[str, Any], int, str]]] = [
    ("dynamodb", "get_item", {"TableName": "Products", "Key": _KEY, "ConsistentRead": True}, 200,
     json.dumps({"Item": _ITEM, "ConsumedCapacity": _CAPACITY})),
    ("dynamodb", "get_item", {"TableName": "Products", "Key": _KEY}, 400, _error("ResourceNotFoundException")),
    ("dynamodb", "get_item", {"TableName": "Products", "Key": _KEY}, 500, _error("InternalServerError")),
    ("dynamodb", "put_item",
     {"TableName": "Products", "Item": _ITEM | {"b": {"B": "AA=="}}, "ConditionExpression": "attribute_not_exists(pk)",
      "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}, 400,
     json.dumps({"__type": "ConditionalCheckFailedException", "message": "no", "Item": _ITEM})),
    ("dynamodb", "delete_item", {"TableName": "Products", "Key": _KEY, "ReturnValues": "ALL_OLD"}, 200,
     json.dumps({"Attributes": _ITEM})),
    ("dynamodb", "update_item",
     {"TableName": "Products", "Key": _KEY, "UpdateExpression": "ADD #n :n", "ExpressionAttributeNames": {"#n": "n"},
      "ExpressionAttributeValues": {":n": {"N": "1"}}}, 400, _error("ProvisionedThroughputExceededException")),
    ("dynamodb", "query",
     {"TableName": "Products", "IndexName": "by-status", "KeyConditionExpression": "pk = :p", "Limit": 5,
      "ExpressionAttributeValues": {":p": {"S": "1"}}}, 200,
     json.dumps({"Items": [_ITEM], "Count": 1, "ScannedCount": 1, "LastEvaluatedKey": _KEY})),
    ("dynamodb", "batch_get_item", {"RequestItems": {"Products": {"Keys": [_KEY]}}}, 200,
     json.dumps({"Responses": {"Products": [_ITEM]}, "UnprocessedKeys": {"Products": {"Keys": [_KEY]}}})),
    ("dynamodb", "transact_write_items",
     {"TransactItems": [{"Put": {"TableName": "Products", "Item": _ITEM}}], "ClientRequestToken": "t"}, 400,
     json.dumps(_CANCELLED)),
    ("kms", "generate_mac", {"KeyId": "k", "Message": "m", "MacAlgorithm": "HMAC_SHA_256"}, 200,
     json.dumps({"Mac": "AAEC", "MacAlgorithm": "HMAC_SHA_256", "KeyId": "k"})),
    ("kms", "get_public_key", {"KeyId": "k"}, 200,
     json.dumps({"KeyId": "k", "PublicKey": "AAEC", "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY",
                 "SigningAlgorithms": ["ECDSA_SHA_256"]})),
    ("kms", "sign",
     {"KeyId": "k", "Message": "m", "MessageType": "RAW", "SigningAlgorithm": "ECDSA_SHA_256"}, 400,
     _error("DisabledException")),
    ("lambda", "invoke", {"FunctionName": "F:live", "Payload": "{}", "InvocationType": "RequestResponse"}, 200,
     '{"answer": 1}'),
    ("lambda", "invoke", {"FunctionName": "F"}, 429, json.dumps({"__type": "TooManyRequestsException", "Type": "User", "message": "slow down"})),
    ("sesv2", "send_email",
     {"FromEmailAddress": "a@shop.example", "Destination": {"ToAddresses": ["b@shop.example"]},
      "Content": {"Simple": {"Subject": {"Data": "Grüße"}, "Body": {"Text": {"Data": "Hi"}}}}}, 200,
     json.dumps({"MessageId": "m-1"})),
    ("sesv2", "send_email", {"Content": {}}, 400, _error("MessageRejected")),
    ("sns", "publish_batch",
     {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:T", "PublishBatchRequestEntries": [
         {"Id": "0", "Message": "ü&",
          "MessageAttributes": {"type": {"DataType": "String", "StringValue": "order.placed"}}},
         {"Id": "1", "Message": "m"}]}, 200,
     _XML.format("PublishBatch", "<Successful><member><Id>0</Id><MessageId>m-1</MessageId></member></Successful><Failed>"
                 "<member><Id>1</Id><Code>InternalError</Code><SenderFault>false</SenderFault></member></Failed>")),
    ("sns", "publish_batch",
     {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:T", "PublishBatchRequestEntries": [{"Id": "0", "Message": "m"}]},
     404, _XML_ERROR.format("NotFound")),
    ("sqs", "send_message", {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/Q", "MessageBody": "m"},
     200, json.dumps({"MessageId": "m-1", "MD5OfMessageBody": "6f8f57715090da2632453988d9a1501b"})),
    ("sqs", "send_message_batch",
     {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/Q",
      "Entries": [{"Id": "0", "MessageBody": "m"}, {"Id": "1", "MessageBody": "n"}]}, 200,
     json.dumps({"Successful": [{"Id": "0", "MessageId": "m-1", "MD5OfMessageBody": "6f8f57715090da2632453988d9a1501b"}],
                 "Failed": [{"Id": "1", "Code": "InternalError", "SenderFault": False}]})),
    ("sqs", "change_message_visibility",
     {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/Q", "ReceiptHandle": "h",
      "VisibilityTimeout": 30}, 400, _error("com.amazonaws.sqs#ReceiptHandleIsInvalid")),
    ("sts", "assume_role", {"RoleArn": "arn:aws:iam::123456789012:role/reader", "RoleSessionName": "session"}, 403,
     _XML_ERROR.format("AccessDenied")),
    ("xray", "put_trace_segments", {"TraceSegmentDocuments": ["{}"]}, 200, '{"UnprocessedTraceSegments": []}'),
    ("xray", "get_sampling_rules", {}, 200, '{"SamplingRuleRecords": []}'),
    ("xray", "get_sampling_targets", {"SamplingStatisticsDocuments": []}, 500, _error("InternalFailure")),
]  # fmt: skip


@pytest.mark.parametrize(("service", "operation", "asked", "status", "body"), _CASES)
def test_a_case_s_answer_is_one_that_aws_may_give(
    service: str, operation: str, asked: dict[str, Any], status: int, body: str
) -> None:
    model = Session().get_service_model(service)
    [name] = [name for name in model.operation_names if xform_name(name) == operation]
    assert shapes.mistakes(model.operation_model(name), status, _HEADERS, body.encode()) == []


@pytest.fixture(scope="module")
def told() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What became of each case: with the layer as it ships, and with the packages as they are installed."""
    shipped, installed = map(_told, (packages.layer(), Path(sysconfig.get_path("purelib"))))
    return shipped, installed


def _told(layer: Path) -> list[dict[str, Any]]:
    ended = subprocess.run(
        (APP_PYTHON, "-S", "-m", "tests.layer.sdk"),
        # The SDK writes a set into its User-Agent.
        env=CREDENTIALS
        | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, layer))), "PYTHONHASHSEED": "0"},
        input=json.dumps([(*case[:4], _HEADERS, case[4]) for case in _CASES]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    told: list[dict[str, Any]] = json.loads(ended.stdout)
    return told


def _named(case: tuple[Any, ...]) -> str:
    return f"{case[0]}.{case[1]} {case[3]}"


@pytest.mark.parametrize("number", range(len(_CASES)), ids=map(_named, _CASES))
def test_a_client_sends_the_same_and_makes_the_same_of_the_answer(
    told: tuple[list[dict[str, Any]], list[dict[str, Any]]], number: int
) -> None:
    shipped, installed = (each[number] for each in told)
    assert installed["sent"]
    assert shipped == installed


def test_each_operation_is_tried() -> None:
    tried = {(service, operation) for service, operation, *_ in _CASES}
    assert tried == {
        (service, xform_name(operation))
        for service, operations in OPERATIONS.items()
        for operation in operations
    }


@cache
def _words() -> set[str]:
    """Whatever our own code asks an object for, or names in a text of one word."""
    nodes = [
        node
        for source in _SOURCES
        for file in (ROOT / source).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_bytes()))
    ]
    texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return attributes | {text for text in texts if isinstance(text, str)}


def _operations(service: str) -> set[str]:
    """All that the service has."""
    versions = Path(sysconfig.get_path("purelib"), "botocore/data", service).iterdir()
    model = json.loads(gzip.decompress((max(versions) / "service-2.json.gz").read_bytes()))
    return set(model["operations"])


# Methods of ours that happen to be called as an operation is.
_NAMESAKES: Final = {"kms": {"Verify"}, "sns": {"Publish"}}


@pytest.mark.parametrize("service", sorted(OPERATIONS.keys() - SDKS_OWN))
def test_the_layer_has_the_operations_that_our_code_calls_and_no_others(service: str) -> None:
    ours = {name for name in _operations(service) if xform_name(name) in _words()}
    assert ours - _NAMESAKES.get(service, set()) == OPERATIONS[service]


def _granted() -> Iterator[str]:
    for function in FUNCTIONS:
        for statement in granted(function):
            if statement.effect == "Allow":
                for action in statement.actions:
                    yield _OPERATION_OF.get(action, action)


def test_every_operation_that_a_policy_allows_is_in_the_layer() -> None:
    has = {f"{service}:{name}" for service, names in OPERATIONS.items() for name in names}
    assert set(_granted()) <= has


def test_an_operation_that_a_service_does_not_have_stops_the_build(tmp_path: Path) -> None:
    folder = tmp_path / "kms/2014-11-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text('{"operations": {"Sign": {}}, "shapes": {}}')
    with pytest.raises(KeyError, match="GenerateMac"):
        sdk_data.prune(tmp_path)


def test_a_member_that_is_called_documentation_stays() -> None:
    model = {"documentation": "<p>Long.</p>", "members": {"documentation": {"shape": "Text"}}}
    assert sdk_data._undocumented(model) == {"members": {"documentation": {"shape": "Text"}}}


def test_the_shapes_that_are_left_are_those_that_are_named(tmp_path: Path) -> None:
    for file in (packages.layer() / "botocore/data").rglob("service-2.json"):
        model = json.loads(file.read_text())
        assert set(sdk_data._shapes(model)) == model["shapes"].keys()


def _left(path: str, source: str) -> str:
    tree = ast.parse(source)
    sdk_data.without_other_services(path, tree)
    return ast.unparse(tree)


def test_of_what_the_sdk_registers_that_of_our_services_is_left() -> None:
    handlers = (
        "BUILTIN_HANDLERS = [('after-call.sqs.*', f), ('before-call', f), ('needs.*.retry', f){}]"
    )
    others = ", ('before-call.s3.GetObject', f), ('docs.title.sqs', f)"
    left = _left("botocore/handlers.py", handlers.format(others))
    assert left == handlers.format("")


def test_of_the_older_names_of_services_those_of_ours_are_left() -> None:
    left = _left("botocore/utils.py", "EVENT_ALIASES = {'older': 'lambda', 'api.x': 'sagemaker'}")
    assert left == "EVENT_ALIASES = {'older': 'lambda'}"


def test_what_the_sdk_no_longer_registers_so_stops_the_build() -> None:
    with pytest.raises(ValueError, match="not enough values"):
        _left("botocore/handlers.py", "HANDLERS = []")
