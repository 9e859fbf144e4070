"""The shop's post, brought as badly as AWS may: late, often, in any order, in batches of any size.

What AWS promises is kept. A stream's records come in their order, but some of them may come again
after they were done; a queue's messages come in any order, several times, and also after they were
deleted.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.simulation.cloud import Message
from tests.simulation.resources import STREAMS, WORKERS, Stream
from tests.simulation.shop import SimulatedShop


@dataclass(frozen=True)
class Relaying:
    """A stream brings its relay so many new records, after so many that it has brought already."""

    stream: int
    new: int
    again: int


@dataclass(frozen=True)
class Delivering:
    """A queue brings its worker these messages, each so often, together or one by one.

    Which message is meant is counted from the oldest, round and round; those that are not named
    stay behind.
    """

    queue: int
    picks: Sequence[tuple[int, int]]
    together: bool
    again: bool
    """Those that were done and deleted come as well."""


class Post:
    """What is on its way in a shop, and what was brought."""

    def __init__(self, shop: SimulatedShop) -> None:
        self._shop = shop
        self._relayed: dict[str, list[Any]] = defaultdict(list)
        self._delivered: dict[str, dict[str, Message]] = defaultdict(dict)

    def relay(self, step: Relaying) -> None:
        shop = self._shop
        moving = [stream for stream in STREAMS if shop.cloud.dynamodb.tables[stream.table].stream]
        stream = (moving or STREAMS)[step.stream % len(moving or STREAMS)]
        table = shop.cloud.dynamodb.tables[stream.table]
        coming = list(filter(stream.carries, table.stream))
        relayed = self._relayed[stream.table]
        records = relayed[max(0, len(relayed) - step.again) :] + coming[: step.new]
        # Before the relay begins, for it may make records of its own.
        table.stream = coming[step.new :]
        relayed += coming[: step.new]
        self._relay(stream, records)

    def deliver(self, step: Delivering) -> None:
        waiting = [name for name in WORKERS if self._shop.cloud.queues[name].messages]
        queue = (waiting or [*WORKERS])[step.queue % len(waiting or WORKERS)]
        messages = list(self._shop.cloud.queues[queue].messages)
        if step.again:
            messages += self._delivered[queue].values()
        if not messages:
            return
        picks = {place % len(messages): times for place, times in step.picks}
        copies = [messages[place] for place, times in picks.items() for _ in range(times)]
        for batch in [copies] if step.together else [[copy] for copy in copies]:
            self._hand_over(queue, batch)
        self._delivered[queue] |= {copy.id: replace(copy, received=0) for copy in copies}

    def _hand_over(self, queue: str, messages: Sequence[Message]) -> None:
        # Nothing is down and nothing else runs, so every message is handled.
        assert self._shop.hand_over(queue, messages) == len(messages)

    def _relay(self, stream: Stream, records: Sequence[Any]) -> None:
        if records:
            answer = self._shop.invoke(stream.relay, {"Records": records})
            assert answer == {"batchItemFailures": []}

    def bring_all_again(self) -> None:
        """Everything that was brought comes once more, the last first."""
        for stream in STREAMS:
            self._relay(stream, self._relayed[stream.table])
        for queue, messages in self._delivered.items():
            self._hand_over(queue, list(messages.values())[::-1])
