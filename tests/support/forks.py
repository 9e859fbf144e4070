"""Plays many cases on one prepared state, each in a process of its own."""

import gc
import io
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Final

from shared.web import app

_PROCESSES: Final = 2


def each_in_a_fork[Case, Result](
    play: Callable[[Case], Result], cases: Iterable[Case]
) -> Iterator[Result]:
    """Call `play` with each case in a fork of this process, as many at once as there are cores.
    The results come as they are ready; nothing has to be restored between two cases."""
    context, remaining, running = get_context("fork"), iter(cases), dict[Connection, object]()
    # The objects made until here are not garbage: without a collection, forks share their memory.
    gc.freeze()
    while True:
        for case in remaining:
            ours, theirs = context.Pipe(duplex=False)
            context.Process(target=_play, args=(play, case, theirs)).start()
            theirs.close()
            running[ours] = case
            if len(running) >= _PROCESSES:
                break
        if not running:
            break
        for connection in wait(running):
            assert isinstance(connection, Connection)
            yield connection.recv()
            del running[connection]
    gc.unfreeze()


def _play[Case, Result](play: Callable[[Case], Result], case: Case, results: Connection) -> None:
    # The output of a thousand plays is not needed, and event loops are not shared with the parent.
    logging.disable(logging.CRITICAL)
    sys.stdout = io.StringIO()
    app._loop.cache_clear()
    results.send(play(case))
