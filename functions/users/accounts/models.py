"""What an account is, and its rules."""

from dataclasses import dataclass, field, replace
from typing import Annotated, NamedTuple

from shared.auth.tokens import Role
from shared.personal import Personal, PersonalEmail, PersonalSecret, erase_personal
from users.accounts.errors import AccountErased


@dataclass(frozen=True)
class User:
    """One account.

    Attributes:
        created_at: RFC 3339.
        version: grows by one with each change.
        session_epoch: refresh tokens that were issued under an earlier epoch are void, so one write
            ends all sessions of the user.
        erased_at: RFC 3339; None while personal data is stored. An erased account never changes.
    """

    id: str
    email: Annotated[str, PersonalEmail]
    full_name: Annotated[str, Personal]
    password_hash: Annotated[str, PersonalSecret] = field(repr=False)
    role: Role
    is_active: bool
    created_at: str
    version: int = 1
    session_epoch: int = 0
    erased_at: str | None = None

    def changed(
        self,
        *,
        email: str | None = None,
        full_name: str | None = None,
        password_hash: str | None = None,
        role: Role | None = None,
        is_active: bool | None = None,
    ) -> "User":
        """The user after a change; the same object if nothing differs. None keeps a value.

        A new password and a deactivation end all sessions.

        Raises:
            AccountErased: something differs, and the account is erased.
        """
        after = replace(
            self,
            email=self.email if email is None else email,
            full_name=self.full_name if full_name is None else full_name,
            password_hash=self.password_hash if password_hash is None else password_hash,
            role=self.role if role is None else role,
            is_active=self.is_active if is_active is None else is_active,
        )
        if after == self:
            return self
        if self.erased_at:
            raise AccountErased
        ends_sessions = after.password_hash != self.password_hash or self.deactivated_in(after)
        return replace(
            after,
            version=self.version + 1,
            session_epoch=self.session_epoch + (1 if ends_sessions else 0),
        )

    def erased(self, *, at: str) -> "User":
        """The account without personal data and inactive; the same object if it is erased already.

        No password matches an empty hash. Id, role and `created_at` stay: the orders of the account
        still belong to one customer.
        """
        if self.erased_at:
            return self
        return replace(
            erase_personal(self, user_id=self.id),
            is_active=False,
            version=self.version + 1,
            session_epoch=self.session_epoch + 1,
            erased_at=at,
        )

    @property
    def profile(self) -> "Profile":
        """The user as lists show it."""
        return Profile(
            self.id, self.email, self.full_name, self.role, self.is_active, self.created_at
        )

    def deactivated_in(self, after: "User") -> bool:
        """Whether the account is active here and inactive in `after`."""
        return self.is_active and not after.is_active


@dataclass(frozen=True)
class Profile:
    """A user as lists show it: the index holds these attributes and no password hash."""

    id: str
    email: str
    full_name: str
    role: Role
    is_active: bool
    created_at: str


@dataclass(frozen=True)
class AccountChange:
    """A change that a caller asks for; None keeps a value."""

    email: Annotated[str | None, PersonalEmail] = None
    full_name: Annotated[str | None, Personal] = None
    password: Annotated[str | None, PersonalSecret] = field(default=None, repr=False)
    current_password: Annotated[str | None, PersonalSecret] = field(default=None, repr=False)
    role: Role | None = None
    is_active: bool | None = None

    @property
    def is_for_admins(self) -> bool:
        """Whether it changes what only an admin may change."""
        return self.role is not None or self.is_active is not None


class Position(NamedTuple):
    """A position in the list of users, newest first."""

    created_at: str
    user_id: str


@dataclass(frozen=True)
class UserPage:
    """A page of users, and the position of the last one; None at the end of the list."""

    users: list[Profile]
    last: Position | None
