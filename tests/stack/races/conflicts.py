"""What the emulator lacks of DynamoDB's transactions: they take time, and whoever meets one that runs is refused.

The emulator does one transaction after the other. In AWS an item that is part of a running transaction refuses all
other writes: another transaction is cancelled with `TransactionConflict`, a single write with
`TransactionConflictException` (DynamoDB's guide, "Transaction conflict handling"). Here both are decided at botocore's
wire, for all that is written from this process. A transaction runs from when it is sent until it is answered, but not
for as long as the emulator, which does everything on one processor, keeps it waiting in a crowd.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Final

from botocore.hooks import BaseEventHooks

type _Place = tuple[str, str, str]

_TRANSACTION: Final = "TransactWriteItems"
_SINGLE_WRITES: Final = {"PutItem", "UpdateItem", "DeleteItem"}
_HELD: Final = "bodega-held"
_LONGEST: Final = 0.02  # seconds that a transaction runs


class Conflicts:
    """Refuses writes as DynamoDB does where they meet. `counted` is how many, and of what kind."""

    def __init__(self) -> None:
        self._running: dict[_Place, float] = {}
        """Until when, at the latest."""
        self._lock = threading.Lock()
        self.counted: Counter[str] = Counter()
        self.unanswered: set[int] = set()
        """The threads that a call has failed in for want of an answer."""

    def watch(self, events: BaseEventHooks) -> None:
        """Stand at the wire of every client that is made of a session from now on."""
        events.register("before-call.dynamodb", self._sending)
        events.register("after-call.dynamodb", self._answered)
        events.register("after-call-error", self._failed)

    def _sending(
        self, model: Any, params: dict[str, Any], context: dict[str, Any], **_: Any
    ) -> Any:
        if model.name != _TRANSACTION and model.name not in _SINGLE_WRITES:
            return None
        request = json.loads(params["body"])
        places = list(_places(model.name, request))
        now = time.monotonic()
        with self._lock:
            met = [self._running.get(place, 0) > now for place in places]
            if not any(met) and model.name == _TRANSACTION:
                context[_HELD] = dict.fromkeys(places, now + _LONGEST)
                self._running.update(context[_HELD])
        if model.name == _TRANSACTION:
            self._count("transactions")
        if not any(met):
            return None
        self._count("conflicts" if model.name == _TRANSACTION else "single writes refused")
        return SimpleNamespace(status_code=400, headers={}), _refusal(model.name, met)

    def _answered(self, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        self._end(context)
        reasons = {reason.get("Code") for reason in parsed.get("CancellationReasons", [])}
        if "ConditionalCheckFailed" in reasons:
            self._count("conditions failed")

    def _failed(self, context: dict[str, Any], **_: Any) -> None:
        self._end(context)
        self.unanswered.add(threading.get_ident())
        self._count("calls unanswered")

    def _end(self, context: dict[str, Any]) -> None:
        with self._lock:
            for place, until in context.pop(_HELD, {}).items():
                # After its time it may be another one's.
                if self._running.get(place) == until:
                    del self._running[place]

    def _count(self, what: str) -> None:
        with self._lock:
            self.counted[what] += 1


def _places(operation: str, request: dict[str, Any]) -> Iterator[_Place]:
    """The items that a request writes."""
    writes = request["TransactItems"] if operation == _TRANSACTION else [{operation: request}]
    for write in writes:
        [wire] = write.values()
        key = wire.get("Key") or wire["Item"]
        yield wire["TableName"], key["pk"]["S"], key["sk"]["S"]


def _refusal(operation: str, met: list[bool]) -> dict[str, Any]:
    """The answer to a write that met a running transaction, as botocore has read it."""
    metadata = {"HTTPStatusCode": 400, "HTTPHeaders": {}}
    message = "Transaction is ongoing for the item"
    if operation != _TRANSACTION:
        error = {"Code": "TransactionConflictException", "Message": message}
        return {"Error": error, "ResponseMetadata": metadata}
    reasons = [
        {"Code": "TransactionConflict", "Message": message} if one else {"Code": "None"}
        for one in met
    ]
    error = {"Code": "TransactionCanceledException", "Message": "Transaction cancelled"}
    return {"Error": error, "CancellationReasons": reasons, "ResponseMetadata": metadata}
