"""Follows the functions' logs, from CloudWatch Logs on the emulator: one readable line each."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.text import Text

from tools.local import stack

# The platform's own lines, and a traceback's but its last: functions.log has all of it.
_HIDDEN: Final = re.compile(
    r"(INIT_START|START|END|REPORT)\b|\s|Traceback \(|The above exception was|During handling of"
)
_STYLES: Final = {
    "DEBUG": "dim",
    "INFO": "green",
    "WARNING": "yellow",
    "ERROR": "bold red",
    "CRITICAL": "bold red",
}
# What Powertools puts into every line, and what the line shows in another place.
_KNOWN: Final = {
    *("cold_start", "correlation_id", "exception", "exception_name", "function_arn"),
    *("function_memory_size", "function_name", "function_request_id", "level", "location"),
    *("message", "method", "request_id", "route", "sampling_rate", "service", "stack_trace"),
    *("status", "taskName", "timestamp", "xray_trace_id"),
}
_OWN_CODE: Final = re.compile(r'File ".*/(?:code|python)/((?:\w+/)*\w+\.py)", line (\d+)')
_PAUSE: Final = 0.5
# A call's lines are stored when it has ended, a moment after the time that they carry.
_OVERLAP_MS: Final = 2_000


@dataclass(frozen=True)
class Line:
    """One line of a function's log."""

    at: datetime
    function: str
    message: str

    def text(self) -> Text | None:
        """For people; None for what only machines read: metrics and the platform's own lines."""
        try:
            entry = json.loads(self.message)
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            hidden = not self.message.strip() or _HIDDEN.match(self.message)
            return None if hidden else self._head("").append(self.message.rstrip())
        if "_aws" in entry:
            return None
        level = str(entry.get("level", ""))
        line = self._head(level).append(str(entry.get("message", "")))
        for key, value in entry.items():
            if key not in _KNOWN and value is not None:
                shown = value if isinstance(value, str) else json.dumps(value)
                line.append(f"  {key}=", "dim").append(shown)
        if entry.get("request_id"):
            line.append(f"  ·{str(entry['request_id'])[:8]}", "dim")
        if entry.get("exception"):
            line.append(f"  {_cause(str(entry['exception']))}", "red")
        return line

    def _head(self, level: str) -> Text:
        local = self.at.astimezone()
        line = Text(f"{local:%H:%M:%S}.{local.microsecond // 1000:03} ", "dim")
        line.append(f"{self.function:<20} ", "cyan")
        return line.append(f"{level:<8}", _STYLES.get(level, ""))


class Follower:
    """Reads the lines that came since the last look."""

    def __init__(self, endpoint: str) -> None:
        self._logs = stack.session().client("logs", endpoint_url=endpoint)
        self._since = int(time.time() * 1000)
        # The emulator gives each call a stream of its own, and writes it once.
        self._seen: dict[str, int] = {}

    def new(self, groups: dict[str, str]) -> list[Line]:
        lines: list[Line] = []
        seen: dict[str, int] = {}
        start = self._since - _OVERLAP_MS
        for group, function in groups.items():
            for event in self._events(group, start):
                stream, stored = event["logStreamName"], event["timestamp"]
                seen[stream] = stored
                if stream not in self._seen:
                    at = datetime.fromtimestamp(stored / 1000, UTC)
                    message = event["message"]
                    lines.append(Line(_own_time(message) or at, function, message))
        self._since = max([self._since, *seen.values()])
        self._seen = seen
        return sorted(lines, key=lambda line: line.at)

    def _events(self, group: str, start: int) -> list[Any]:
        try:
            pages = self._logs.filter_log_events(logGroupName=group, startTime=start)
        except ClientError as error:
            # A function that has not run yet may have no group.
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return []
            raise
        return list(pages["events"])


def _cause(traceback: str) -> str:
    """The exception, and the last line of our own code on its way."""
    places = _OWN_CODE.findall(traceback)
    last = traceback.rstrip().rpartition("\n")[2]
    return f"{last} ({':'.join(places[-1])})" if places else last


def _own_time(message: str) -> datetime | None:
    try:
        return datetime.fromisoformat(json.loads(message)["timestamp"])
    except (ValueError, KeyError, TypeError):
        return None


def follow(endpoint: str, deployment: Path, whole: Path, console: Console) -> None:
    """Print what the functions log until the emulator ends.

    Args:
        endpoint: the emulator's.
        deployment: a file that each deployment rewrites: then the functions may be others.
        whole: a file for every line as it was.
        console: where to; colours only on a terminal.
    """
    with whole.open("w") as file:
        for line in _lines(endpoint, deployment):
            print(line.function, line.message, file=file, flush=True)
            if (text := line.text()) is not None:
                console.print(text, soft_wrap=True)
    console.print("The shop has ended.")


def _lines(endpoint: str, deployment: Path) -> Iterator[Line]:
    follower = Follower(endpoint)
    groups: dict[str, str] = {}
    deployed = 0
    while True:
        try:
            if deployment.stat().st_mtime_ns != deployed:
                groups = stack.log_groups(stack.read(endpoint))
                deployed = deployment.stat().st_mtime_ns
            yield from follower.new(groups)
        except (BotoCoreError, OSError):
            return
        time.sleep(_PAUSE)
