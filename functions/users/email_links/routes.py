"""What the links in e-mails do, over HTTP."""

from typing import Annotated

from fastapi import APIRouter

from shared.auth.access import allow
from shared.errors import ServiceUnavailable
from shared.web.responses import problems
from shared.web.routing import GuardedRoute, state
from users.email_links.schemas import ConfirmationRequest, ConfirmationResponse
from users.email_links.service import EmailLinkService
from users.email_tokens.errors import BadToken

router = APIRouter(tags=["users"], route_class=GuardedRoute)

EmailLinks = Annotated[EmailLinkService, state("email_links")]
_VOID = "unknown, used, expired, or void by a later change of the account"
_BUSY = "other requests keep changing the account"


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
