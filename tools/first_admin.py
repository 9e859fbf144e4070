"""`python -m tools.first_admin --env dev --email a@b.c`: make a registered user an admin.

No API may name the first admin, so this writes to the table, with the AWS credentials of the
environment. Run again, it changes nothing. The account gets an admin's token at its next log-in or
refresh.
"""

import argparse
import sys
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from tools.local import target
from tools.local.places import ROOT
from tools.local.stack import outputs
from tools.progress import Problem, exit_code

if TYPE_CHECKING:
    from users.accounts.ports import Users


def make_admin(users: "Users", email: str) -> str:
    """Make the user with this address an admin; return a sentence that says what was done.

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
            Table(names["UsersTableName"], dynamodb), Table(names["CredentialsTableName"], dynamodb)
        )
        print(make_admin(users, options.email))
    except (BotoCoreError, ClientError) as cause:
        raise Problem(f"The users' table cannot be used: {cause}") from None


if __name__ == "__main__":
    # Only the repository's root is on the path of a program; hence the late imports too.
    sys.path[:0] = [str(ROOT / "functions"), str(ROOT / "layers/shared")]
    sys.exit(exit_code(main))
