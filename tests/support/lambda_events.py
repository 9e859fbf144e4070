"""Events as AWS hands them to functions: the samples of events/, for tests to fill in."""

import json
from typing import Any, Final

from tools.template import ROOT


def _sample(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((ROOT / f"events/{name}.json").read_text())
    return event


REST: Final = _sample("orders-get")
SCHEDULED: Final = _sample("users-tick")
QUEUE_RECORD: Final[dict[str, Any]] = _sample("notifications-user-registered")["Records"][0]
STREAM_RECORD: Final[dict[str, Any]] = _sample("users-stream")["Records"][0]
