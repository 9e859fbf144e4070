"""What `make dlq` does and says."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from tools.dlq.quarantine import QuarantinedEvents
from tools.dlq.queues import DeadLetter, DeadLetterQueue
from tools.progress import Problem

type Letters = DeadLetterQueue | QuarantinedEvents

_GLANCE: Final = 10
_NO_MORE: Final = (
    "SQS shows no more now: somebody may be reading the others, for two minutes at most."
)
_UNITS: Final = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


@dataclass(frozen=True)
class Desk:
    """A shop's dead-letter queues and quarantined events.

    Attributes:
        shop: what to call the shop in a sentence.
        suffix: what `make dlq` needs after it to mean this shop.
        ask: puts a question to whoever sits there.
    """

    queues: Mapping[str, Letters]
    shop: str
    suffix: str
    ask: Callable[[str], str] = input

    def queue(self, name: str) -> Letters:
        """The queue of that name.

        Raises:
            Problem: there is none.
        """
        if name not in self.queues:
            names = " or ".join(f"QUEUE={name}" for name in self.queues)
            raise Problem(
                f"There is no queue {_plain(name)}: choose {names}."
                if name
                else f"Say which queue: {names}."
            )
        return self.queues[name]

    def answer(self, question: str) -> str:
        """What somebody says to a question.

        Raises:
            Problem: nobody is there.
        """
        try:
            return self.ask(question).strip()
        except EOFError:
            print()
            raise Problem("Nobody is here to answer, so nothing was changed.") from None

    def command(self, action: str, queue: Letters) -> str:
        return f"make dlq ACTION={action} QUEUE={queue.name}{self.suffix}"


def list_all(desk: Desk) -> None:
    """How many messages there are in each queue, and since when."""
    print(f"Dead letters of {desk.shop}:\n")
    width = max(map(len, desk.queues))
    filled = []
    for queue in desk.queues.values():
        count = queue.count()
        age = ""
        if count:
            filled.append(queue)
            age = _age(queue.peek(min(count, _GLANCE)), complete=count <= _GLANCE)
        print(f"  {queue.name:<{width}}  {count:>6}  {age}".rstrip())
    print()
    for queue in filled:
        print(f"To see why: {desk.command('show', queue)}")
    if not filled:
        print("Nothing to do.")


def show(desk: Desk, queue: Letters, *, limit: int, only: str | None) -> None:
    """Each message and why it is there; with `only`, that one with its body."""
    letters = _found(queue, only) if only else queue.peek(limit)
    if not letters:
        print(_nothing(queue))
        return
    for letter in letters:
        for name, value in _told(letter).items():
            print(f"  {name:<10}{_plain(value)}")
        if only:
            print(f"  {'body':<10}{_plain(letter.body)}")
        print()
    alone = f" ID={only}" if only else ""
    if only is None:
        print(f"{len(letters)} of {max(queue.count(), len(letters))} in {queue.name}.", end=" ")
    if isinstance(queue, QuarantinedEvents):
        print("When the cause is mended, release them: the sweeper publishes them in 5 minutes.")
        print("Or give them up: they stay in the history. ID=… is for one alone.")
    else:
        print("When the cause is mended, move back what is here; or delete it.", end=" ")
        print("ID=… is for one alone.")
    print(f"  {desk.command('redrive', queue)}{alone}")
    print(f"  {desk.command('purge', queue)}{alone}")


def redrive(desk: Desk, queue: Letters, *, only: str | None, agreed: bool) -> None:
    """Move messages back to their queue, if that is what is wanted."""
    count = _how_many(queue, only)
    if not count:
        print(_nothing(queue))
        return
    question = f"Move {_messages(count)} back to the queue {queue.name} of {desk.shop}?"
    if not agreed and desk.answer(f"{question} [y/N] ").lower() not in ("y", "yes"):
        print("Nothing was moved.")
        return
    with _progress("moved", count) as tell:
        moved = queue.redrive(count, only, tell=tell)
    if moved < count:
        print(_NO_MORE)
    print(f"Those that fail again come back here: make dlq{desk.suffix}")


def purge(desk: Desk, queue: Letters, *, only: str | None) -> None:
    """Delete messages for good, or never publish events, if the queue's name is typed."""
    count = _how_many(queue, only)
    if not count:
        print(_nothing(queue))
        return
    verb = "Never publish" if isinstance(queue, QuarantinedEvents) else "Delete"
    question = (
        f"{verb} {_messages(count)} of {queue.name}, {desk.shop}, for good? Type {queue.name}: "
    )
    if desk.answer(question) != queue.name:
        print("Nothing was deleted.")
        return
    with _progress("deleted", count) as tell:
        deleted = queue.purge(count, only, tell=tell)
    if deleted < count:
        print(_NO_MORE)


def _told(letter: DeadLetter) -> dict[str, str]:
    """What is said of a message, by its label."""
    event, notes = letter.event, letter.notes
    told = {
        "id": letter.id,
        "since": f"{letter.at:%Y-%m-%d %H:%M:%S} UTC, {_ago(letter.at)} ago",
        "event": f"{event['type']}  {event['id']}"
        if {"type", "id"} <= event.keys()
        else "no event",
    }
    request = notes.get("RequestId") or event.get("request_id")
    if request:
        told["request"] = str(request)
    if "Reason" not in notes:
        told["reason"] = "none: SQS moved it, for its worker died on it or could not write here"
        return told
    if "Attempts" in notes:
        told["attempts"] = f"{notes['Attempts']}, by {notes.get('FailedFunction')}"
        told["first"] = notes.get("FirstReceivedAt", "")
    told["reason"] = notes["Reason"]
    return told


def _how_many(queue: Letters, only: str | None) -> int:
    return len(_found(queue, only)) if only else queue.count()


def _found(queue: Letters, only: str) -> list[DeadLetter]:
    """That one message.

    Raises:
        Problem: it is not there.
    """
    letters = queue.peek(1, only)
    if not letters:
        raise Problem(f"There is no message {_plain(only)} in the dead letters of {queue.name}.")
    return letters


def _messages(count: int) -> str:
    return f"{count} message" if count == 1 else f"{count} messages"


def _nothing(queue: Letters) -> str:
    return f"There is nothing in the dead letters of {queue.name}."


@contextlib.contextmanager
def _progress(done: str, total: int) -> Iterator[Callable[[int], None]]:
    """One line that counts; where it goes into a file, its last state alone."""
    number, is_live = 0, sys.stdout.isatty()

    def tell(now: int) -> None:
        nonlocal number
        number = now
        if is_live:
            print(f"▸ {done} {number} of {total}", end="\r", flush=True)

    try:
        yield tell
    finally:
        print(f"▸ {done} {number} of {total}", flush=True)


def _age(letters: list[DeadLetter], *, complete: bool) -> str:
    if not letters:
        return ""
    age = _ago(min(letter.at for letter in letters))
    return f"the oldest for {age}" if complete else f"some for {age}"


def _ago(moment: datetime) -> str:
    seconds = max(datetime.now(UTC) - moment, timedelta()) // timedelta(seconds=1)
    unit, size = next(((unit, size) for unit, size in _UNITS if seconds >= size), _UNITS[-1])
    return f"{seconds // size} {unit}"


def _plain(text: str) -> str:
    """The text without what a terminal would obey."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
