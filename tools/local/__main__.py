"""The commands behind `make run`, `make stop`, `make sam-local`, `make deploy` and others."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Callable

from rich.console import Console

from tools.commands import last_line
from tools.local import cloud, containers, front, logs, mail, processes, summary, target
from tools.local.arguments import Parser, forget_own_aws, parameters, port, running_shop
from tools.local.places import APP_PYTHON, HOST, ROOT
from tools.local.shop import Shop
from tools.progress import Problem, end_as_by_ctrl_c, exit_code, step


def run(arguments: argparse.Namespace) -> None:
    shop = Shop.on(arguments.port)
    suffix = summary.on(shop.port)
    if shop.is_running():
        raise Problem(
            f"A shop is open at {shop.url} already: `make deploy-local{suffix}` deploys changed "
            f"code into it, `make stop{suffix}` ends it."
        )
    # A shop that was killed has left files behind.
    shop.stop()
    if processes.listening(shop.port):
        raise Problem(
            f"Port {shop.port} is in use by another program: end that, or choose another port "
            f"with `make run PORT={shop.port + 100}`."
        )
    shop.parameters = {"PaymentProvider": arguments.payments}
    shop.stripe_key = _stripe_key()
    console = Console()
    try:
        shop.start()
        _seed(shop)
        if arguments.limits:
            shop.enforce_limits()
        summary.show(console, shop, detached=arguments.detach)
        if not arguments.detach:
            api, everything = shop.folder / front.API_FILE, shop.folder / "functions.log"
            logs.follow(shop.endpoint, api, everything, console)
    except KeyboardInterrupt:
        # Another Ctrl-C must not interrupt the clean-up.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        console.print()
        arguments.detach = False
    except BaseException:
        shop.stop()
        raise
    if not arguments.detach:
        with step("stopping"):
            shop.stop()


def _stripe_key() -> str:
    """The key of one's own test account at Stripe, or an empty text."""
    # Not an argument, which each user of this machine could read.
    key = os.environ.get("STRIPE_KEY", "")
    if key and not key.startswith(("sk_test_", "rk_test_")):
        raise Problem("STRIPE_KEY is no test key: it begins with sk_test_ or rk_test_.")
    return key


def _seed(shop: Shop) -> None:
    """Seed the shop, and meanwhile start the functions that the seed does not use."""
    log = shop.folder / "seed.log"
    with step("seed and warm-up"), log.open("wb") as output:
        seeding = subprocess.Popen(
            (APP_PYTHON, "-m", "tools.seed", "--url", shop.url),
            cwd=ROOT,
            env=shop.environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            shop.warm_up()
        finally:
            failed = seeding.wait()
        if failed:
            raise Problem(
                f"The shop could not be seeded: {last_line(log.read_text())}\n"
                f"  Everything it said: {processes.shown(log)}"
            )


def end(arguments: argparse.Namespace) -> None:
    shop = Shop.on(arguments.port)
    if not shop.is_running():
        shop.stop()
        print(f"No shop is open on port {shop.port}.")
        return
    with step("stopping"):
        shop.stop()


def redeploy(arguments: argparse.Namespace) -> None:
    running_shop(arguments.port).redeploy()


def show_mail(arguments: argparse.Namespace) -> None:
    mail.show(running_shop(arguments.port).url, arguments.to)


def sam_local(arguments: argparse.Namespace) -> None:
    where = ("--host", HOST, "--port", str(arguments.sam_port))
    command = ["start-api", *where, "--warm-containers", "LAZY"]
    containers.run(running_shop(arguments.port), command, arguments.more)


def sam_invoke(arguments: argparse.Namespace) -> None:
    command = ["invoke", arguments.target, "--event", arguments.event]
    containers.run(running_shop(arguments.port), command, arguments.more)


def bootstrap(arguments: argparse.Namespace) -> None:
    where = target.target(arguments.environment)
    cloud.prepare(where, arguments.sender, arguments.parameters)


def deploy(arguments: argparse.Namespace) -> None:
    where = target.target(arguments.environment, arguments.stack)
    cloud.deploy(where, arguments.parameters, agreed=arguments.yes)


def destroy(arguments: argparse.Namespace) -> None:
    where = target.target(arguments.environment, arguments.stack)
    cloud.destroy(where, agreed=arguments.yes, with_data=arguments.with_data)


def _parse() -> argparse.Namespace:
    parser = Parser(prog="python -m tools.local", description=__doc__)
    commands = parser.add_subparsers(required=True)

    def command(name: str, function: Callable[[argparse.Namespace], None]) -> Parser:
        subparser = commands.add_parser(name)
        subparser.add_argument("--port", type=port, default=3000, metavar="PORT")
        subparser.set_defaults(function=function)
        return subparser

    run_command = command("run", run)
    run_command.add_argument("--detach", action="store_true")
    run_command.add_argument("--limits", action="store_true")
    run_command.add_argument("--payments", choices=("sandbox", "stripe"), default="sandbox")
    command("stop", end)
    command("redeploy", redeploy)
    command("mail", show_mail).add_argument("--to", default="")
    in_containers = command("sam-local", sam_local)
    in_containers.add_argument("--sam-port", type=port, default=3001)
    in_containers.add_argument("more", nargs="*")
    invoke_command = command("sam-invoke", sam_invoke)
    invoke_command.add_argument("target", help="a function of the template")
    invoke_command.add_argument("event", help="a file of events/")
    invoke_command.add_argument("more", nargs="*")
    in_account = {
        function: commands.add_parser(function.__name__)
        for function in (bootstrap, deploy, destroy)
    }
    for function, subparser in in_account.items():
        subparser.add_argument("environment", metavar="ENV")
        subparser.set_defaults(function=function)
    # An empty argument is a variable of make that is not set.
    in_account[bootstrap].add_argument("--sender", default="")
    for function in (bootstrap, deploy):
        in_account[function].add_argument("--parameters", type=parameters, default={})
    for function in (deploy, destroy):
        target.add_arguments(in_account[function])
        in_account[function].add_argument("--yes", action="store_true")
    in_account[destroy].add_argument("--with-data", action="store_true")
    return parser.parse_args()


def main() -> None:
    arguments = _parse()
    if arguments.function not in (bootstrap, deploy, destroy):
        forget_own_aws()
    arguments.function(arguments)


if __name__ == "__main__":
    end_as_by_ctrl_c()
    sys.exit(exit_code(main))
