"""X-Ray's traces of the requests that have one."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import batched
from typing import Any, Final

from tools.timeline.rows import Row, Step

_AT_ONCE: Final = 5  # BatchGetTraces' limit
_FUNCTION: Final = "AWS::Lambda::Function"
# What Lambda records around the work of the function.
_LAMBDAS: Final = ("Invocation", "Overhead")


def rows(xray: Any, trace_ids: Iterable[str], functions: Mapping[str, str]) -> Iterator[Row]:
    """A row for each run of a function, with its cold start, its steps and its calls of AWS.

    Args:
        functions: the functions' names in the template by their real names.
    """
    for ids in batched(sorted(set(trace_ids)), _AT_ONCE, strict=False):
        for page in xray.get_paginator("batch_get_traces").paginate(TraceIds=list(ids)):
            for trace in page["Traces"]:
                for segment in trace["Segments"]:
                    document = json.loads(segment["Document"])
                    if document.get("origin") == _FUNCTION and "end_time" in document:
                        yield _row(trace["Id"], document, functions)


def _row(trace_id: str, document: Mapping[str, Any], functions: Mapping[str, str]) -> Row:
    return Row(
        datetime.fromtimestamp(document["start_time"], UTC),
        functions.get(document["name"], document["name"]),
        f"trace {trace_id}",
        "trace",
        document["end_time"] - document["start_time"],
        tuple(_steps(document)),
    )


def _steps(document: Mapping[str, Any], depth: int = 0) -> Iterator[Step]:
    """Its parts, each before its own parts."""
    for part in document.get("subsegments", ()):
        if "end_time" not in part:
            continue
        if part["name"] in _LAMBDAS:
            yield from _steps(part, depth)
            continue
        name = f"{part['name']} {part.get('aws', {}).get('operation', '')}".strip()
        took = part["end_time"] - part["start_time"]
        yield Step("  " * depth + name, took, _error(part))
        yield from _steps(part, depth + 1)


def _error(part: Mapping[str, Any]) -> str:
    if not (part.get("fault") or part.get("error")):
        return ""
    cause = part.get("cause")  # or the id of one
    exceptions = cause.get("exceptions", ()) if isinstance(cause, dict) else ()
    return next((str(one["type"]) for one in exceptions if "type" in one), "failed")
