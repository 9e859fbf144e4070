"""Queries to UsersDirectory: who is this customer?"""

from pydantic import BaseModel, ConfigDict

from shared.errors import NotFound


class UserNotFound(NotFound):
    """There is no such user."""

    code, title = "user-not-found", "There is no such user"


class FindCustomer(BaseModel):
    """The query `find_customer`. Refusal: `UserNotFound`."""

    user_id: str


class Customer(BaseModel):
    """Who buys, and where to write to."""

    # A malformed answer must not put a customer's name into a log line.
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: str
    full_name: str
    email: str
    is_active: bool
    # Accounts of earlier releases have neither attribute.
    email_confirmed: bool = True
    session_epoch: int = 0
