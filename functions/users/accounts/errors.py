"""Errors of accounts.

BodegaError
├─ Conflict
│  ├─ AccountErased              409
│  ├─ EmailTaken                 409
│  └─ LastAdmin                  409
└─ InvalidRequest
   ├─ CurrentPasswordRequired    422
   └─ WeakPassword               422
"""

from shared.errors import Conflict, FieldError, InvalidRequest


class AccountErased(Conflict):
    """The person's data was erased: the account cannot be changed or activated any more."""

    code, title = "account-erased", "This account was erased and cannot be changed"


class EmailTaken(Conflict):
    """Another account has this address, in upper or lower case."""

    code, title = "email-taken", "There is an account with this e-mail address"


class LastAdmin(Conflict):
    """No other active admin would be left to make one."""

    code, title = "last-admin", "The last active admin cannot be changed so"


class CurrentPasswordRequired(InvalidRequest):
    """A change that takes an account over needs the caller's current password."""

    def __init__(self) -> None:
        detail = "current_password: is needed for this change"
        super().__init__([FieldError(pointer="#/current_password", detail=detail)])


class WeakPassword(InvalidRequest):
    """A new password is easily guessed. `reason` completes "password: …" for the user."""

    def __init__(self, reason: str) -> None:
        detail = (
            f"password: {reason}; please choose another, such as four words that do not belong"
            " together"
        )
        super().__init__([FieldError(pointer="#/password", detail=detail)])
