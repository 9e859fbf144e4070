"""Events as AWS hands them to functions: builders for tests, and Powertools' models, which check
them."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from aws_lambda_powertools.utilities.parser.models import (
    APIGatewayProxyEventModel,
    DynamoDBStreamModel,
    EventBridgeModel,
    SqsModel,
)
from pydantic import BaseModel, ValidationError

_PLACE: Final = "eu-west-1:123456789012"
_MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "queue": SqsModel,
    "rest": APIGatewayProxyEventModel,
    "schedule": EventBridgeModel,
    "stream": DynamoDBStreamModel,
}
_ANONYMOUS: Final = dict.fromkeys(
    (
        *("accessKey", "accountId", "caller", "user", "userArn"),
        *("cognitoAuthenticationProvider", "cognitoAuthenticationType"),
        *("cognitoIdentityId", "cognitoIdentityPoolId"),
    )
)


def rest_context(method: str, path: str, *, resource: str, source_ip: str) -> dict[str, Any]:
    """API Gateway's context of a request; `path` is that of the URL, with the stage."""
    return {
        "accountId": "123456789012",
        "apiId": "abcde12345",
        "domainName": "shop.example",
        "domainPrefix": "shop",
        "extendedRequestId": "gateway-request=",
        "httpMethod": method,
        "identity": {**_ANONYMOUS, "sourceIp": source_ip, "userAgent": "tests"},
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
    """A change of an item as Lambda hands it to a function; `change` has its keys, images and
    number."""
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
    """The event of a schedule."""
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


def mistakes(kind: str, event: Mapping[str, Any]) -> list[str]:
    """Where an event differs from those of AWS."""
    try:
        _MODELS[kind].model_validate(event)
    except ValidationError as error:
        return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return []
