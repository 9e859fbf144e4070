"""Lambda entry for HTTP: what one was told, and what one has read of it."""

from typing import Annotated

from fastapi import APIRouter, FastAPI, Path, Query, Request
from pydantic import BaseModel

from notifications.errors import NotificationNotFound
from notifications.models import Notification
from notifications.repository import DynamoNotifications
from notifications.service import NotificationService
from shared.auth.access import allow
from shared.auth.authentication import Authenticated
from shared.auth.tokens import TokenVerifier, keys_from_kms
from shared.errors import Forbidden
from shared.runtime.aws import client
from shared.runtime.entry import Entry, Handler
from shared.runtime.settings import ApiSettings
from shared.storage.dynamodb import Table
from shared.web import health
from shared.web.app import create_app as create_shared_app
from shared.web.app import lambda_handler
from shared.web.cursors import Cursors, key_from_kms
from shared.web.paging import Paging
from shared.web.problems import problems
from shared.web.routing import GuardedRoute

Settings = ApiSettings

router = APIRouter(tags=["notifications"], route_class=GuardedRoute)


class NotificationList(BaseModel):
    """One page; `count` is the number in it."""

    notifications: list[Notification]
    count: int
    next_cursor: str | None


class NotificationsHealth(health.Health):
    """How many notifications were sent, and how many could not be."""

    sent: int | None = None
    failed: int | None = None


def _service(request: Request) -> NotificationService:
    service: NotificationService = request.app.state.service
    return service


@router.get(
    "/api/v1/notifications",
    operation_id="listNotifications",
    summary="What one was told, newest first",
    responses=problems({Forbidden: "somebody else's, and the caller is no admin"}),
)
@allow("user", more_for=("admin",))
async def list_notifications(
    request: Request,
    caller: Authenticated,
    paging: Paging,
    *,
    user_id: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=128,
            description="Whose; another's for admins only. Without it one's own, for admins with what concerns the shop.",
        ),
    ] = None,
    unread: Annotated[
        bool | None,
        Query(description="true: those not read yet, false: those read; both if left out"),
    ] = None,
) -> NotificationList:
    page = _service(request).list_for(
        caller, user_id=user_id, unread=unread, limit=paging.limit, before=paging.open()
    )
    return NotificationList(
        notifications=page.notifications,
        count=len(page.notifications),
        next_cursor=paging.seal(page.last),
    )


@router.post(
    "/api/v1/notifications/{id}/read",
    operation_id="readNotification",
    summary="Mark one of one's own as read; again is the same",
    responses=problems({NotificationNotFound: "there is none, or it is somebody else's"}),
)
@allow("owner")
async def read_notification(
    request: Request, caller: Authenticated, id_: Annotated[str, Path(alias="id")]
) -> Notification:
    return _service(request).read(caller, id_)


@router.get(
    "/health/notifications",
    operation_id="notificationsHealth",
    summary="The notifications service's own health",
    response_model_exclude_none=True,
)
@allow("anyone")
async def notifications_health(request: Request) -> NotificationsHealth:
    return health.report(NotificationsHealth, _service(request).totals)


def create_app(
    service: NotificationService,
    *,
    verifier: TokenVerifier,
    cursors: Cursors,
    cors_origins: str = "",
) -> FastAPI:
    """The service's application."""
    app = create_shared_app("notifications", router, verifier=verifier, cors_origins=cors_origins)
    app.state.service = service
    app.state.cursors = cursors
    return app


def build(settings: Settings) -> Handler:
    """The service on DynamoDB and KMS."""
    kms = client("kms")
    service = NotificationService(
        DynamoNotifications(Table(settings.table_name, client("dynamodb")))
    )
    verifier = TokenVerifier(settings.token_issuer, keys_from_kms(kms, settings.token_key_ids))
    app = create_app(
        service,
        verifier=verifier,
        cursors=Cursors(key_from_kms(kms, settings.cursor_key_id)),
        cors_origins=settings.cors_origins,
    )
    return lambda_handler(app)


handler = Entry(build, Settings)
