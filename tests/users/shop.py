"""The users service on fakes, whole."""

from dataclasses import dataclass, field
from functools import cached_property

from fastapi import FastAPI

from shared.auth.tokens import Caller
from shared.web.cursors import Cursors
from tests.support.callers import FakeVerifier
from tests.support.clock import ManualClock
from tests.support.http import Answer, HttpClient
from tests.users.builders import PASSWORD, SOURCE, a_registration
from tests.users.fakes import (
    InMemoryAttempts,
    InMemoryFamilies,
    InMemoryUsers,
    LocalSigner,
    PlainPasswords,
)
from users.accounts.models import User
from users.accounts.service import UserService
from users.api import create_app
from users.login_throttle.service import Guard
from users.sessions.access_tokens import AccessTokens
from users.sessions.schemas import LogIn, TokenPair
from users.sessions.service import SessionService

ISSUER = "https://tests.example"


@dataclass
class Shop:
    """The services, and the fakes that they stand on."""

    clock: ManualClock = field(default_factory=ManualClock)
    users: InMemoryUsers = field(default_factory=InMemoryUsers)
    families: InMemoryFamilies = field(default_factory=InMemoryFamilies)
    passwords: PlainPasswords = field(default_factory=PlainPasswords)
    signer: LocalSigner = field(default_factory=LocalSigner)
    attempts: InMemoryAttempts = field(default_factory=InMemoryAttempts)

    @cached_property
    def guard(self) -> Guard:
        return Guard(self.attempts, self.clock)

    @cached_property
    def accounts(self) -> UserService:
        return UserService(
            users=self.users,
            passwords=self.passwords,
            guard=self.guard,
            cursors=Cursors(lambda: b"k" * 32),
            clock=self.clock,
        )

    @cached_property
    def sessions(self) -> SessionService:
        return SessionService(
            users=self.users,
            families=self.families,
            passwords=self.passwords,
            guard=self.guard,
            tokens=AccessTokens(ISSUER, self.signer, self.clock),
            clock=self.clock,
        )

    @cached_property
    def app(self) -> FastAPI:
        return create_app(self.accounts, self.sessions, verifier=FakeVerifier())

    @cached_property
    def http(self) -> HttpClient:
        return HttpClient(self.app)

    def customer(self, **values: str) -> User:
        """Somebody who has just registered, a second after the one before."""
        self.clock.advance(seconds=1)
        return self.accounts.register(a_registration(**values), source=SOURCE)

    def admin(self) -> User:
        """An account that has been made an admin's."""
        before = self.customer()
        after = before.changed(role="admin")
        self.users.save(before, after)
        return after

    def now(self, user: User) -> User:
        """The user as stored."""
        stored = self.users.find(user.id)
        assert stored is not None
        return stored

    def log_in(self, user: User, password: str = PASSWORD, *, source: str = SOURCE) -> TokenPair:
        return self.sessions.log_in(LogIn(email=user.email, password=password), source=source)


def caller(user: User) -> Caller:
    """Whoever holds a token of the user's."""
    return Caller(user.id, user.role)


def pointers(answer: Answer) -> set[str]:
    """Where a 422 says that something is wrong."""
    assert (answer.status, answer.code) == (422, "invalid-request")
    return {error["pointer"] for error in answer.json["errors"]}


def log_in(shop: Shop, email: str, password: str = PASSWORD) -> Answer:
    """What the log-in route answers."""
    return shop.http.post("/api/v1/auth/login", {"email": email, "password": password})
