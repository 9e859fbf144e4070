"""Starts a function and invokes it, in a process of its own: `python -S -m tests.layer.function`.

It reads {"handler": …, "events": […]} as JSON and writes what it observed. Only the standard
library and what PYTHONPATH names can be imported.
"""

import gc
import importlib
import json
import sys
from types import SimpleNamespace
from typing import Any, Final

_CONTEXT: Final = SimpleNamespace(
    function_name="function",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:function",
    aws_request_id="invocation-1",
    get_remaining_time_in_millis=lambda: 100_000,
)


def main() -> None:
    request = json.load(sys.stdin)
    sources: list[str] = []
    patterns: list[str] = []

    def record_source(event: str, arguments: tuple[Any, ...]) -> None:
        # Python raises this audit event for each source that it compiles.
        if event == "compile" and isinstance(source := arguments[0], str | bytes):
            sources.append(source.decode() if isinstance(source, bytes) else source)

    def record_pattern(pattern: Any, *arguments: Any) -> Any:
        patterns.append(str(pattern))
        return parse_pattern(pattern, *arguments)

    sys.addaudithook(record_source)
    parser: Any = importlib.import_module("re._parser")  # compiling a pattern begins with parsing
    parse_pattern, parser.parse = parser.parse, record_pattern
    module, _, name = request["handler"].rpartition(".")
    # Functions log to standard output.
    output, sys.stdout = sys.stdout, sys.stderr
    handler = getattr(importlib.import_module(module), name)
    started = {
        "sources": list(sources),
        "patterns": list(patterns),
        "modules": {
            name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())
        },
        "collects": gc.isenabled(),
        "frozen": gc.get_freeze_count(),
    }
    answers = [handler(event, _CONTEXT) for event in request["events"]]
    json.dump(started | {"answers": answers}, output)


if __name__ == "__main__":
    main()
