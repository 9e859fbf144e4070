"""What an account is, and its rules."""

from dataclasses import dataclass, field, replace

from shared.auth.tokens import Role
from shared.contracts.erasure import ERASED, erased_email
from users.accounts.errors import AccountErased


@dataclass(frozen=True)
class User:
    """One account.

    `created_at` is RFC 3339. `version` grows by one with each change. Refresh tokens given out under an earlier
    `session_epoch` are void: so all of a user's sessions end by one write, without being looked for. `erased_at`, RFC
    3339, is there once the person's data is not; such an account never changes again.
    """

    id: str
    email: str
    full_name: str
    password_hash: str = field(repr=False)
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
        """The user after a change, itself where nothing differs. None leaves what is there.

        A new password and a deactivation end all sessions.

        Raises:
            AccountErased: something differs, and there is nobody any more whose account this is.
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
        """The account without its person: inactive, and nobody can log in to it; itself where that was done before.

        Role, `created_at` and the id stay: what was bought under it is still one customer's.
        """
        if self.erased_at:
            return self
        return replace(
            self,
            email=erased_email(self.id),
            full_name=ERASED,
            password_hash="",  # no password's
            is_active=False,
            version=self.version + 1,
            session_epoch=self.session_epoch + 1,
            erased_at=at,
        )

    @property
    def profile(self) -> "Profile":
        """What lists show."""
        return Profile(
            self.id, self.email, self.full_name, self.role, self.is_active, self.created_at
        )

    def deactivated_in(self, after: "User") -> bool:
        """Whether the account is active now and no more in `after`."""
        return self.is_active and not after.is_active


@dataclass(frozen=True)
class Profile:
    """What lists show of a user: an index holds these attributes and no password's hash."""

    id: str
    email: str
    full_name: str
    role: Role
    is_active: bool
    created_at: str


@dataclass(frozen=True)
class Place:
    """Where in a list of users a page ended."""

    created_at: str
    user_id: str


@dataclass(frozen=True)
class UserPage:
    """One page of users, and where the next begins: None at the end."""

    users: list[Profile]
    next: Place | None
