"""Notifications over HTTP: each route parses, calls the service once and answers."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from notifications.errors import NotificationNotFound
from notifications.models import Notification
from notifications.schemas import NotificationList, NotificationsHealth
from notifications.service import NotificationService
from shared.auth.access import allow
from shared.auth.authentication import Authenticated
from shared.errors import Forbidden
from shared.web import health
from shared.web.paging import Paging
from shared.web.problems import problems
from shared.web.routing import GuardedRoute

router = APIRouter(tags=["notifications"], route_class=GuardedRoute)


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
