"""The events of accounts."""

from datetime import datetime

from pydantic import BaseModel

from shared.contracts.events import (
    AccountEmail,
    AccountEmailData,
    Event,
    EventType,
    UserData,
    UserErasedData,
)
from shared.messaging import outbox
from shared.runtime import clock
from users.accounts.models import User


def registered(user: User, *, at: datetime, sealed: str | None) -> Event:
    """The user registered.

    Args:
        sealed: the encrypted token that confirms the address.
    """
    return _event("user.registered", user, _user_data(user, sealed), at)


def deactivated(user: User, *, at: datetime) -> Event:
    return _event("user.deactivated", user, _user_data(user), at)


def erased(user: User, *, at: datetime) -> Event:
    return _event("user.erased", user, UserErasedData(user_id=user.id), at)


def email_requested(
    user: User, purpose: AccountEmail, *, to: str, at: datetime, sealed: str | None = None
) -> Event:
    """An e-mail about the account was requested.

    Args:
        to: its address.
        sealed: the encrypted token of its link.
    """
    data = AccountEmailData(user_id=user.id, email=to, purpose=purpose, sealed_token=sealed)
    return _event("user.email_requested", user, data, at)


def _event(type_: EventType, user: User, data: BaseModel, at: datetime) -> Event:
    return outbox.event(
        type_,
        aggregate_id=user.id,
        version=user.version,
        at=clock.rfc3339(at),
        data=data.model_dump(),
    )


def _user_data(user: User, sealed_token: str | None = None) -> UserData:
    return UserData(
        user_id=user.id, full_name=user.full_name, email=user.email, sealed_token=sealed_token
    )
