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
from typing import Final

from bench import stand, waterfall
from bench.environment import Environment, Spent
from bench.neighbours import Moments, Neighbour, Neighbours
from bench.report import Table, mark, spread
from bench.stand import Stand
from bench.subjects import Subject
from tools.progress import step

ROUNDS: Final = 7
GOAL: Final = 1.25
_COMPOSED: Final = "overlapping, composed"
_PLACES: Final = "OrdersApi"
_FINDS: Final = "UsersDirectory"
_RESERVES: Final = "ProductsInventory"

type _Row = tuple[str, str, str, str]


@dataclass(frozen=True)
class Called:
    """The parts of a neighbour's work, in milliseconds on the clock or of CPU.

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
    """What was measured in one round.

    Attributes:
        wall: the parts on the clock.
        cpu: the parts' CPU times, without what AWS needs to answer.
        chain: the order whose parts these are.
        overlapped: an order of three processes at once.
    """

    wall: Parts
    cpu: Parts
    chain: Spent
    overlapped: Spent


def measure() -> list[Table]:
    """The tables, and docs/first-order.svg."""
    rounds = []
    with stand.opened() as at:
        for number in range(1, ROUNDS + 1):
            with step(f"orders after idle, {number} of {ROUNDS}"):
                rounds.append(_measured(at))
    middle = sorted(rounds, key=lambda one: laid_out(one.wall, wakes=True).answered)[ROUNDS // 2]
    waterfall.write(*(laid_out(middle.wall, wakes=wakes) for wakes in (False, True)))
    return [_orders(rounds), _parts(rounds)]


def _measured(at: Stand) -> _Round:
    with Neighbours(_internal(at), at.endpoint, wakes=False) as lambda_:
        ready, answered = _placed(at, lambda_)
        chain = Spent(answered.cpu + lambda_.cpu(), answered.wall)
        neighbours = [lambda_.of(name) for name in (_FINDS, _RESERVES)]
    woken = [_after_a_wake(at, name, lambda_.of(name)) for name in (_FINDS, _RESERVES)]

    def parts(clock: Clock) -> Parts:
        finds, reserves = (neighbour.moments for neighbour in neighbours)
        return Parts(
            start=clock(ready),
            before=clock(finds.called) - clock(ready),
            finds=_called(finds, *woken[0], clock),
            between=clock(reserves.called) - clock(finds.returned),
            reserves=_called(reserves, *woken[1], clock),
            after=clock(answered) - clock(reserves.returned),
        )

    with Neighbours(_internal(at), at.endpoint, wakes=True) as lambda_:
        overlapped = _placed(at, lambda_)[1]
        overlapped = Spent(overlapped.cpu + lambda_.cpu(), overlapped.wall)
    return _Round(parts(_wall), parts(_cpu), chain, overlapped)


type Clock = Callable[[Spent], float]
"""Milliseconds of one kind."""


def _wall(spent: Spent) -> float:
    return spent.wall * 1000


def _cpu(spent: Spent) -> float:
    return spent.cpu * 1000


def _after_a_wake(at: Stand, name: str, neighbour: Neighbour) -> tuple[Spent, Spent]:
    """What a wake needs, and a call after it, in an environment of their own. Without a wake, the
    call is the first."""
    moments = neighbour.moments
    first = moments.answered.since(moments.ready)
    if neighbour.wake is None:
        return Spent(0, 0), first
    with Environment(at.subjects[name], at.endpoint) as environment:
        ready = environment.until_ready()
        environment.invoke(neighbour.wake)
        woken = environment.spent()
        environment.invoke(neighbour.call)
        return woken.since(ready), environment.spent().since(woken)


def _called(moments: Moments, wake: Spent, answer: Spent, clock: Clock) -> Called:
    return Called(
        woken=None if moments.woken is None else clock(moments.woken),
        start=clock(moments.ready),
        wake=clock(wake),
        first=clock(moments.answered.since(moments.ready)),
        answer=clock(answer),
    )


def _internal(at: Stand) -> dict[str, Subject]:
    return {name: at.subjects[name] for name in (_FINDS, _RESERVES)}


def _placed(at: Stand, lambda_: Neighbours) -> tuple[Spent, Spent]:
    """Start OrdersApi, and have it place an order; what it has spent when it is ready, and when it
    has answered. Lambda is asked of the neighbours, the rest of the canned AWS."""
    subject = at.asked_first[_PLACES]
    endpoints = {f"AWS_ENDPOINT_URL_{service}": at.endpoint for service in ("DYNAMODB", "KMS")}
    subject = replace(subject, variables=subject.variables | endpoints)
    with Environment(subject, lambda_.endpoint) as environment:
        lambda_.caller = environment
        ready = environment.until_ready()
        answer = environment.invoke(subject.event)
        answered = environment.spent()
        environment.check(answer, subject)
        lambda_.check()
    lambda_.caller = None
    return ready, answered


def _orders(rounds: Sequence[_Round]) -> Table:
    def row(name: str, kind: str, figures: Sequence[float], slowest: Sequence[float]) -> _Row:
        ratios = [one / start for one, start in zip(figures, slowest, strict=True)]
        marked = f" {mark(ratios, GOAL)}" if name == _COMPOSED else ""
        return name, kind, spread(figures), f"{spread(ratios, 2)}{marked}"

    wall, cpu = ([one.wall.slowest for one in rounds], [one.cpu.slowest for one in rounds])
    composed = [
        [laid_out(parts, wakes=True).answered for parts in same]
        for same in ([one.wall for one in rounds], [one.cpu for one in rounds])
    ]
    rows = (
        ("goal", "", "", f"≤ {GOAL}"),
        row("one after another, as it ran", "wall", [_wall(one.chain) for one in rounds], wall),
        row("one after another, as it ran", "CPU", [_cpu(one.chain) for one in rounds], cpu),
        row(_COMPOSED, "wall", composed[0], wall),
        row(_COMPOSED, "CPU", composed[1], cpu),
        row("overlapping, as it ran", "wall", [_wall(one.overlapped) for one in rounds], wall),
    )
    return Table(
        "Process start of OrdersApi to the answer of `POST /api/v1/orders`",
        ("three functions start", "time", "ms", "÷ start of the slowest"),
        rows,
        "One after another is the order without wakes: each function starts when it is called, and"
        " nothing else runs meanwhile. Composed are the same parts, laid side by side as wakes let"
        " them overlap where each function has processors of its own, as in Lambda. CPU times leave"
        " out what AWS needs to answer, and hold on a busy machine too. As it ran are three"
        f" processes at once on the {os.cpu_count()} cores of this machine. All without Lambda's"
        " sandboxes and without TLS. The picture shows the parts of one round:\n\n"
        "![The first order after idle, before and after](first-order.svg)",
    )


def _parts(rounds: Sequence[_Round]) -> Table:
    rows: list[tuple[str, str, str]] = []

    def row(name: str, part: Callable[[Parts], float]) -> None:
        figures = ([part(one.wall) for one in rounds], [part(one.cpu) for one in rounds])
        rows.append((name, spread(figures[0], 1), spread(figures[1], 1)))

    def of_neighbour(name: str, call: str, of: Callable[[Parts], Called]) -> None:
        row(f"{name}: start to ready", lambda parts: of(parts).start)
        row(f"{name}: {call}, as its first answer", lambda parts: of(parts).first)
        row(f"{name}: {call}, after a wake", lambda parts: of(parts).answer)

    row("OrdersApi: start to ready", lambda parts: parts.start)
    row("OrdersApi: ready to the call of UsersDirectory", lambda parts: parts.before)
    row("OrdersApi: to the call of ProductsInventory", lambda parts: parts.between)
    row("OrdersApi: transaction and answer", lambda parts: parts.after)
    of_neighbour(_FINDS, "find_customer", lambda parts: parts.finds)
    of_neighbour(_RESERVES, "reserve", lambda parts: parts.reserves)
    if all(one.wall.finds.woken and one.wall.reserves.woken for one in rounds):
        row("OrdersApi: start to the first wake", lambda parts: parts.finds.woken or 0)
        row(
            "UsersDirectory: free until it is called",
            lambda parts: laid_out(parts, wakes=True).finds.lead,
        )
        row(
            "ProductsInventory: free until it is called",
            lambda parts: laid_out(parts, wakes=True).reserves.lead,
        )
    return Table(
        "The parts, each measured while nothing else runs",
        ("part", "wall, ms", "CPU, ms"),
        tuple(rows),
        "Were a function not free yet when it is called (a negative time), the composed order would"
        " wait for it; Lambda might start a second environment for the call.",
    )
