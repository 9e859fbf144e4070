"""Request and response bodies of what e-mails' links do."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from shared.personal import PersonalSecret
from shared.web.fields import RequestBody

# Any text may be sent: it is an unknown token then.
Token = Annotated[str, PersonalSecret, StringConstraints(min_length=1, max_length=512)]


class ConfirmationRequest(RequestBody):
    """The token of the link in an e-mail."""

    token: Token = Field(repr=False)


class ConfirmationResponse(BaseModel):
    """The account's address is confirmed."""

    email_confirmed: Literal[True]
