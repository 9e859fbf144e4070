"""The command behind `make dlq`: `python -m tools.dlq --port 3000 --action show --queue checkout`.

The queues, and the events that a relay quarantined (orders-events), are those of the shop on a port of this machine, or with --env those of a deployed shop, with this machine's
AWS credentials.
"""

import argparse
import sys
from collections.abc import Mapping

from botocore.exceptions import BotoCoreError, ClientError

from tools.dlq import commands
from tools.dlq.commands import Desk, Letters
from tools.dlq.quarantine import quarantines_of
from tools.dlq.queues import queues_of
from tools.local import stack, summary, target
from tools.local.arguments import Parser, forget_own_aws, port, running_shop
from tools.progress import Problem, stop

_ACTIONS = ("list", "show", "redrive", "purge")


def _action(text: str) -> str:
    if text in ("", *_ACTIONS):
        return text
    raise argparse.ArgumentTypeError(f"{text} is none of {', '.join(_ACTIONS)}")


def _positive(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text):
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is no number of messages")


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    # An empty argument is a variable of make that nobody has set.
    parser = Parser(prog="python -m tools.dlq", description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--port", type=port, help="the port of an open shop")
    where.add_argument("--env", help="a deployed shop, by its environment in samconfig.toml")
    target.add_arguments(parser)
    parser.add_argument("--action", default="", type=_action)
    parser.add_argument("--queue", default="")
    parser.add_argument("--id", default="", help="one message alone")
    parser.add_argument("--limit", type=_positive, default=10, help="how many to show")
    parser.add_argument("--yes", action="store_true", help="redrive without asking")
    options = parser.parse_args(arguments)
    options.action = options.action or ("show" if options.queue else "list")
    return options


def _desk(options: argparse.Namespace) -> Desk:
    if options.env is not None:
        where = target.target(options.env, options.stack)
        shop, suffix = where.stack, where.suffix
        session = where.session()
        outputs: Mapping[str, str] = stack.outputs(session.client("cloudformation"), where.stack)
        queues: dict[str, Letters] = {
            **queues_of(session.client("sqs"), outputs),
            **quarantines_of(session.client("dynamodb"), outputs),
        }
    else:
        shop, suffix = f"the shop on port {options.port}", summary.on(options.port)
        running = running_shop(options.port)
        forget_own_aws()
        outputs, session = running.stack().outputs, stack.session()
        queues = {
            **queues_of(session.client("sqs", endpoint_url=running.endpoint), outputs),
            **quarantines_of(session.client("dynamodb", endpoint_url=running.endpoint), outputs),
        }
    if not queues:
        raise Problem(
            f"{shop[0].upper()}{shop[1:]} tells of no dead-letter queues: deploy it anew."
        )
    return Desk(queues, shop, suffix)


def _run(options: argparse.Namespace) -> None:
    desk, only = _desk(options), options.id or None
    if options.action == "list":
        commands.list_all(desk)
        return
    queue = desk.queue(options.queue)
    match options.action:
        case "show":
            commands.show(desk, queue, limit=options.limit, only=only)
        case "redrive":
            commands.redrive(desk, queue, only=only, agreed=options.yes)
        case "purge":
            commands.purge(desk, queue, only=only)


def main(arguments: list[str] | None = None) -> int:
    try:
        _run(_parse(arguments))
    except Problem as problem:
        return stop(problem)
    except (BotoCoreError, ClientError) as cause:
        return stop(Problem(f"The queues cannot be used: {cause}"))
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
