"""Sample events of a new service: one of each kind that its functions take."""

import json
from pathlib import Path
from typing import Any, Final

from tools.new_service.names import Names

_ID: Final = "5f0c9d3f6a5e4c6f9b0d1f6c2a7e8b41"
_AT: Final = "2026-11-20T08:30:00.000Z"


def add(folder: Path, names: Names, *, body: dict[str, Any]) -> list[Path]:
    """Write them.

    Args:
        folder: where the sample events are.
        body: that of a request that creates an item.

    Returns:
        the new files.
    """
    collection = f"/api/v1/{names.service}"
    item = f"{collection}/{{id}}"
    events = {
        "create": _request("POST", collection, body=json.dumps(body)),
        "get": _request("GET", item, id=_ID),
        "health": _request("GET", f"/health/{names.service}"),
        "list": _request("GET", collection, query={"limit": "10"}),
        "relay": _stream(names),
        "sweeper": _tick(names),
    }
    files = []
    for name, event in events.items():
        file = folder / f"{names.service}-{name}.json"
        file.write_text(json.dumps(event, indent=2) + "\n")
        files.append(file)
    return files


def _request(
    method: str,
    resource: str,
    *,
    body: str | None = None,
    query: dict[str, str] | None = None,
    **path_parameters: str,
) -> dict[str, Any]:
    path = resource.format(**path_parameters)
    headers = {
        "Accept": "application/json",
        "Authorization": "Bearer ${TOKEN}",
        "Host": "shop.example",
        "X-Request-ID": "sample" + path.replace("/", "-"),
        **({"Content-Type": "application/json"} if body else {}),
    }
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": query and {name: [v] for name, v in query.items()},
        "pathParameters": path_parameters or None,
        "stageVariables": None,
        "requestContext": {
            "resourceId": "abc123",
            "resourcePath": resource,
            "httpMethod": method,
            "requestId": "7e6f1b8e-2f6d-4a53-9f0e-4f3f6f1f9a01",
            "accountId": "123456789012",
            "apiId": "bodega1234",
            "stage": "live",
            "path": f"/live{path}",
            "protocol": "HTTP/1.1",
            "requestTime": "20/Nov/2026:08:30:00 +0000",
            "requestTimeEpoch": 1795163400000,
            "domainName": "shop.example",
            "identity": {"sourceIp": "192.0.2.10", "userAgent": "curl/8.9.1"},
        },
        "body": body,
        "isBase64Encoded": False,
    }


def _stream(names: Names) -> dict[str, Any]:
    keys = {"pk": {"S": f"{names.noun.upper()}#{_ID}"}, "sk": {"S": "EVENT#0000000001"}}
    event = {
        "id": {"S": f"{_ID}.1"},
        "type": {"S": f"{names.noun}.created"},
        "aggregate_id": {"S": _ID},
        "version": {"N": "1"},
        "at": {"S": _AT},
        "request_id": {"S": f"sample-{names.service}"},
        "data": {"M": {f"{names.noun}_id": {"S": _ID}}},
    }
    table = f"table/bodega-{names.title}Table-1A2B3C4D5E6F"
    record = {
        "eventID": "00000000000000000000000000000011",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1795163400,
            "Keys": keys,
            "NewImage": {**keys, "at": {"S": _AT}, "unsent": {"S": "2"}, "event": {"M": event}},
            "SequenceNumber": "400000000000000000017",
            "SizeBytes": 412,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": f"arn:aws:dynamodb:eu-west-1:123456789012:{table}/stream/"
        "2026-11-20T08:00:00.000",
    }
    return {"Records": [record]}


def _tick(names: Names) -> dict[str, Any]:
    rule = f"rule/bodega-{names.title}SweeperTick-1A2B3C4D5E6F"
    return {
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-11-20T08:30:00Z",
        "region": "eu-west-1",
        "resources": [f"arn:aws:events:eu-west-1:123456789012:{rule}"],
        "detail": {},
    }
