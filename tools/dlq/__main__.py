"""The command behind `make dlq`: `python -m tools.dlq --port 3000 --action show --queue checkout`.

Of the open shop on a port of this machine, or with --env of a deployed shop, with this machine's
AWS credentials.
"""

import argparse
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice

from botocore.exceptions import BotoCoreError, ClientError

from tools.dlq.letters import DeadLetter, DeadLetters, dead_letters_of
from tools.local import stack, summary, target
from tools.local.arguments import Parser, forget_own_aws, port, running_shop
from tools.progress import Problem, stop

_ACTIONS = ("", "list", "show", "redrive", "purge")
_DONE = {"redrive": "moved back", "purge": "deleted"}


def list_all(queues: Mapping[str, DeadLetters], suffix: str) -> None:
    """Print the number of letters of each queue; `suffix` are make's arguments for this shop."""
    width = max(map(len, queues))
    counts = {name: queue.count() for name, queue in queues.items()}
    for name, count in counts.items():
        print(f"  {name:<{width}}  {count:>6}")
    for name, count in counts.items():
        if count:
            print(f"To see why: make dlq ACTION=show QUEUE={name}{suffix}")
    if not any(counts.values()):
        print("Nothing to do.")


def show(queue: DeadLetters, only: str, limit: int) -> None:
    """Print letters and their reasons; with the id of one, that one with its body."""
    count = queue.count()
    with queue.reading() as letters:
        chosen = [one for one in letters if one.id == only] if only else islice(letters, limit)
        shown = [_described(letter, with_body=bool(only)) for letter in chosen]
    if only and not shown:
        raise Problem(f"There is no message {_printable(only)} in {queue.name}.")
    for description in shown:
        for name, value in description.items():
            print(f"  {name:<10}{_printable(value)}")
        print()
    print(f"{len(shown)} of {max(count, len(shown))} in {queue.name}.", end=" ")
    print("ACTION=redrive has them handled again, ACTION=purge deletes them; ID=… means one alone.")


def change(queue: DeadLetters, action: str, only: str, *, agreed: bool = False) -> None:
    """Redrive or purge letters, if the person at the terminal agrees.

    Raises:
        Problem: there is no such letter, or AWS does not answer.
    """
    # At most so many: letters that fail again meanwhile come back into the queue.
    most = 1 if only else queue.count()
    what = f"message {_printable(only)}" if only else f"{most} messages"
    wanted = ("y", "yes") if action == "redrive" else (queue.name,)
    if not agreed:
        question = f"{action.title()} {what} of {queue.name}?"
        hint = "[y/N]" if action == "redrive" else f"Type {queue.name}:"
        if _answer(f"{question} {hint} ") not in wanted:
            print("Nothing was changed.")
            return
    done = 0
    with queue.reading() as letters:
        chosen = (one for one in letters if only in ("", one.id))
        for letter in islice(chosen, most):
            (queue.redrive if action == "redrive" else queue.purge)(letter)
            done += 1
    if only and not done:
        raise Problem(f"There is no message {_printable(only)} in {queue.name}.")
    print(f"▸ {_DONE[action]}: {done} of {most}")
    if done < most:
        print("SQS shows no more now: another reader may have received them, for two minutes.")


def _described(letter: DeadLetter, *, with_body: bool) -> dict[str, str]:
    """The letter's lines by their labels. Its body has personal data, and is shown on demand."""
    event, notes = letter.event, letter.notes
    minutes = (datetime.now(UTC) - letter.at) // timedelta(minutes=1)
    described = {
        "id": letter.id,
        "since": f"{letter.at:%Y-%m-%d %H:%M:%S} UTC, {minutes} min ago",
        "event": f"{event.get('type', 'no event')} {event.get('id', '')}".strip(),
        "request": str(notes.get("RequestId") or event.get("request_id") or "unknown"),
        "attempts": f"{notes['Attempts']}, by {notes.get('FailedFunction')}, first "
        f"{notes.get('FirstReceivedAt')}"
        if "Attempts" in notes
        else "",
        "reason": notes.get("Reason", "none: SQS moved it after the last attempt timed out"),
        "body": letter.body if with_body else "",
    }
    return {name: value for name, value in described.items() if value}


def _answer(question: str) -> str:
    try:
        return input(question).strip()
    except EOFError:
        raise Problem("There is no terminal to answer from: nothing was changed.") from None


def _printable(text: str) -> str:
    """Without control characters, which a terminal would obey."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    # An empty argument is a variable of make that is not set.
    parser = Parser(prog="python -m tools.dlq", description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--port", type=port, help="the port of an open shop")
    where.add_argument("--env", help="a deployed shop, by its environment in samconfig.toml")
    target.add_arguments(parser)
    parser.add_argument("--action", default="", choices=_ACTIONS)
    parser.add_argument("--queue", default="")
    parser.add_argument("--id", default="", help="one message alone")
    parser.add_argument("--limit", type=int, default=10, help="how many to show")
    parser.add_argument("--yes", action="store_true", help="redrive without asking")
    return parser.parse_args(arguments)


def _chosen(queues: Mapping[str, DeadLetters], name: str) -> DeadLetters:
    if name not in queues:
        names = " or ".join(f"QUEUE={name}" for name in queues)
        raise Problem(f"There is no queue {_printable(name)!r}: choose {names}.")
    return queues[name]


def _queues(options: argparse.Namespace) -> tuple[dict[str, DeadLetters], str]:
    """The dead letters of the shop that is meant, and the arguments of make that mean it."""
    if options.env is not None:
        where = target.target(options.env, options.stack)
        session, suffix, endpoint = where.session(), where.suffix, None
        outputs: Mapping[str, str] = stack.outputs(session.client("cloudformation"), where.stack)
    else:
        shop, suffix = running_shop(options.port), summary.on(options.port)
        forget_own_aws()
        session, endpoint, outputs = stack.session(), shop.endpoint, shop.stack().outputs
    sqs = session.client("sqs", endpoint_url=endpoint)
    dynamodb = session.client("dynamodb", endpoint_url=endpoint)
    return dead_letters_of(sqs, dynamodb, outputs), suffix


def main(arguments: list[str] | None = None) -> int:
    try:
        options = _parse(arguments)
        queues, suffix = _queues(options)
        action = options.action or ("show" if options.queue else "list")
        if action == "list":
            list_all(queues, suffix)
            return 0
        queue = _chosen(queues, options.queue)
        if action == "show":
            show(queue, options.id, options.limit)
        else:
            agreed = options.yes and action == "redrive"
            change(queue, action, options.id, agreed=agreed)
    except Problem as problem:
        return stop(problem)
    except (BotoCoreError, ClientError) as cause:
        return stop(Problem(f"The queues cannot be used: {cause}"))
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
