"""Request and response bodies of sessions."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, StringConstraints

from shared.auth.tokens import LIFETIME_SECONDS
from shared.personal import PersonalSecret
from shared.web.fields import RequestBody, ResponseBody, Time
from users import emails
from users.accounts.schemas import Password
from users.sessions.models import TokenPair


class LogInRequest(RequestBody):
    """A log-in. A text that is no address is an unknown address."""

    email: Annotated[str, StringConstraints(min_length=1, max_length=emails.LONGEST)]
    password: Password = Field(repr=False)


class RefreshTokenRequest(RequestBody):
    """A refresh token."""

    refresh_token: Annotated[
        str, PersonalSecret, StringConstraints(min_length=1, max_length=512)
    ] = Field(repr=False)


class EmptyRequest(RequestBody):
    """An empty object. A page of another origin cannot send JSON without a CORS preflight."""


class AccessTokenResponse(BaseModel):
    """An access token, valid for `expires_in` seconds; a cookie has the refresh token."""

    access_token: str = Field(repr=False)
    token_type: Literal["Bearer"]
    expires_in: int

    @classmethod
    def of(cls, pair: TokenPair) -> Self:
        return cls.model_validate(
            {**vars(pair), "token_type": "Bearer", "expires_in": LIFETIME_SECONDS}
        )


class TokenPairResponse(AccessTokenResponse):
    """An access token, valid for `expires_in` seconds, and the refresh token for the next pair."""

    refresh_token: str = Field(repr=False)


class SessionResponse(ResponseBody):
    """A session: what began with a log-in, and is continued by its refresh tokens."""

    id: str = Field(validation_alias="session_id")
    created_at: Time
    last_used_at: Time = Field(description="When it last gave an access token.")
    client: str = Field(
        description="The kind of client that has logged in.", examples=["Firefox on Linux"]
    )


class SessionListResponse(BaseModel):
    """The newest sessions, the newest first."""

    sessions: list[SessionResponse]


class PublicKeysResponse(BaseModel):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, str]]
