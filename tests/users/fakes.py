"""The ports of users in memory. Contract suites run the first three beside DynamoDB."""

from collections import defaultdict
from dataclasses import fields, replace

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.auth.tokens import public_key
from shared.contracts.events import Event
from shared.pages import Page
from shared.storage.conflicts import ConcurrentChange
from users import emails
from users.accounts.errors import EmailTaken
from users.accounts.models import Position, Profile, User
from users.login_throttle.models import PairAttempts
from users.sessions.access_tokens import raw_signature
from users.sessions.models import Family


def profile(user: User) -> Profile:
    """The user as lists show it."""
    return Profile(**{field.name: getattr(user, field.name) for field in fields(Profile)})


class InMemoryUsers:
    """Implements `Users`; `rivals` are stored by concurrent requests before the next saves."""

    def __init__(self) -> None:
        self._users: dict[str, User] = {}
        self._events: dict[str, list[Event]] = defaultdict(list)
        self.rivals: list[User] = []

    def add(self, user: User, fact: Event) -> None:
        self._claim(user)
        self._users[user.id] = user
        self._events[user.id].append(fact)

    def find(self, user_id: str) -> User | None:
        return self._users.get(user_id)

    def find_by_email(self, email: str) -> User | None:
        wanted = emails.normalised(email)
        owners = (u for u in self._users.values() if emails.normalised(u.email) == wanted)
        return next(owners, None)

    def save(self, before: User, after: User, fact: Event | None = None) -> None:
        if self.rivals:
            rival = self.rivals.pop()
            self._users[rival.id] = rival
        stored = self._users[before.id]
        if stored.version != before.version:
            raise ConcurrentChange(stored)
        self._claim(after)
        self._users[after.id] = after
        if fact:
            self._events[after.id].append(fact)

    def erase(self, before: User, after: User, fact: Event) -> None:
        self.save(before, after)
        erased = {"full_name": after.full_name, "email": after.email}
        self._events[after.id] = [
            event.model_copy(update={"data": {k: erased.get(k, v) for k, v in event.data.items()}})
            for event in self._events[after.id]
        ] + [fact]

    def page(
        self, *, active: bool | None, limit: int, after: Position | None
    ) -> Page[Profile, Position]:
        listed = sorted(
            (
                user
                for user in self._users.values()
                if (active is None or user.is_active == active)
                and (after is None or user.created_at < after.created_at)
            ),
            key=lambda user: user.created_at,
            reverse=True,
        )
        users = [profile(user) for user in listed]
        return Page.cut(users, limit, lambda user: Position(user.created_at, user.id))

    def totals(self) -> dict[str, int]:
        active = sum(user.is_active for user in self._users.values())
        return {"total": len(self._users), "active": active}

    def events(self, user_id: str) -> list[Event]:
        return self._events[user_id]

    def _claim(self, user: User) -> None:
        owner = self.find_by_email(user.email)
        if owner is not None and owner.id != user.id:
            raise EmailTaken


class InMemoryFamilies:
    """Implements `Families`; `rivals` are digests that are stored before the next rotations."""

    def __init__(self) -> None:
        self._families: dict[str, Family] = {}
        self.rivals: list[str] = []

    def add(self, family: Family) -> None:
        self._families[family.id] = family

    def find(self, family_id: str) -> Family | None:
        return self._families.get(family_id)

    def rotate(self, family_id: str, *, old: str, new: str) -> None:
        if self.rivals:
            self._families[family_id] = replace(self._families[family_id], digest=self.rivals.pop())
        family = self._families.get(family_id)
        if family is None or family.digest not in (old, new):
            raise ConcurrentChange
        self._families[family_id] = replace(family, digest=new)

    def end(self, family_id: str) -> None:
        self._families.pop(family_id, None)


class InMemoryAttempts:
    """Implements `Attempts`."""

    def __init__(self) -> None:
        self._pairs: dict[str, PairAttempts] = {}
        self._networks: dict[tuple[str, int], int] = defaultdict(int)

    def count(
        self, pair: str, before: PairAttempts, after: PairAttempts, *, until: int
    ) -> PairAttempts:
        now = self._pairs.get(pair, PairAttempts())
        if (now.count, now.last_at) != (before.count, before.last_at):
            raise ConcurrentChange(now)
        self._pairs[pair] = replace(after, trusted_until=now.trusted_until)
        return self._pairs[pair]

    def withdraw(self, pair: str) -> None:
        now = self._pairs.get(pair, PairAttempts())
        if now.count:
            self._pairs[pair] = replace(now, count=now.count - 1)

    def trust(self, pair: str, *, until: int) -> None:
        self._pairs[pair] = PairAttempts(trusted_until=until)

    def count_network(
        self, network: str, hour: int, *, by: int, below: int | None, until: int
    ) -> bool:
        if below is not None and self._networks[network, hour] >= below:
            return False
        self._networks[network, hour] += by
        return True


class PlainPasswords:
    """Implements `Passwords` without hashing; `compared` are the hashes that were compared."""

    def __init__(self) -> None:
        self.compared: list[str | None] = []

    def hash(self, password: str) -> str:
        return f"hash of {password}"

    def match(self, password_hash: str | None, password: str) -> bool:
        self.compared.append(password_hash)
        return password_hash == f"hash of {password}"


class LocalSigner:
    """Implements `Signer` by a key in memory; `is_away` makes it fail."""

    def __init__(self) -> None:
        self.is_away = False
        self._key = ec.generate_private_key(ec.SECP256R1())
        der = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.public = public_key(der)

    def kid(self) -> str:
        return self.public.kid

    def sign(self, message: bytes) -> bytes:
        if self.is_away:
            raise ConnectionError("the key is away")
        return raw_signature(self._key.sign(message, ec.ECDSA(SHA256())))
