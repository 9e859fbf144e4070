"""Errors of accounts.

BodegaError
└─ Conflict
   ├─ AccountErased      409
   └─ EmailTaken         409

`Outdated` is between repository and service: no client sees it.
"""

from shared.errors import Conflict, OwnError


class AccountErased(Conflict):
    """The person's data was erased: there is nothing to change any more, and no way back."""

    code, title = "account-erased", "This account was erased and cannot be changed"


class EmailTaken(Conflict):
    """Another account has this address, in whatever case."""

    code, title = "email-taken", "There is an account with this e-mail address"


class Outdated(OwnError):
    """The user has changed since it was read; nothing was written."""
