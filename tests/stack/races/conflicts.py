"""DynamoDB's transaction conflicts, which the emulator lacks: it runs one after another.

In AWS an item of a running transaction refuses all other writes: another transaction is cancelled
with `TransactionConflict`, a single write gets `TransactionConflictException` (DynamoDB's guide,
"Transaction conflict handling"). Here both are decided at botocore's wire, for all writes of this
process. A transaction runs from the request to the response, 20 ms at most: the emulator answers
later when many wait.
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
_RUNNING: Final = "bodega-running"
_LONGEST_SECONDS: Final = 0.02


class Conflicts:
    """Refuses writes as DynamoDB does. `counted` is how many, and of what kind."""

    def __init__(self) -> None:
        self._running: dict[_Place, float] = {}  # until when, at the latest
        self._lock = threading.Lock()
        self.counted: Counter[str] = Counter()
        self.unanswered: set[int] = set()
        """The threads that had a call without a response."""

    def watch(self, events: BaseEventHooks) -> None:
        """Intercept the calls of all clients that a session makes from now on."""
        events.register("before-call.dynamodb", self._before)
        events.register("after-call.dynamodb", self._after)
        events.register("after-call-error", self._failed)

    def _before(self, model: Any, params: dict[str, Any], context: dict[str, Any], **_: Any) -> Any:
        is_transaction = model.name == _TRANSACTION
        if not is_transaction and model.name not in _SINGLE_WRITES:
            return None
        places = list(_places(model.name, json.loads(params["body"])))
        now = time.monotonic()
        with self._lock:
            met = [self._running.get(place, 0) > now for place in places]
            if is_transaction:
                self.counted["transactions"] += 1
            if any(met):
                self.counted["conflicts"] += 1
            elif is_transaction:
                context[_RUNNING] = dict.fromkeys(places, now + _LONGEST_SECONDS)
                self._running.update(context[_RUNNING])
        if not any(met):
            return None
        return SimpleNamespace(status_code=400, headers={}), _refusal(is_transaction, met)

    def _after(self, context: dict[str, Any], **_: Any) -> None:
        with self._lock:
            for place, until in context.pop(_RUNNING, {}).items():
                # Later the item may be part of another transaction.
                if self._running.get(place) == until:
                    del self._running[place]

    def _failed(self, context: dict[str, Any], **_: Any) -> None:
        self._after(context)
        self.unanswered.add(threading.get_ident())


def _places(operation: str, request: dict[str, Any]) -> Iterator[_Place]:
    """The items that a request writes."""
    writes = request["TransactItems"] if operation == _TRANSACTION else [{operation: request}]
    for write in writes:
        [wire] = write.values()
        key = wire.get("Key") or wire["Item"]
        yield wire["TableName"], key["pk"]["S"], key["sk"]["S"]


def _refusal(is_transaction: bool, met: list[bool]) -> dict[str, Any]:
    """The response to a write that met a running transaction, as botocore parses it."""
    metadata = {"HTTPStatusCode": 400, "HTTPHeaders": {}}
    message = "Transaction is ongoing for the item"
    if not is_transaction:
        error = {"Code": "TransactionConflictException", "Message": message}
        return {"Error": error, "ResponseMetadata": metadata}
    codes = ["TransactionConflict" if one else "None" for one in met]
    error = {"Code": "TransactionCanceledException", "Message": "Transaction cancelled"}
    reasons = [{"Code": code, "Message": message} for code in codes]
    return {"Error": error, "CancellationReasons": reasons, "ResponseMetadata": metadata}
