"""Errors of accounts.

BodegaError
├─ Conflict
│  ├─ AccountErased              409
│  └─ EmailTaken                 409
└─ InvalidRequest
   └─ CurrentPasswordRequired    422
"""

from shared.errors import Conflict, FieldError, InvalidRequest


class AccountErased(Conflict):
    """The person's data was erased: the account cannot be changed or activated any more."""

    code, title = "account-erased", "This account was erased and cannot be changed"


class EmailTaken(Conflict):
    """Another account has this address, in upper or lower case."""

    code, title = "email-taken", "There is an account with this e-mail address"


class CurrentPasswordRequired(InvalidRequest):
    """A new password for the caller's own account needs the current one."""

    def __init__(self) -> None:
        detail = "current_password: is needed to set a new password"
        super().__init__([FieldError(pointer="#/current_password", detail=detail)])
