"""A function's entry: built once, in Lambda's init phase. Importing it elsewhere builds nothing."""

import os
from collections.abc import Callable
from typing import Any

from shared.runtime import aws, cold_start, error_text, logging, settings, tracing, warm_up

type Handler = Callable[[dict[str, Any], Any], Any]


class UnhandledError(Exception):
    """Replaces the exception of a handler, under the same name, with a text that contains nothing
    personal."""


class Entry[S]:
    """The callable that Lambda invokes. It reads the settings and builds the function's objects
    once.

    In Lambda this happens at import, in the init phase, where CPU is not throttled; elsewhere at
    the first call, so that tests and tools can import an entry without the function's environment.

    Args:
        build: the function's composition root, which makes the handler from its settings.
        settings_type: the dataclass of the variables that the function reads.
    """

    def __init__(self, build: Callable[[S], Handler], settings_type: type[S]) -> None:
        self._build = build
        self._settings_type = settings_type
        self._handler: Handler | None = None
        self._is_cold = cold_start.is_lambda()
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
        logging.begin_invocation(is_cold=self._is_cold)
        self._is_cold = False
        try:
            return self._handler(event, context)
        except Exception as error:  # noqa: BLE001  # another one is raised
            # Lambda's runtime logs and returns the name and the text, and sends them to X-Ray.
            named = type(type(error).__name__, (UnhandledError,), {})
            raise named(error_text.describe(error)).with_traceback(error.__traceback__) from None

    def _built(self) -> Handler:
        handler = self._build(settings.read(self._settings_type))
        if cold_start.is_lambda():
            warm_up.clients()
        if os.environ.get("FAULTS"):
            # A layer that only a shop with the parameter Faults on has (docs/game-day.md).
            from faults import calls

            calls.start(aws.clients())
        # After the warm-up, whose calls are not traced.
        tracing.start()
        return handler
