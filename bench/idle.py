"""The first order after an idle hour: OrdersApi, UsersDirectory and ProductsInventory all start.

Three processes that start together disturb each other on a machine with two cores, and in Lambda
they do not: each has its own. So the figures of "after" are composed: every part is measured while
nothing else runs, and the parts are laid side by side as they follow from each other. The time of
processes that really overlap stands beside it.

Parts that exist in Lambda only are missing from all figures: to get a sandbox, to unpack the code
and to open TLS connections.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from bench import stand, waterfall
from bench.environment import Environment
from bench.neighbours import Neighbours
from bench.report import Table, mark, spread
from bench.stand import Stand
from bench.subjects import Subject
from tools.progress import step

ROUNDS: Final = 7
GOAL: Final = 1.25
_PLACES: Final = "OrdersApi"
_FINDS: Final = "UsersDirectory"
_RESERVES: Final = "ProductsInventory"
# As shared.runtime sends it: it starts the function, and asks for nothing.
_WAKE: Final = b'{"name":"wake"}'


@dataclass(frozen=True)
class Called:
    """The parts of a neighbour's work, in milliseconds.

    Attributes:
        woken: from the start of OrdersApi until it has sent the wake; None if it sends none.
        start: until the process is ready.
        wake: from there to the end of the wake.
        first: its answer, if it is the first that it is invoked for.
        answer: its answer after a wake.
    """

    woken: float | None
    start: float
    wake: float
    first: float
    answer: float


@dataclass(frozen=True)
class Parts:
    """All parts of an order.

    Attributes:
        start: OrdersApi's.
        before, between, after: what OrdersApi does itself, up to the call of UsersDirectory, up to
            that of ProductsInventory, and up to the answer.
    """

    start: float
    before: float
    finds: Called
    between: float
    reserves: Called
    after: float

    @property
    def slowest(self) -> float:
        return max(self.start, self.finds.start, self.reserves.start)


@dataclass(frozen=True)
class Visit:
    """A neighbour's way in an order: milliseconds since OrdersApi was started.

    Attributes:
        free: it waits for an invocation; it has ended the wake.
        called: OrdersApi waits for it.
    """

    started: float
    ready: float
    free: float
    called: float
    answered: float

    @property
    def lead(self) -> float:
        """How long it is free before it is called."""
        return self.called - self.free


@dataclass(frozen=True)
class Order:
    """How an order went: milliseconds since OrdersApi was started."""

    ready: float
    finds: Visit
    reserves: Visit
    answered: float


def laid_out(parts: Parts, *, wakes: bool) -> Order:
    """The order that consists of these parts, with the neighbours woken or not. Each neighbour has
    a core of its own, and one environment: a call that finds it starting waits for it."""
    ready = parts.start
    finds = _visit(parts.finds, called=ready + parts.before, wakes=wakes)
    reserves = _visit(parts.reserves, called=finds.answered + parts.between, wakes=wakes)
    return Order(ready, finds, reserves, reserves.answered + parts.after)


def _visit(part: Called, *, called: float, wakes: bool) -> Visit:
    if not wakes or part.woken is None or part.woken > called:
        ready = called + part.start
        return Visit(called, ready, ready, called, ready + part.first)
    ready = part.woken + part.start
    free = ready + part.wake
    return Visit(part.woken, ready, free, called, max(called, free) + part.answer)


@dataclass(frozen=True)
class _Round:
    """What was measured in one round: the parts, and in milliseconds how long the whole took, as
    three processes one after another and as three at once."""

    parts: Parts
    chain: float
    chain_cpu: float
    overlapped: float
    overlapped_cpu: float

    @property
    def composed(self) -> Order:
        return laid_out(self.parts, wakes=True)


def measure() -> list[Table]:
    """The tables, and docs/first-order.svg."""
    rounds = []
    with stand.opened() as at:
        for number in range(1, ROUNDS + 1):
            with step(f"orders after idle, {number} of {ROUNDS}"):
                rounds.append(_measured(at))
    middle = sorted(rounds, key=lambda one: one.composed.answered)[ROUNDS // 2]
    waterfall.write(laid_out(middle.parts, wakes=False), middle.composed)
    return [_orders(rounds), _parts(rounds)]


def _measured(at: Stand) -> _Round:
    with Neighbours(_internal(at), at.endpoint, wakes=False) as lambda_:
        chain = _Placed.by(at, lambda_)
        parts = chain.parts(at, lambda_)
    with Neighbours(_internal(at), at.endpoint, wakes=True) as lambda_:
        overlapped = _Placed.by(at, lambda_)
    return _Round(parts, chain.answered, chain.cpu, overlapped.answered, overlapped.cpu)


def _internal(at: Stand) -> dict[str, Subject]:
    return {name: at.subjects[name] for name in (_FINDS, _RESERVES)}


@dataclass(frozen=True)
class _Placed:
    """One order as it ran: milliseconds, since `started` by `time.perf_counter`."""

    started: float
    ready: float
    answered: float
    cpu: float

    @classmethod
    def by(cls, at: Stand, lambda_: Neighbours) -> Self:
        """Start OrdersApi, and have it place an order. Lambda is asked of the neighbours, the rest
        of the canned AWS."""
        subject = at.asked_first[_PLACES]
        endpoints = {f"AWS_ENDPOINT_URL_{service}": at.endpoint for service in ("DYNAMODB", "KMS")}
        subject = replace(subject, variables=subject.variables | endpoints)
        with Environment(subject, lambda_.endpoint) as environment:
            ready = environment.until_ready()
            answer = environment.invoke(subject.event)
            answered = environment.spent()
            environment.check(answer)
            lambda_.check()
            return cls(
                environment.started,
                ready.wall * 1000,
                answered.wall * 1000,
                (answered.cpu + lambda_.cpu()) * 1000,
            )

    def parts(self, at: Stand, lambda_: Neighbours) -> Parts:
        """The parts of this order, whose neighbours started when they were called."""
        finds, reserves = (lambda_.of(name).moments for name in (_FINDS, _RESERVES))
        return Parts(
            start=self.ready,
            before=self._at(finds.called) - self.ready,
            finds=self._called(_FINDS, at, lambda_),
            between=(reserves.called - finds.answered) * 1000,
            reserves=self._called(_RESERVES, at, lambda_),
            after=self.answered - self._at(reserves.answered),
        )

    def _called(self, name: str, at: Stand, lambda_: Neighbours) -> Called:
        moments = lambda_.of(name).moments
        wake, answer = _woken(at.subjects[name], at.endpoint, lambda_.of(name).call)
        return Called(
            woken=None if moments.woken is None else self._at(moments.woken),
            start=(moments.ready - moments.started) * 1000,
            wake=wake,
            first=(moments.answered - moments.ready) * 1000,
            answer=answer,
        )

    def _at(self, moment: float) -> float:
        return (moment - self.started) * 1000


def _woken(subject: Subject, endpoint: str, call: bytes) -> tuple[float, float]:
    """Milliseconds for a wake, and for a call after it, in an environment of their own."""
    with Environment(subject, endpoint) as environment:
        ready = environment.until_ready()
        environment.invoke(_WAKE)
        woken = environment.spent()
        environment.invoke(call)
        answered = environment.spent()
    return woken.since(ready).wall * 1000, answered.since(woken).wall * 1000


def _orders(rounds: Sequence[_Round]) -> Table:
    slowest = [one.parts.slowest for one in rounds]

    def row(name: str, wall: Sequence[float], goal: float | None = None) -> tuple[str, str, str]:
        ratios = [one / start for one, start in zip(wall, slowest, strict=True)]
        return name, spread(wall), spread(ratios, 2) + (f" {mark(ratios, goal)}" if goal else "")

    rows = (
        ("goal", "", f"≤ {GOAL}", ""),
        (
            *row("one after another, as it ran", [one.chain for one in rounds]),
            spread([one.chain_cpu for one in rounds]),
        ),
        (
            *row("overlapping, composed", [one.composed.answered for one in rounds], GOAL),
            "",
        ),
        (
            *row("overlapping, as it ran", [one.overlapped for one in rounds]),
            spread([one.overlapped_cpu for one in rounds]),
        ),
    )
    return Table(
        "Process start of OrdersApi to the answer of `POST /api/v1/orders`",
        ("three functions start", "wall, ms", "÷ start of the slowest", "CPU of all, ms"),
        rows,
        "One after another is the order without wakes: each function starts when it is called, and"
        " nothing else runs meanwhile. Composed are the same parts, laid side by side as wakes let"
        " them overlap where each function has processors of its own, as in Lambda. As it ran are"
        f" three processes at once on the {os.cpu_count()} cores of this machine. All without"
        " Lambda's sandboxes and without TLS. The picture shows the parts of one round:\n\n"
        "![The first order after idle, before and after](first-order.svg)",
    )


def _parts(rounds: Sequence[_Round]) -> Table:
    rows: list[tuple[str, str]] = []

    def row(name: str, part: Callable[[_Round], float]) -> None:
        rows.append((name, spread([part(one) for one in rounds], 1)))

    def of_neighbour(name: str, call: str, part: Callable[[Parts], Called]) -> None:
        row(f"{name}: start to ready", lambda one: part(one.parts).start)
        row(f"{name}: wake", lambda one: part(one.parts).wake)
        row(f"{name}: {call}, as its first answer", lambda one: part(one.parts).first)
        row(f"{name}: {call}, after a wake", lambda one: part(one.parts).answer)

    row("OrdersApi: start to ready", lambda one: one.parts.start)
    row("OrdersApi: ready to the call of UsersDirectory", lambda one: one.parts.before)
    of_neighbour(_FINDS, "find_customer", lambda parts: parts.finds)
    row("OrdersApi: to the call of ProductsInventory", lambda one: one.parts.between)
    of_neighbour(_RESERVES, "reserve", lambda parts: parts.reserves)
    row("OrdersApi: transaction and answer", lambda one: one.parts.after)
    if all(one.parts.finds.woken and one.parts.reserves.woken for one in rounds):
        row(
            "OrdersApi: start to the wake of UsersDirectory", lambda one: one.parts.finds.woken or 0
        )
        row(
            "OrdersApi: start to the wake of ProductsInventory",
            lambda one: one.parts.reserves.woken or 0,
        )
        row("UsersDirectory: free until it is called", lambda one: one.composed.finds.lead)
        row("ProductsInventory: free until it is called", lambda one: one.composed.reserves.lead)
    return Table(
        "The parts, each measured while nothing else runs",
        ("part", "wall, ms"),
        tuple(rows),
        "Were a function not free yet when it is called (a negative time), the composed order would"
        " wait for it; Lambda might start a second environment for the call.",
    )
