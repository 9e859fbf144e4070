"""Follows the functions' logs, from CloudWatch Logs on the emulator: one readable line each."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError
from rich.console import Console
from rich.text import Text

from tools.local import stack

# The platform's own lines, and a traceback's: functions.log has all of them.
_HIDDEN: Final = re.compile(r"(INIT_START|START|END|REPORT)\b|\s|Traceback \(|$")
_STYLES: Final = {
    "DEBUG": "dim",
    "INFO": "green",
    "WARNING": "yellow",
    "ERROR": "bold red",
    "CRITICAL": "bold red",
}
_PAUSE_SECONDS: Final = 0.5
# An invocation's lines are stored at its end, a moment after the time that they carry.
_OVERLAP_MS: Final = 2_000


@dataclass(frozen=True)
class Line:
    """One line of a function's log."""

    at: datetime
    function: str
    message: str

    def text(self) -> Text | None:
        """For people; None for metrics, and for the platform's own lines."""
        entry = _json(self.message)
        if entry is None:
            hidden = _HIDDEN.match(self.message)
            return None if hidden else self._head("").append(self.message.rstrip())
        if "_aws" in entry:
            return None
        line = self._head(str(entry.get("level", ""))).append(str(entry.get("message", "")))
        if entry.get("request_id"):
            line.append(f"  ·{str(entry['request_id'])[:8]}", "dim")
        if entry.get("exception"):
            error = str(entry["exception"]).rstrip().rpartition("\n")[2]
            line.append(f"  {error}", "red")
        return line

    def _head(self, level: str) -> Text:
        local = self.at.astimezone()
        line = Text(f"{local:%H:%M:%S}.{local.microsecond // 1000:03} ", "dim")
        line.append(f"{self.function:<20} ", "cyan")
        return line.append(f"{level:<8}", _STYLES.get(level, ""))


def _json(message: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(message)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def follow(endpoint: str, deployment: Path, everything: Path, console: Console) -> None:
    """Print what the functions log until the emulator ends.

    Args:
        endpoint: the emulator's.
        deployment: a file that each deployment rewrites: then the functions may be others.
        everything: a file for every line as it was.
        console: with colours only on a terminal.
    """
    with everything.open("w") as file:
        for line in _lines(endpoint, deployment):
            print(line.function, line.message, file=file, flush=True)
            if (text := line.text()) is not None:
                console.print(text, soft_wrap=True)
    console.print("The shop has ended.")


def _lines(endpoint: str, deployment: Path) -> Iterator[Line]:
    """The lines as they come, until the emulator ends."""
    logs = stack.session().client("logs", endpoint_url=endpoint)
    since = int(time.time() * 1000)
    # The emulator gives each invocation a stream of its own, and writes it once.
    seen: dict[str, int] = {}
    groups: dict[str, str] = {}
    deployed = 0
    while True:
        try:
            if deployment.stat().st_mtime_ns != deployed:
                groups = stack.log_groups(stack.read(endpoint))
                deployed = deployment.stat().st_mtime_ns
            found = [
                (event, function)
                for group, function in groups.items()
                for event in _events(logs, group, since - _OVERLAP_MS)
            ]
        except (BotoCoreError, OSError):
            return
        for event, function in sorted(found, key=lambda pair: pair[0]["timestamp"]):
            if event["logStreamName"] not in seen:
                at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
                yield Line(at, function, event["message"])
        seen = {event["logStreamName"]: event["timestamp"] for event, _ in found}
        since = max([since, *seen.values()])
        time.sleep(_PAUSE_SECONDS)


def _events(logs: Any, group: str, start: int) -> list[Any]:
    try:
        return list(logs.filter_log_events(logGroupName=group, startTime=start)["events"])
    except logs.exceptions.ResourceNotFoundException:
        # A function that has not run yet may have no group.
        return []
