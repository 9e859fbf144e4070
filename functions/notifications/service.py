"""What callers may see of the notifications, and do with them."""

from notifications.errors import NotificationNotFound
from notifications.models import ADMINS, Notification, mailbox, position
from notifications.ports import Notifications
from shared.auth.access import may_change, may_see
from shared.auth.tokens import Caller
from shared.errors import Forbidden
from shared.pages import Page
from shared.runtime.clock import Clock, now


class NotificationService:
    """Lists notifications, and marks them as read."""

    def __init__(self, notifications: Notifications, *, clock: Clock = now) -> None:
        self._notifications = notifications
        self._clock = clock

    def list(
        self,
        caller: Caller,
        *,
        user_id: str | None,
        unread: bool | None,
        limit: int,
        before: str | None,
    ) -> Page[Notification, str]:
        """A page of a user's notifications: the caller's own, or for an admin another user's.

        An admin's own list has the notifications to all admins as well.

        Raises:
            Forbidden: a customer requests another user's.
        """
        if user_id is not None and not may_see(caller, user_id):
            raise Forbidden("Only an admin may list another's notifications.")
        boxes = [mailbox(user_id or caller.id)]
        if user_id in (None, caller.id) and may_see(caller, ADMINS):
            boxes.append(ADMINS)
        # One more than the limit, so that a position is returned only if more follow. Each of
        # several mailboxes might fill the page alone.
        pages = [
            self._notifications.newest_first(box, unread=unread, before=before, limit=limit + 1)
            for box in boxes
        ]
        found = [notification for page in pages for notification in page.items]
        found.sort(key=lambda notification: notification.position, reverse=True)
        # Below the position to which a mailbox was read, it may have more.
        read_to = max((page.last for page in pages if page.last), default="")
        shown = [notification for notification in found if notification.position >= read_to]
        if len(shown) > limit:
            return Page.cut(shown, limit, lambda notification: notification.position)
        return Page(shown, read_to or None)

    def mark_read(self, caller: Caller, id_: str) -> Notification:
        """Mark one of the caller's own notifications as read, if it is not yet, and return it.

        Raises:
            NotificationNotFound: it does not exist, or is not the caller's.
        """
        place = position(id_)
        if place is not None:
            boxes = [mailbox(caller.id)]
            if may_change(caller, ADMINS):
                boxes.append(ADMINS)
            for box in boxes:
                read = self._notifications.mark_read(box, place, at=self._clock())
                if read is not None:
                    return read
        raise NotificationNotFound

    def totals(self) -> dict[str, int]:
        return self._notifications.totals()
