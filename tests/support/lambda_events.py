"""Events as AWS hands them to functions: what builds them for tests, and what tells whether one is as AWS's are.

What AWS sends is known from two others: the SAM CLI generates an event of each source, and Powertools has a model of each.
"""

import hashlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.utilities.parser.models import (
    APIGatewayProxyEventModel,
    DynamoDBStreamModel,
    EventBridgeModel,
    SqsModel,
)
from pydantic import BaseModel, ValidationError

from tools.local.places import ROOT, SAM_PYTHON, clean_environment
from tools.local.sam import quiet

_PLACE: Final = "eu-west-1:123456789012"
_SOURCES: Final[Mapping[str, tuple[str, str]]] = {
    "queue": ("sqs", "receive-message"),
    "rest": ("apigateway", "aws-proxy"),
    "schedule": ("cloudwatch", "scheduled-event"),
    "stream": ("dynamodb", "update"),
}
_MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "queue": SqsModel,
    "rest": APIGatewayProxyEventModel,
    "schedule": EventBridgeModel,
    "stream": DynamoDBStreamModel,
}
# What AWS sends and the SAM CLI leaves out: "Input format of a Lambda function for proxy integration" in API Gateway's
# developer guide, and "AWS service event metadata" in EventBridge's.
_MORE: Final = {
    "rest.requestContext": {"domainName", "domainPrefix", "extendedRequestId"},
    "rest.requestContext.identity": {"principalOrgId"},
    "schedule": {"version"},
}
_NOBODY: Final = dict.fromkeys(
    (
        *("accessKey", "accountId", "caller", "user", "userArn"),
        *("cognitoAuthenticationProvider", "cognitoAuthenticationType"),
        *("cognitoIdentityId", "cognitoIdentityPoolId"),
    )
)
_NUMBER: Final = (int, float)
# What they hold, a request or an item chooses.
_FREE: Final = {
    "rest.headers",
    "rest.multiValueHeaders",
    "rest.multiValueQueryStringParameters",
    "rest.pathParameters",
    "rest.queryStringParameters",
    "rest.stageVariables",
    "queue.Records.messageAttributes",
    "schedule.detail",
    "stream.Records.dynamodb.Keys",
}


def rest_context(method: str, path: str, *, resource: str, source_ip: str) -> dict[str, Any]:
    """What API Gateway tells of a request beside the request itself; `path` is that of the URL, the stage in it."""
    return {
        "accountId": "123456789012",
        "apiId": "abcde12345",
        "domainName": "shop.example",
        "domainPrefix": "shop",
        "extendedRequestId": "gateway-request=",
        "httpMethod": method,
        "identity": {**_NOBODY, "sourceIp": source_ip, "userAgent": "tests"},
        "path": path,
        "protocol": "HTTP/1.1",
        "requestId": "gateway-request",
        "requestTime": "20/Nov/2026:08:30:00 +0000",
        "requestTimeEpoch": 1795163400000,
        "resourceId": "a1b2c3",
        "resourcePath": resource,
        "stage": "live",
    }


def queue_record(
    queue: str,
    *,
    id_: str,
    handle: str,
    body: str,
    attributes: Mapping[str, str],
    message_attributes: Mapping[str, Mapping[str, str]],
) -> dict[str, Any]:
    """A message as Lambda hands it to a function; its own attributes are given as SQS has them."""
    return {
        "messageId": id_,
        "receiptHandle": handle,
        "body": body,
        "attributes": dict(attributes),
        "messageAttributes": {
            name: {
                "dataType": attribute["DataType"],
                "stringValue": attribute["StringValue"],
                "stringListValues": [],
                "binaryListValues": [],
            }
            for name, attribute in message_attributes.items()
        },
        "md5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{_PLACE}:{queue}",
        "awsRegion": "eu-west-1",
    }


def stream_record(table: str, name: str, change: Mapping[str, Any]) -> dict[str, Any]:
    """A change of an item as Lambda hands it to a function; `change` has its keys, images and number."""
    return {
        "eventID": hashlib.md5(
            change["SequenceNumber"].encode(), usedforsecurity=False
        ).hexdigest(),
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1795163400,
            "SizeBytes": len(json.dumps(change)),
            **change,
        },
        "eventSourceARN": f"arn:aws:dynamodb:{_PLACE}:table/{table}/stream/2026-11-20T08:00:00.000",
    }


def schedule(function: str) -> dict[str, Any]:
    """What a schedule calls a function with."""
    return {
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-11-20T08:31:00Z",
        "region": "eu-west-1",
        "resources": [f"arn:aws:events:{_PLACE}:rule/{function}"],
        "detail": {},
    }


@cache
def generated(kind: str) -> dict[str, Any]:
    """The SAM CLI's event of this kind."""
    command = (SAM_PYTHON, "-m", "samcli", "local", "generate-event", *_SOURCES[kind])
    event: dict[str, Any] = json.loads(
        subprocess.run(
            command, cwd=ROOT, env=clean_environment() | quiet(), capture_output=True, check=True
        ).stdout
    )
    return event


def mistakes(kind: str, event: Mapping[str, Any]) -> list[str]:
    """Where an event is not as AWS's are; empty where it is."""
    return [*_unlike(kind, generated(kind), event), *_invalid(kind, event)]


def _invalid(kind: str, event: Mapping[str, Any]) -> Iterator[str]:
    try:
        _MODELS[kind].model_validate(event)
    except ValidationError as error:
        for one in error.errors():
            yield f"{'.'.join(map(str, one['loc']))}: {one['msg']}"


def _unlike(place: str, wanted: Any, given: Any) -> Iterator[str]:
    if isinstance(given, dict) and place == "stream.Records.dynamodb":
        # Which images there are is the table's choice and the change's.
        given, wanted = (_without_images(one) for one in (given, wanted))
    if wanted is None or given is None:
        # What a request does not have is null.
        return
    expected = _NUMBER if type(wanted) in _NUMBER else (type(wanted),)
    if type(given) not in expected:
        yield f"{place} is a {type(given).__name__} and no {type(wanted).__name__}"
    elif isinstance(given, list):
        for one in given:
            yield from _unlike(place, wanted[0], one)
    elif isinstance(given, dict) and place not in _FREE:
        yield from (f"{place}.{name} is missing" for name in wanted.keys() - given.keys())
        known = wanted.keys() | _MORE.get(place, set())
        yield from (f"{place}.{name} is not AWS's" for name in given.keys() - known)
        for name in wanted.keys() & given.keys():
            yield from _unlike(f"{place}.{name}", wanted[name], given[name])


def _without_images(change: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in change.items() if not name.endswith("Image")}
