"""`python -m tools.first_admin --env dev --email a@b.c`: make a registered user an admin.

No API may name the first admin, so this writes to the table, with the AWS credentials of the
environment. It shows the account and asks first: anybody may have registered with the address. Run
again, it changes nothing. The account gets an admin's token at its next log-in.
"""

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from tools.local import target
from tools.local.places import ROOT
from tools.local.stack import outputs
from tools.progress import Problem, exit_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from users.accounts.models import User
    from users.accounts.ports import Users


def describe(user: "User") -> str:
    """What tells the account from one that somebody else has registered."""
    confirmed = "confirmed" if user.email_confirmed else "NOT CONFIRMED"
    return (
        f"  id          {user.id}\n"
        f"  e-mail      {user.email} ({confirmed})\n"
        f"  name        {user.full_name}\n"
        f"  registered  {user.created_at}"
    )


def make_admin(
    users: "Users", email: str, *, agrees: "Callable[[User], bool]" = lambda _: True
) -> str:
    """Make the user with this address an admin; return a sentence that says what was done.

    Args:
        agrees: asked before the change.

    Raises:
        Problem: there is no active user with the address, or a concurrent request changed it.
    """
    from shared.storage.conflicts import ConcurrentChange

    if not email:
        raise Problem("Give the address of the user: EMAIL=you@example.com")
    user = users.find_by_email(email)
    if user is None:
        raise Problem(f"{email} is not registered: register it first, then repeat this.")
    if not user.is_active:
        raise Problem(f"The account {email} is deactivated: another admin may activate it.")
    after = user.changed(role="admin")
    if after == user:
        return f"{email} is an admin already."
    if not agrees(user):
        return "Nothing was changed."
    try:
        users.save(user, after)
    except ConcurrentChange:
        raise Problem(f"The account {email} was changed at the same moment: try again.") from None
    return f"{email} is an admin now, from the next log-in on."


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.first_admin", description=__doc__)
    parser.add_argument("--env", required=True, help="the environment of samconfig.toml")
    target.add_arguments(parser)
    parser.add_argument("--email", required=True, help="the address that the user registered with")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args(arguments)

    from shared.storage.dynamodb import Table
    from users.accounts.repository import DynamoUsers

    where = target.target(options.env, options.stack)
    session = where.session()
    try:
        names, dynamodb = (
            outputs(session.client("cloudformation"), where.stack),
            session.client("dynamodb"),
        )
        users = DynamoUsers(
            Table(names["UsersTableName"], dynamodb), Table(names["CredentialsTable"], dynamodb)
        )
        print(make_admin(users, options.email, agrees=partial(_agrees, asks=not options.yes)))
    except (BotoCoreError, ClientError) as cause:
        raise Problem(f"The users' table cannot be used: {cause}") from None


def _agrees(user: "User", *, asks: bool) -> bool:
    print(describe(user))
    if not asks:
        return True
    try:
        return input("Make this account an admin? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False


if __name__ == "__main__":
    # Only the repository's root is on the path of a program; hence the late imports too.
    sys.path[:0] = [str(ROOT / "functions"), str(ROOT / "layers/shared")]
    sys.exit(exit_code(main))
