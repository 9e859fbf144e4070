"""An empty account in the emulator."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.local import emulator, processes


@contextmanager
def empty_account(folder: Path) -> Iterator[str]:
    """The endpoint of an emulator that runs meanwhile.

    Args:
        folder: for its log.
    """
    port = processes.free_port()
    pid = emulator.start(port, folder, enforce_iam=False)
    try:
        yield emulator.endpoint(port)
    finally:
        processes.end(pid, emulator.NAME)
        processes.discard(emulator.scratch(folder))
