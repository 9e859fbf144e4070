"""Notifications over HTTP: each route parses, calls the service once and answers."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from notifications.errors import NotificationNotFound
from notifications.schemas import (
    NotificationListResponse,
    NotificationResponse,
    NotificationsHealth,
)
from notifications.service import NotificationService
from shared.auth.access import allow
from shared.errors import Forbidden
from shared.web import health
from shared.web.paging import Paging
from shared.web.responses import problems
from shared.web.routing import Authenticated, GuardedRoute, KeptFigures, state

router = APIRouter(tags=["notifications"], route_class=GuardedRoute)


Service = Annotated[NotificationService, state("service")]


@router.get(
    "/api/v1/notifications",
    operation_id="listNotifications",
    summary="List notifications, newest first",
    responses=problems({Forbidden: "a customer requests another user's"}),
)
@allow("user", more_for=("admin",))
async def list_notifications(
    *,
    caller: Authenticated,
    service: Service,
    paging: Paging,
    user_id: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=128,
            description="This user's, for admins. Without it the caller's own, and for admins also "
            "those to all admins.",
        ),
    ] = None,
    unread: Annotated[
        bool | None,
        Query(description="true: only unread ones, false: only read ones."),
    ] = None,
) -> NotificationListResponse:
    page = service.list(
        caller, user_id=user_id, unread=unread, limit=paging.limit, before=paging.open()
    )
    return NotificationListResponse(
        notifications=[NotificationResponse.of(found) for found in page.items],
        count=len(page.items),
        next_cursor=paging.seal(page.last),
    )


@router.post(
    "/api/v1/notifications/{id}/read",
    operation_id="readNotification",
    summary="Mark one of the caller's own notifications as read",
    responses=problems({NotificationNotFound: "it does not exist, or is another user's"}),
)
@allow("owner")
async def read_notification(
    caller: Authenticated, service: Service, id_: Annotated[str, Path(alias="id")]
) -> NotificationResponse:
    return NotificationResponse.of(service.mark_read(caller, id_))


@router.get(
    "/health/notifications",
    operation_id="notificationsHealth",
    summary="Health of the notifications service, with its totals",
)
@allow("anyone")
async def notifications_health(service: Service, kept: KeptFigures) -> NotificationsHealth:
    return health.report(NotificationsHealth, kept, service.totals)
