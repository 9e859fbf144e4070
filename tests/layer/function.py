"""A function's start and its answers, in a process of its own: `python -S -m tests.layer.function`, as JSON to and fro.

It reads {"handler": …, "events": […]} and writes what became of it. Nothing but the standard library and what PYTHONPATH
names is there to be imported.
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
    get_remaining_time_in_millis=lambda: 10_000,
)


def main() -> None:
    asked = json.load(sys.stdin)
    sources: list[str] = []
    patterns: list[str] = []

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        # Python's own word for each source that it compiles, whoever asks.
        if event == "compile" and isinstance(source := arguments[0], str | bytes):
            sources.append(source.decode() if isinstance(source, bytes) else source)

    def parse(pattern: Any, *arguments: Any) -> Any:
        patterns.append(str(pattern))
        return parse_pattern(pattern, *arguments)

    sys.addaudithook(hear)
    parser: Any = importlib.import_module("re._parser")  # what compiles a pattern parses it first
    parse_pattern, parser.parse = parser.parse, parse
    module, _, name = asked["handler"].rpartition(".")
    # What functions log is not the answer.
    answer, sys.stdout = sys.stdout, sys.stderr
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
    answers = [handler(event, _CONTEXT) for event in asked["events"]]
    json.dump(started | {"answers": answers}, answer)


if __name__ == "__main__":
    main()
