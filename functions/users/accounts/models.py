"""What an account is, and its rules."""

from dataclasses import dataclass, field, replace
from typing import Annotated, Final, NamedTuple, Self, TypedDict, Unpack

from shared.auth.tokens import Caller, Role
from shared.personal import Personal, PersonalEmail, PersonalSecret, erase_personal
from users.accounts.errors import AccountErased
from users.email_tokens.errors import BadToken
from users.email_tokens.models import EmailToken


class UserChanges(TypedDict, total=False):
    """The fields of a user that change; the others stay."""

    full_name: str
    password_hash: str
    role: Role
    is_active: bool


@dataclass(frozen=True)
class FormerEmail:
    """An address that the account has left, and may be brought back to.

    Attributes:
        undo: the digest of the token that does so.
        until: epoch seconds. The address stays the account's until then.
    """

    email: Annotated[str, PersonalEmail]
    undo: str
    until: int


# A thief who moves the account from address to address must not make its item grow without bound.
_MOST_FORMER: Final = 5


@dataclass(frozen=True)
class User:
    """One account.

    Attributes:
        password_hash: the hash that is to be stored: of a new password, or one that an earlier
            release has stored in the account. None otherwise; `Users.find_password_hash` reads it.
        created_at: RFC 3339.
        version: grows by one with each change.
        session_epoch: refresh tokens that were issued under an earlier epoch are void, and access
            tokens where the account is read, so one write ends all sessions of the user.
        resets: how often a reader of the address has set a password.
        erased_at: RFC 3339; None while personal data is stored. An erased account never changes.
        pending_email: the address that the account moves to when it is confirmed.
        former_emails: those that may still be restored, oldest first.
    """

    id: str
    email: Annotated[str, PersonalEmail]
    full_name: Annotated[str, Personal]
    role: Role
    is_active: bool
    created_at: str
    password_hash: Annotated[str | None, PersonalSecret] = field(
        default=None, repr=False, compare=False
    )
    email_confirmed: bool = True  # accounts of earlier releases, which have no such attribute
    version: int = 1
    session_epoch: int = 0
    resets: int = 0
    erased_at: str | None = None
    pending_email: Annotated[str | None, PersonalEmail] = None
    former_emails: tuple[FormerEmail, ...] = ()

    @property
    def is_active_admin(self) -> bool:
        return self.is_active and self.role == "admin"

    @property
    def is_reset_by_mail(self) -> bool:
        """Whether the reader of the address may set a password. An inactive account's only if the
        address was never confirmed: a stranger may have registered and deactivated it."""
        return self.is_active or not (self.email_confirmed or self.erased_at)

    def changed(self, **changes: Unpack[UserChanges]) -> Self:
        """The user after a change; the same object if nothing differs.

        A new password, another role and a deactivation end all sessions.

        Raises:
            AccountErased: something differs, and the account is erased.
        """
        after = replace(self, **changes)
        has_new_password = after.password_hash != self.password_hash
        if after == self and not has_new_password:
            return self
        if self.erased_at:
            raise AccountErased
        ends_sessions = has_new_password or after.role != self.role or self.deactivated_in(after)
        return replace(
            after,
            version=self.version + 1,
            session_epoch=self.session_epoch + (1 if ends_sessions else 0),
        )

    def logged_out(self) -> Self:
        """The user after all sessions have ended."""
        return replace(self, version=self.version + 1, session_epoch=self.session_epoch + 1)

    def noted(self) -> Self:
        """The same user in the next version: an e-mail about the account was requested."""
        return replace(self, version=self.version + 1)

    def moving_to(self, email: str) -> Self:
        """The user after the owner has asked to move to an address."""
        return replace(self.noted(), pending_email=email)

    def confirmed(self) -> Self:
        """The user after the address was confirmed."""
        return replace(self.noted(), email_confirmed=True)

    def with_reset_password(self, password_hash: str) -> Self:
        """The active user after the reader of the address has set a new password: all sessions
        end, and the address is confirmed."""
        return replace(
            self.confirmed(),
            is_active=True,
            password_hash=password_hash,
            session_epoch=self.session_epoch + 1,
            resets=self.resets + 1,
        )

    def moved(self, *, undo: EmailToken | None, at: int) -> Self:
        """The user after the pending address was confirmed.

        Args:
            undo: the token that brings the user back; None if the former address was not confirmed.
            at: epoch seconds.

        Raises:
            BadToken: no address is pending, or the user has left too many addresses lately.
        """
        former = tuple(one for one in self.former_emails if one.until > at)
        if undo:
            former += (FormerEmail(self.email, undo.digest, undo.expires_at),)
        if self.pending_email is None or len(former) > _MOST_FORMER:
            raise BadToken
        email = self.pending_email
        return replace(self.confirmed(), email=email, pending_email=None, former_emails=former)

    def moved_back(self, undo: EmailToken) -> Self:
        """The user at the address that the token restores, with all sessions ended.

        The moves after that one are undone as well, so that their tokens are void.

        Raises:
            BadToken: the user has not left this address, or has come back already.
        """
        digests = [one.undo for one in self.former_emails]
        if undo.digest not in digests:
            raise BadToken
        place = digests.index(undo.digest)
        return replace(
            self.noted(),
            email=self.former_emails[place].email,
            pending_email=None,
            former_emails=self.former_emails[:place],
            session_epoch=self.session_epoch + 1,
        )

    def erased(self, *, at: str) -> Self:
        """The account without personal data and inactive; the same object if it is erased already.

        Id, role and `created_at` stay: the orders of the account
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
            pending_email=None,
            former_emails=(),
        )

    def deactivated_in(self, after: "User") -> bool:
        """Whether the account is active here and inactive in `after`."""
        return self.is_active and not after.is_active


@dataclass(frozen=True)
class ActiveCaller(Caller):
    """A caller whose account is active, in the role that the account has."""

    account: User = field(kw_only=True)


@dataclass(frozen=True)
class Profile:
    """A user as lists show it, without the password's hash."""

    id: str
    email: str
    full_name: str
    role: Role
    is_active: bool
    created_at: str
    email_confirmed: bool = True


class Position(NamedTuple):
    """A position in the list of users, newest first."""

    created_at: str
    user_id: str
