"""Sessions of browsers over HTTP. A cookie holds the refresh token, and no script can read it."""

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Cookie, Depends, Request, Response

from shared.auth.access import allow
from shared.errors import BodegaError
from shared.personal import PersonalSecret
from shared.web.responses import Responses, header, problems
from shared.web.rest_events import link
from shared.web.routing import GuardedRoute
from users.accounts.routes import Source
from users.login_throttle.errors import TooManyAttempts
from users.sessions import cookies
from users.sessions.errors import (
    BadCredentials,
    BadRefreshCookie,
    BadRefreshToken,
    CrossSiteRequest,
)
from users.sessions.models import TokenPair
from users.sessions.routes import Client, Device, Sessions, keep_device
from users.sessions.schemas import AccessTokenResponse, EmptyRequest, LogInRequest


async def refuse_other_sites(request: Request) -> None:
    """Browsers say by this header which page sends a request. Other clients do not send it."""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise CrossSiteRequest


router = APIRouter(
    tags=["users"], route_class=GuardedRoute, dependencies=[Depends(refuse_other_sites)]
)

RefreshCookie = Annotated[
    str,
    PersonalSecret,
    Cookie(alias=cookies.REFRESH, description="The refresh token of the browser's session"),
]
_LOG_IN: Final = "/api/v1/auth/browser/login"
_CROSS_SITE: Final[Mapping[type[BodegaError], str]] = {
    CrossSiteRequest: "a page of another origin sends it"
}
_KEPT: Final[Responses] = {
    200: {"headers": header("Set-Cookie", "The refresh token, for the browser only.")}
}


@router.post(
    _LOG_IN,
    operation_id="logInBrowser",
    summary="Log in from a page: a password for an access token and a cookie",
    responses={
        200: {
            "headers": header(
                "Set-Cookie", "The refresh token, and the token of the device for its next log-in."
            )
        },
        **problems(
            {
                BadCredentials: "unknown, wrong or deactivated",
                TooManyAttempts: "too many wrong passwords",
                **_CROSS_SITE,
            }
        ),
    },
)
@allow("anyone")
async def log_in_browser(
    body: LogInRequest,
    sessions: Sessions,
    source: Source,
    client: Client,
    *,
    request: Request,
    response: Response,
    device: Device = "",
) -> AccessTokenResponse:
    pair = sessions.log_in(
        email=body.email,
        password=body.password,
        source=source,
        client=client,
        device=device,
        is_browser=True,
    )
    keep_device(response, pair.device, path=link(request, _LOG_IN))
    return _answer(pair, response)


@router.post(
    "/api/v1/auth/browser/refresh",
    operation_id="refreshBrowser",
    summary="The next access token and cookie; the token before is accepted again for 30 s",
    responses={
        **_KEPT,
        **problems(
            {
                BadRefreshToken: "no cookie, or its token is unknown, spent, ended or expired;"
                " deletes the cookie",
                **_CROSS_SITE,
            }
        ),
    },
)
@allow("anyone")
async def refresh_browser(
    _body: EmptyRequest, sessions: Sessions, response: Response, token: RefreshCookie = ""
) -> AccessTokenResponse:
    try:
        pair = sessions.refresh(token, is_browser=True)
    except BadRefreshToken as cause:
        raise BadRefreshCookie from cause
    return _answer(pair, response)


@router.post(
    "/api/v1/auth/browser/logout",
    status_code=204,
    response_class=Response,
    operation_id="logOutBrowser",
    summary="Log out: end the session of the cookie, if there is one, and delete the cookie",
    responses={
        204: {"headers": header("Set-Cookie", "Deletes the refresh token.")},
        **problems(_CROSS_SITE),
    },
)
@allow("anyone")
async def log_out_browser(
    _body: EmptyRequest, sessions: Sessions, response: Response, token: RefreshCookie = ""
) -> None:
    sessions.log_out(token, is_browser=True)
    response.headers.append("Set-Cookie", cookies.deleted())


def _answer(pair: TokenPair, response: Response) -> AccessTokenResponse:
    cookie = cookies.kept(pair.refresh_token, seconds=pair.refresh_seconds)
    response.headers.append("Set-Cookie", cookie)
    return AccessTokenResponse.of(pair)
