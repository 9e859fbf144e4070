"""What a caller can see of the notifications, and do with them."""

from dataclasses import dataclass

from notifications.errors import NotificationNotFound
from notifications.models import ADMINS, Notification, mailbox, position
from notifications.repository import NotificationRepository
from shared.auth.tokens import Caller
from shared.errors import Forbidden
from shared.runtime.clock import Clock, now
from shared.web.cursors import Cursors


@dataclass(frozen=True)
class Listing:
    """One page, and the cursor of the next one (None at the end)."""

    notifications: list[Notification]
    next_cursor: str | None


class NotificationService:
    """Lists notifications, and marks them as read."""

    def __init__(
        self, notifications: NotificationRepository, cursors: Cursors, *, clock: Clock = now
    ) -> None:
        self._notifications = notifications
        self._cursors = cursors
        self._clock = clock

    def list_for(
        self,
        caller: Caller,
        *,
        user_id: str | None,
        unread: bool | None,
        limit: int,
        cursor: str | None,
    ) -> Listing:
        """A page of somebody's notifications, newest first: the caller's own, or for an admin another's.

        An admin's own are those to oneself and those to all admins, in one list.

        Raises:
            Forbidden: a customer asks for another's.
            InvalidCursor: see Cursors.
        """
        if user_id is not None and not caller.may_act_for(user_id):
            raise Forbidden("Only an admin may list another's notifications.")
        query = {"list": "notifications", "user_id": user_id, "unread": unread}
        at = self._cursors.open(cursor, caller=caller.id, query=query)
        before = at["before"] if at else None
        # One more than asked for, so that a cursor is only given where something follows. Of several mailboxes
        # each might fill the page alone.
        found = sorted(
            (
                notification
                for box in _mailboxes(caller, user_id)
                for notification in self._notifications.newest_first(
                    box, unread=unread, before=before, limit=limit + 1
                )
            ),
            key=lambda notification: notification.position,
            reverse=True,
        )
        page = found[:limit]
        following = {"before": page[-1].position} if len(found) > limit else None
        return Listing(page, self._cursors.seal(following, caller=caller.id, query=query))

    def read(self, caller: Caller, id_: str) -> Notification:
        """Mark one of the caller's own as read, if it is not yet, and return it.

        Raises:
            NotificationNotFound: there is none, or it is somebody else's.
        """
        place = position(id_)
        if place is not None:
            for box in _mailboxes(caller, caller.id):
                read = self._notifications.mark_read(box, place, at=self._clock())
                if read is not None:
                    return read
        raise NotificationNotFound

    def totals(self) -> dict[str, int]:
        """How many were sent and how many failed, ever."""
        return self._notifications.totals()


def _mailboxes(caller: Caller, user_id: str | None) -> list[str]:
    own = user_id is None or user_id == caller.id
    shared = [ADMINS] if own and caller.is_admin else []
    return [mailbox(user_id or caller.id), *shared]
