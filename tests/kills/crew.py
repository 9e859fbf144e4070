"""Loops in threads that end together, and whose errors are not lost."""

import threading
from collections.abc import Callable
from typing import Self


class Crew:
    """Runs loops until it is called off."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self._errors: list[Exception] = []
        self._over = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.call_off()

    def loop(self, step: Callable[[], object]) -> None:
        """Do the step again and again in a thread."""

        def run() -> None:
            try:
                while not self._over.is_set():
                    step()
            except Exception as error:  # noqa: BLE001  # raised where the crew is dismissed
                self._errors.append(error)
                self._over.set()

        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()

    def rest(self, seconds: float) -> None:
        """Wait, but not longer than the crew works."""
        self._over.wait(seconds)

    @property
    def is_over(self) -> bool:
        """Whether it was called off, or one of its loops has failed."""
        return self._over.is_set()

    def call_off(self) -> None:
        """Let every loop end with the step that it is at."""
        self._over.set()

    def dismiss(self) -> None:
        """Call them off, wait for them, and raise what went wrong."""
        self.call_off()
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise ExceptionGroup("loops that failed", self._errors)
