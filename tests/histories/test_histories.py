"""However often, late and out of order events are delivered: every order ends alike, and each event
has one notification.

`--hypothesis-profile=torture` tries ten thousand histories.
"""

import gc
import io
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import Phase, event, example, given, settings
from hypothesis import strategies as st

from tests.histories.orders import Errand, Orders
from tests.histories.post import Delivering, Post, Relaying
from tests.simulation.shop import SimulatedShop, opened
from tests.support.books import Books
from tests.support.invariants import breaches

# Hypothesis's default of 100 takes half a minute. The torture profile says how many.
EXAMPLES: Final = settings().max_examples if settings().max_examples > 100 else 40
# As long as an order is pending: less than its stock is held for, after which it would rightly end
# otherwise.
LONGEST: Final = timedelta(minutes=13)


@dataclass(frozen=True)
class Acting:
    """The next change of this order, if it is in the right status."""

    order: int


@dataclass(frozen=True)
class Waiting:
    seconds: int


@dataclass(frozen=True)
class Sweeping:
    sweeper: str


@dataclass(frozen=True)
class Indexing:
    """The tables' indexes fall behind, or catch up."""

    behind: bool


type Step = Relaying | Delivering | Acting | Waiting | Sweeping | Indexing
type Errands = Sequence[Errand]

relaying: Final = st.builds(
    Relaying, stream=st.integers(0, 1), new=st.integers(0, 5), again=st.sampled_from([0, 0, 1, 5])
)
delivering: Final = st.builds(
    Delivering,
    queue=st.integers(0, 1),
    picks=st.lists(st.tuples(st.integers(0, 7), st.integers(1, 5)), min_size=1, max_size=4),
    together=st.booleans(),
    again=st.booleans(),
)
others: Final = (
    st.builds(Acting, order=st.integers(0, 2))
    | st.builds(Waiting, seconds=st.sampled_from([1, 20, 70, 300, 7200]))
    | st.builds(Sweeping, sweeper=st.sampled_from(["OrdersSweeper", "ProductsSweeper"]))
    | st.builds(Indexing, behind=st.booleans())
)
histories: Final = st.lists(relaying | delivering | others, max_size=24)


# An index still shows as held, and as expired, what was sold long ago.
SOLD_LONG_AGO: Final = (
    Indexing(behind=True),
    *(Relaying(stream, new=5, again=0) for stream in (1, 0)),
    *(Delivering(queue, picks=[(0, 1)], together=True, again=False) for queue in (1, 0)),
    Waiting(7200),
    Sweeping("ProductsSweeper"),
)


@dataclass
class Play:
    """A history's orders and their events."""

    shop: SimulatedShop
    orders: Orders
    post: Post = field(init=False)

    def __post_init__(self) -> None:
        self.post = Post(self.shop)
        self._began = datetime.now(UTC)

    def take(self, step: Step) -> None:
        match step:
            case Relaying():
                self.post.relay(step)
            case Delivering():
                self.post.deliver(step)
            case Acting():
                self.orders.act(step.order)
            case Sweeping():
                self.shop.tick(step.sweeper)
            case Indexing(behind=True):
                self.shop.cloud.dynamodb.let_indexes_fall_behind()
            case Indexing():
                self.shop.cloud.dynamodb.let_indexes_catch_up()
            case Waiting():
                passing = timedelta(seconds=step.seconds)
                moment = datetime.now(UTC) + passing
                if moment - self._began < LONGEST or not self.orders.is_any_pending():
                    self.shop.pass_time(passing)

    def end(self, *, echo: bool) -> Books:
        """Finish all work; with `echo`, deliver everything a second time, days later. Return what
        is stored."""
        shop = self.shop
        shop.cloud.dynamodb.let_indexes_catch_up()
        self.orders.finish(shop.come_to_rest)
        if echo:
            shop.pass_time(timedelta(days=3))
            self.post.bring_all_again()
            shop.come_to_rest()
        shop.pass_every_deadline()
        return shop.books()


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[[Errands], Play]]:
    """Begins anew, with orders that are placed for these errands."""
    # The lines of ten thousand histories would fill the memory.
    logging.disable(logging.CRITICAL)
    with opened() as shop:
        restore = shop.remember()

        def begin(errands: Errands) -> Play:
            restore()
            return Play(shop, Orders(shop, errands))

        # What was made until here is not garbage, and need not be looked through again and again.
        gc.freeze()
        yield begin
        gc.unfreeze()
    logging.disable(logging.NOTSET)


@pytest.mark.timeout(10 * EXAMPLES)
@settings(max_examples=EXAMPLES, deadline=None, phases=set(Phase) - {Phase.explain})
@given(
    errands=st.lists(st.sampled_from(Errand), min_size=1, max_size=3),
    history=histories,
    echo=st.booleans(),
)
@example(errands=[Errand.KEPT], history=SOLD_LONG_AGO, echo=False)
@example(errands=list(Errand)[:3], history=[], echo=False)
@example(errands=list(Errand)[3:6], history=[], echo=False)
@example(errands=list(Errand)[7:10], history=[], echo=False)
@example(errands=list(Errand)[10:], history=[], echo=False)
def test_orders_end_alike_however_their_events_are_delivered(
    start: Callable[[Errands], Play], errands: Errands, history: Sequence[Step], *, echo: bool
) -> None:
    for errand in errands:
        event(errand.name)
    with redirect_stdout(io.StringIO()):
        play = start(errands)
        for step in history:
            play.take(step)
        books = play.end(echo=echo)
    assert breaches(books, play.shop.witness) == []
    assert play.orders.fates(books) == [errand.fate for errand in errands]
    low = [email.subject for email in books.emails if email.to == "admin@example.com"]
    assert low == ["Running low: Mug"] * (len(errands) > 1)
