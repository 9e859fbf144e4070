"""Virtual time for code that blocks: a discrete-event simulation whose processes are threads.

Exactly one thread runs at a time. It runs until it sleeps or waits, which takes no real time: the
next thread is the one whose time comes first. Code between two such points takes no virtual time.
"""

import heapq
import itertools
import threading
from collections.abc import Callable
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from typing import Final

from tests.simulation.faults import Died

type Action = Callable[[], None]

_FOREVER: Final = float("inf")


class Signal:
    """Something that happens once; threads wait for it."""

    def __init__(self) -> None:
        self.is_set = False
        self.waiters: list[tuple[Process, int]] = []


@dataclass(eq=False)
class Process:
    """A thread of the simulation while it runs one task.

    Attributes:
        skew: by how many seconds its clock is off.
        is_dead: it was killed: whatever it does next ends it.
    """

    skew: float
    turn: threading.Lock = field(default_factory=threading.Lock)
    is_dead: bool = False
    is_done: bool = False
    pauses: int = 0

    def __post_init__(self) -> None:
        self.turn.acquire()


@dataclass(eq=False)
class _Worker:
    """A real thread, reused: product code keeps an event loop for each."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    task: Action | None = None
    thread: threading.Thread | None = None

    def __post_init__(self) -> None:
        self.turn.acquire()


running: ContextVar[Process | None] = ContextVar("process", default=None)


class Timeline:
    """The clock, and everything that will happen.

    Args:
        begin: seconds since 1970.
        show: sets the clock that code reads.
    """

    def __init__(self, begin: float, show: Callable[[float], None]) -> None:
        self.now = begin
        self._show = show
        self._coming: list[tuple[float, int, Action]] = []
        self._order = itertools.count()
        self._back = threading.Lock()
        self._back.acquire()
        self._idle: list[_Worker] = []
        self.failure: BaseException | None = None

    def at(self, when: float, do: Action) -> None:
        """Let something happen at a time; it may not sleep or wait."""
        heapq.heappush(self._coming, (max(when, self.now), next(self._order), do))

    def after(self, seconds: float, do: Action) -> None:
        self.at(self.now + seconds, do)

    def start(self, task: Action, skew: float = 0) -> Process:
        """Run a task in a thread of its own, from now on."""
        process = Process(skew)

        def run() -> None:
            running.set(process)
            try:
                if not process.is_dead:
                    task()
            except Died:
                pass
            except BaseException as failure:  # noqa: BLE001  # raised again by `run`
                self.failure = failure
            finally:
                process.is_done = True

        self.at(self.now, lambda: self._begin(process, run))
        return process

    def _begin(self, process: Process, run: Action) -> None:
        worker = self._idle.pop() if self._idle else self._new_worker()
        worker.task = lambda: Context().run(run)
        self._switch(process, worker.turn)

    def _new_worker(self) -> _Worker:
        worker = _Worker()

        def work() -> None:
            while True:
                worker.turn.acquire()
                task, worker.task = worker.task, None
                if task is None:
                    return
                task()
                self._idle.append(worker)
                self._back.release()

        worker.thread = threading.Thread(target=work, daemon=True)
        worker.thread.start()
        return worker

    def _switch(self, process: Process, turn: threading.Lock) -> None:
        self._show(self.now + process.skew)
        turn.release()
        self._back.acquire()
        self._show(self.now)
        if self.failure:
            failure, self.failure = self.failure, None
            raise failure

    def _resume(self, process: Process, pause: int) -> None:
        if process.pauses == pause and not process.is_done:
            process.pauses += 1
            self._switch(process, process.turn)

    def kill(self, process: Process) -> None:
        """End a task where it is. Call this from an action only."""
        if not process.is_done:
            process.is_dead = True
            if process.pauses % 2:
                self._resume(process, process.pauses)

    def sleep(self, seconds: float) -> None:
        """Let time pass: for the thread that calls, or for everything if it is not of this
        simulation.

        Raises:
            Died: the process was killed meanwhile.
        """
        if running.get() is None:
            self.run(self.now + seconds)
        else:
            self.wait(Signal(), seconds)

    def wait(self, signal: Signal, seconds: float = _FOREVER) -> bool:
        """Wait for a signal for at most so long; return whether it was there.

        Raises:
            Died: the process was killed meanwhile.
        """
        process = running.get()
        if process is None:
            self.run(self.now + seconds, lambda: signal.is_set)
            return signal.is_set
        if process.is_dead:
            raise Died
        if not signal.is_set:
            # Odd while it waits. What would wake it from an earlier pause finds another number.
            process.pauses += 1
            pause = process.pauses
            signal.waiters.append((process, pause))
            if seconds < _FOREVER:
                self.after(seconds, lambda: self._resume(process, pause))
            self._back.release()
            process.turn.acquire()
            if process.is_dead:
                raise Died
        return signal.is_set

    def set(self, signal: Signal) -> None:
        signal.is_set = True
        for process, pause in signal.waiters:
            self.at(self.now, lambda process=process, pause=pause: self._resume(process, pause))  # type: ignore[misc]  # bound at once
        signal.waiters.clear()

    def run(self, until: float, is_over: Callable[[], bool] = lambda: False) -> None:
        """Let everything happen that happens until then, or until it is over."""
        while not is_over():
            if not self._coming or self._coming[0][0] > until:
                if until < _FOREVER:
                    self.now = until
                    self._show(until)
                return
            self.now, _, do = heapq.heappop(self._coming)
            self._show(self.now)
            do()

    def end_threads(self) -> None:
        """End the threads that nothing runs in: before a fork, which would copy none of them."""
        for worker in self._idle:
            worker.turn.release()
            assert worker.thread
            worker.thread.join()
        self._idle.clear()
