"""X-Ray's traces of the requests that have one."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import batched
from typing import Any, Final

from tools.timeline.rows import Row, Step

_AT_ONCE: Final = 5  # BatchGetTraces' limit
_FUNCTION: Final = "AWS::Lambda::Function"


def rows(xray: Any, trace_ids: Iterable[str], functions: Mapping[str, str]) -> Iterator[Row]:
    """A row for each run of a function, with its cold start and its calls of AWS as steps.

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


def _steps(document: Mapping[str, Any]) -> Iterator[Step]:
    for part in document.get("subsegments", ()):
        if "end_time" not in part:
            continue
        is_call, name = part.get("namespace") == "aws", str(part["name"])
        if is_call or name == "Initialization":
            operation = part.get("aws", {}).get("operation", "")
            error = "failed" if part.get("fault") or part.get("error") else ""
            yield Step(f"{name} {operation}".strip(), part["end_time"] - part["start_time"], error)
        else:
            yield from _steps(part)
