"""Log lines by CloudWatch Logs Insights, on the emulator as in an account."""

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from tools.progress import Problem
from tools.timeline.rows import Kind, Row, Step, moment

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

MOST_LINES: Final = 10_000  # what a query returns
# How Lambda names the streams of a group that several functions share.
_STREAM: Final = re.compile(r"\d{4}/\d\d/\d\d/([^\[/]+)\[")
# A query has 10,000 characters, and an id 128, each of which may be escaped.
_IDS_AT_ONCE: Final = 35
_TIMEOUT_SECONDS: Final = 60
_AGGREGATE: Final = re.compile(r"[0-9a-f]{32}")
_LATE: Final = re.compile(r"handled \S+ for now|could not handle \S+ yet|the order waits")
_ARN: Final = re.compile(r"arn:[\w-]+:lambda:[\w-]+:\d+:function:([\w-]+)(:[\w$-]+)?")


@dataclass(frozen=True)
class Line:
    """A line that a function has logged, or the gateway.

    Attributes:
        function: by its name in the template; the log group's last word where that is unknown.
    """

    function: str
    entry: Mapping[str, Any]

    @property
    def request_id(self) -> str:
        return str(self.entry.get("request_id", ""))

    @property
    def end(self) -> datetime:
        """When it was written."""
        return moment(self.entry["timestamp"])

    @property
    def begin(self) -> datetime:
        """When the work began that it is about."""
        return self.end - timedelta(milliseconds=self._ms or 0)

    @property
    def aggregates(self) -> set[str]:
        """The orders and other things that it names."""
        named = (self.entry.get("order_id"), str(self.entry.get("event_id", "")).partition(".")[0])
        return {str(one) for one in named if one}

    @property
    def orders(self) -> set[str]:
        """What it names that may be an order."""
        return {one for one in self.aggregates if _AGGREGATE.fullmatch(one)}

    @property
    def traces(self) -> set[str]:
        trace = self.entry.get("xray_trace_id")
        return {str(trace)} if trace else set()

    @property
    def _ms(self) -> float | None:
        try:
            return float(self.entry["ms"])
        except (KeyError, TypeError, ValueError):
            return None

    def row(self, *, is_personal: bool = False) -> Row:
        """
        Args:
            is_personal: with the address that a request came from.
        """
        level = str(self.entry.get("level", "INFO"))
        text = str(self.entry.get("message", ""))
        if "path" in self.entry:
            entry = self.entry
            text = " ".join(str(entry.get(name, "-")) for name in ("method", "path", "status"))
            if is_personal:
                text += f"  from {entry.get('ip')}"
        details = [f"attempt {self.entry['attempt']}"] if "attempt" in self.entry else []
        if exception := str(self.entry.get("exception", "")).rstrip():
            details.append(exception.rpartition("\n")[2].strip())
        return Row(
            self.begin,
            self.function,
            "  ".join([text, *details]),
            _kind(level, text),
            None if self._ms is None else self._ms / 1000,
            tuple(map(_step, self.entry.get("steps") or ())),
            self.request_id,
        )


def _kind(level: str, text: str) -> Kind:
    if level in ("ERROR", "CRITICAL"):
        return "error"
    return "late" if level == "WARNING" or _LATE.match(text) else "work"


def _step(text: str) -> Step:
    name, _, rest = str(text).partition(" ")
    ms, _, error = rest.partition(" ")
    return Step(name, float(ms) / 1000 if ms.isdigit() else None, error)


class Logs:
    """The log groups of a shop.

    Args:
        groups: their names.
        functions: the functions' names in the template by their real names.
    """

    def __init__(
        self,
        logs: "CloudWatchLogsClient",
        groups: Sequence[str],
        functions: Mapping[str, str],
    ) -> None:
        self._logs = logs
        self._functions = functions
        # A function that has not run yet may have no group.
        described = [
            group
            for page in logs.get_paginator("describe_log_groups").paginate(
                logGroupNamePrefix=_common(groups)
            )
            for group in page["logGroups"]
            if group["logGroupName"] in groups
        ]
        self._groups = [group["logGroupName"] for group in described]
        self.days_kept = min(
            (group["retentionInDays"] for group in described if "retentionInDays" in group),
            default=None,
        )
        self.is_cut = False

    @property
    def kept_since(self) -> datetime:
        """How far back a query may look."""
        begin = datetime.now(UTC) - timedelta(days=self.days_kept or 3650)
        return begin + timedelta(minutes=1)

    def lines(self, texts: Iterable[str], since: datetime, until: datetime) -> list[Line]:
        """The lines of our functions with one of these texts, in the order of time.

        Raises:
            Problem: Logs Insights does not answer.
        """
        since = max(since, self.kept_since)
        if since >= until or not self._groups:
            return []
        found = {
            (row["@logStream"], row["@message"]): row
            for some in batched(sorted(set(texts)), _IDS_AT_ONCE, strict=False)
            for row in self._query("|".join(map(_escaped, some)), since, until)
        }
        lines = [line for row in found.values() if (line := self._line(row))]
        return sorted(lines, key=lambda line: (line.begin, line.end))

    def _query(self, pattern: str, since: datetime, until: datetime) -> Iterator[dict[str, str]]:
        query = self._logs.start_query(
            logGroupNames=self._groups,
            startTime=int(since.timestamp()),
            endTime=int(until.timestamp()) + 1,
            queryString=(
                "fields @timestamp, @message, @logStream, @log"
                f" | filter @message like /{pattern}/ | sort @timestamp asc | limit {MOST_LINES}"
            ),
        )
        give_up = time.monotonic() + _TIMEOUT_SECONDS
        while True:
            answer = self._logs.get_query_results(queryId=query["queryId"])
            if answer["status"] == "Complete":
                break
            if answer["status"] not in ("Scheduled", "Running") or time.monotonic() > give_up:
                raise Problem(f"Logs Insights does not answer the query: {answer['status']}.")
            time.sleep(0.5)
        self.is_cut = self.is_cut or len(answer["results"]) == MOST_LINES
        for row in answer["results"]:
            yield {cell["field"]: cell["value"] for cell in row}

    def _line(self, row: Mapping[str, str]) -> Line | None:
        try:
            entry = json.loads(row["@message"])
        except ValueError:
            return None
        # Neither a metric nor a line of the platform.
        if not isinstance(entry, dict) or not ("message" in entry or "path" in entry):
            return None
        # The gateway's lines have no time; those of AWS have a space and no zone.
        entry = {"timestamp": row["@timestamp"].replace(" ", "T") + "+00:00", **entry}
        if "message" in entry:
            entry["message"] = _ARN.sub(lambda arn: self._named(arn[1]), str(entry["message"]))
        stream = _STREAM.match(row["@logStream"])
        function = stream[1] if stream else row["@log"].rpartition("/")[2]
        return Line(self._named(function), entry)

    def _named(self, function: str) -> str:
        return self._functions.get(function, function)


def _escaped(text: str) -> str:
    """For a pattern between slashes."""
    return re.escape(text).replace("/", r"\/")


def _common(groups: Sequence[str]) -> str:
    """What the groups' names begin with."""
    return min(groups, default="").rpartition("/")[0]
