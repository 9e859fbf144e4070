"""Request and response bodies of what e-mails' links do."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from shared.personal import PersonalSecret
from shared.web.fields import RequestBody
from users import emails
from users.accounts.schemas import NewPassword

# Any text may be sent: it is an unknown token then.
Token = Annotated[str, PersonalSecret, StringConstraints(min_length=1, max_length=512)]


class ConfirmationRequest(RequestBody):
    """The token of the link in an e-mail."""

    token: Token = Field(repr=False)


class ForgottenPasswordRequest(RequestBody):
    """The address of an account. A text that is no address is an unknown address."""

    email: Annotated[
        str,
        StringConstraints(min_length=1, max_length=emails.LONGEST),
        Field(examples=["alice@example.com"]),
    ]


class PasswordResetRequest(RequestBody):
    """The token of the link in an e-mail, and a new password."""

    token: Token = Field(repr=False)
    password: NewPassword = Field(repr=False)


class ConfirmationResponse(BaseModel):
    """The account's address is confirmed."""

    email_confirmed: Literal[True]
