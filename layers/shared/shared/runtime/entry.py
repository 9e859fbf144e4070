"""A function's entry: built once, in Lambda's init phase, and by nobody who merely imports the module."""

import os
from collections.abc import Callable
from typing import Any

from shared.runtime import cold_start, error_text, logging, settings, tracing, warm_up

type Handler = Callable[[dict[str, Any], Any], Any]


class UnhandledError(Exception):
    """What a handler has raised, under the same name: its text is that error's description."""


class Entry[S]:
    """The callable that Lambda is told of. It reads the settings and builds the function's graph once.

    In Lambda that is at import, in the init phase, where CPU is not throttled; elsewhere at the first call, so that
    tests and tools can import an entry without the function's environment.

    Args:
        build: makes the handler from its settings: the function's composition root.
        settings_type: the dataclass of what the function reads from its environment.
    """

    def __init__(self, build: Callable[[S], Handler], settings_type: type[S]) -> None:
        self._build = build
        self._settings_type = settings_type
        self._handler: Handler | None = None
        if cold_start.is_lambda():
            logging.limit_libraries()
            self._handler = self._built()
            if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
                from shared.runtime import snapshots

                snapshots.register()
            cold_start.end()

    def __call__(self, event: dict[str, Any], context: Any) -> Any:
        if self._handler is None:
            self._handler = self._built()
        try:
            return self._handler(event, context)
        except Exception as error:  # noqa: BLE001  # another one is raised
            # Lambda's runtime logs the name and the text, answers with them, and sends them to X-Ray.
            named = type(type(error).__name__, (UnhandledError,), {})
            raise named(error_text.describe(error)).with_traceback(error.__traceback__) from None

    def _built(self) -> Handler:
        handler = self._build(settings.read(self._settings_type))
        if cold_start.is_lambda():
            warm_up.clients()
        # After the rehearsal, in which there is nothing to trace.
        tracing.start()
        return handler
