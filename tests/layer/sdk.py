"""What clients send and make of the answers, in a process of its own: `python -S -m tests.layer.sdk`, as JSON to and fro.

It reads a list of [service, operation, arguments, status, headers, body of the answer] and writes what became of each.
"""

import io
import json
import re
import sys
from collections.abc import Iterator
from typing import Any, Final

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

# What is new in each request: its time, its number, and by them its signature.
_NEW: Final = ("x-amz-date", "amz-sdk-invocation-id", "amz-sdk-request")
_SIGNATURE: Final = re.compile(r"Signature=\w+|/\d{8}/")


class _Body(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def main() -> None:
    session = Session()
    told = [_called(session, case) for case in json.load(sys.stdin)]
    json.dump(told, sys.stdout, default=_text)


def _called(session: Session, case: list[Any]) -> dict[str, Any]:
    service, operation, arguments, status, headers, body = case
    sent: list[dict[str, Any]] = []

    def answer(request: Any, **_: object) -> Any:
        sent.append(
            {
                "method": request.method,
                "url": request.url,
                "headers": _settled(request.headers),
                "body": _text(request.body),
            }
        )
        told = HTTPHeaders()
        for name, value in headers.items():
            told[name] = value
        return AWSResponse(request.url, status, told, _Body(body.encode()))

    client = session.create_client(
        service, "eu-west-1", config=Config(retries={"total_max_attempts": 2, "mode": "standard"})
    )
    client.meta.events.register("before-send", answer)
    try:
        result = getattr(client, operation)(**arguments)
    except ClientError as error:
        result = {"raised": type(error).__name__, "said": str(error), **error.response}
    for name, value in result.items():
        if hasattr(value, "read"):
            result[name] = value.read()
    return {"sent": sent, "result": result}


def _settled(headers: Any) -> dict[str, str]:
    return {
        name.lower(): _SIGNATURE.sub("…", _text(value))
        for name, value in sorted(headers.items())
        if name.lower() not in _NEW
    }


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes | bytearray) else str(value)


if __name__ == "__main__":
    main()
