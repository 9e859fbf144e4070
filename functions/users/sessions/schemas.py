"""Bodies of requests and answers about sessions, as the contract has them."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from shared.auth.tokens import LIFETIME_SECONDS
from users import emails
from users.accounts.schemas import Password, RequestBody


class LogIn(RequestBody):
    """Whatever is no address of ours is an unknown one."""

    email: Annotated[str, StringConstraints(min_length=1, max_length=emails.LONGEST)]
    password: Password = Field(repr=False)


class HeldToken(RequestBody):
    """A refresh token."""

    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=512)] = Field(
        repr=False
    )


class TokenPair(BaseModel):
    """An access token, good for `expires_in` seconds, and the refresh token to get the next pair with, once."""

    access_token: str = Field(repr=False)
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  # RFC 6749's word, no password
    expires_in: int = LIFETIME_SECONDS
    refresh_token: str = Field(repr=False)


class PublicKeys(BaseModel):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, str]]
