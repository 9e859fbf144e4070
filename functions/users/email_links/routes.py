"""What the links in e-mails do, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Response

from shared.auth.access import allow
from shared.contracts.directory import UserNotFound
from shared.errors import ServiceUnavailable
from shared.web.responses import problems
from shared.web.routing import GuardedRoute, state
from users.accounts.routes import Authenticated, Source, UserId
from users.email_links.schemas import (
    ConfirmationRequest,
    ConfirmationResponse,
    ForgottenPasswordRequest,
    PasswordResetRequest,
)
from users.email_links.service import EmailLinkService
from users.email_tokens.errors import BadToken
from users.login_throttle.errors import TooManyAttempts

router = APIRouter(tags=["users"], route_class=GuardedRoute)

EmailLinks = Annotated[EmailLinkService, state("email_links")]
_VOID = "unknown, used, expired, or void by a later change of the account"
_BUSY = "other requests keep changing the account"
_FORGOTTEN = (
    "The answer is the same for every address. If an active account has it, or one that "
    "was deactivated before the address was confirmed, an e-mail with a link to set a new password "
    "follows, within the limits of e-mails to an address."
)


@router.post(
    "/api/v1/auth/confirm",
    operation_id="confirmEmail",
    summary="Confirm an e-mail address by the token of an e-mail",
    responses=problems({BadToken: _VOID, ServiceUnavailable: _BUSY}),
)
@allow("anyone")
async def confirm_email(body: ConfirmationRequest, links: EmailLinks) -> ConfirmationResponse:
    links.confirm(body.token)
    return ConfirmationResponse(email_confirmed=True)


@router.post(
    "/api/v1/users/{id}/confirmation",
    status_code=202,
    response_class=Response,  # without a body, and so without a type
    operation_id="sendConfirmation",
    summary="Send the e-mail that confirms the address again, unless it is confirmed",
    responses=problems(
        {
            UserNotFound: "it does not exist, or is another user's",
            TooManyAttempts: "too many e-mails lately",
            ServiceUnavailable: _BUSY,
        }
    ),
)
@allow("owner")
async def send_confirmation(
    user_id: UserId, caller: Authenticated, links: EmailLinks, source: Source
) -> None:
    links.send_confirmation(caller, user_id, source=source)


@router.post(
    "/api/v1/auth/forgot",
    status_code=202,
    response_class=Response,
    operation_id="forgotPassword",
    summary="Send an e-mail to set a new password by",
    description=_FORGOTTEN,
    responses=problems({ServiceUnavailable: _BUSY}),
)
@allow("anyone")
async def forgot_password(
    body: ForgottenPasswordRequest, links: EmailLinks, source: Source
) -> None:
    links.send_reset(email=body.email, source=source)


@router.post(
    "/api/v1/auth/reset",
    status_code=204,
    response_class=Response,
    operation_id="resetPassword",
    summary="Set a new password by the token of an e-mail; all sessions end",
    responses=problems({BadToken: _VOID, ServiceUnavailable: _BUSY}),
)
@allow("anyone")
async def reset_password(body: PasswordResetRequest, links: EmailLinks, source: Source) -> None:
    links.reset(body.token, password=body.password, source=source)
