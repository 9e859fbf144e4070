"""The users service on fakes and the simulated DynamoDB."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import pytest

from shared.auth.tokens import Caller
from shared.contracts.events import Event
from shared.messaging import outbox
from shared.storage.dynamodb import Table
from tests.support.aws import simulated_tables
from tests.support.clock import ManualClock
from tests.support.http import Answer, HttpClient, serve
from tests.users.builders import PASSWORD, SOURCE, a_registration
from tests.users.fakes import LocalSigner, PlainPasswords, PlainSealer
from users.accounts.models import User, UserChanges
from users.accounts.repository import DynamoUsers
from users.accounts.service import AccountService
from users.api import router
from users.email_links.service import EmailLinkService
from users.email_tokens.repository import DynamoEmailCounts, DynamoEmailTokens
from users.email_tokens.service import EmailTokens
from users.login_throttle.repository import DynamoAttempts
from users.login_throttle.service import LoginThrottle
from users.sessions.access_tokens import AccessTokens
from users.sessions.models import TokenPair
from users.sessions.repository import DynamoFamilies
from users.sessions.service import SessionService

ISSUER = "https://tests.example"


@dataclass
class Service:
    """The use cases, and the fakes that they use."""

    clock: ManualClock = field(default_factory=ManualClock)
    tables: list[Table] = field(
        default_factory=lambda: simulated_tables("UsersTable", "CredentialsTable")
    )
    passwords: PlainPasswords = field(default_factory=PlainPasswords)
    signer: LocalSigner = field(default_factory=LocalSigner)
    sealer: PlainSealer = field(default_factory=PlainSealer)

    @property
    def table(self) -> Table:
        """UsersTable."""
        return self.tables[0]

    @property
    def credentials(self) -> Table:
        """CredentialsTable."""
        return self.tables[1]

    @cached_property
    def users(self) -> DynamoUsers:
        return DynamoUsers(self.table, self.credentials)

    @cached_property
    def families(self) -> DynamoFamilies:
        return DynamoFamilies(self.credentials, former=self.table)

    @cached_property
    def throttle(self) -> LoginThrottle:
        return LoginThrottle(DynamoAttempts(self.credentials), self.clock)

    @cached_property
    def accounts(self) -> AccountService:
        return AccountService(
            users=self.users,
            passwords=self.passwords,
            throttle=self.throttle,
            email_tokens=self.email_tokens,
            clock=self.clock,
        )

    @cached_property
    def email_tokens(self) -> EmailTokens:
        return EmailTokens(
            sealer=self.sealer,
            counts=DynamoEmailCounts(self.credentials),
            clock=self.clock,
            per_network=20,
        )

    @cached_property
    def email_links(self) -> EmailLinkService:
        return EmailLinkService(
            users=self.users,
            tokens=DynamoEmailTokens(self.credentials),
            email_tokens=self.email_tokens,
            passwords=self.passwords,
            throttle=self.throttle,
            clock=self.clock,
        )

    @cached_property
    def sessions(self) -> SessionService:
        return SessionService(
            users=self.users,
            families=self.families,
            passwords=self.passwords,
            throttle=self.throttle,
            tokens=AccessTokens(ISSUER, self.signer, self.clock),
            clock=self.clock,
        )

    @cached_property
    def http(self) -> HttpClient:
        return self.served()

    def served(self, **parts: Any) -> HttpClient:
        """A client of the service; `parts` replace others of its app."""
        services = {
            "accounts": self.accounts,
            "sessions": self.sessions,
            "email_links": self.email_links,
        }
        return serve(router, standing=self.accounts.require_active, **services, **parts)

    def customer(self, **values: str) -> User:
        """Register a customer, a second after the one before."""
        self.clock.advance(seconds=1)
        return self.accounts.register(**a_registration(**values), source=SOURCE)

    def admin(self) -> User:
        before = self.customer()
        after = before.changed(role="admin")
        self.users.save(before, after)
        return after

    def stored(self, user: User) -> User:
        found = self.users.find(user.id)
        assert found is not None
        return found

    def event_types(self, user: User) -> list[str]:
        return [event.type for event in self.events(user)]

    def events(self, user: User) -> list[Event]:
        return list(outbox.history(self.table, f"USER#{user.id}"))

    def token(self, user: User) -> str:
        """The token of the last e-mail that was requested of the user's account."""
        sealed = self.events(user)[-1].data["sealed_token"]
        return self.sealer.opened(sealed, user_id=user.id)

    def change(self, by: User, user: User | None = None, /, **values: Any) -> User:
        """Change an account, the caller's own by default, with the caller's password."""
        secrets = {"current_password": PASSWORD} | {
            name: values.pop(name)
            for name in ("email", "password", "current_password")
            if name in values
        }
        changes = cast("UserChanges", values)
        return self.accounts.change(caller(by), (user or by).id, changes, source=SOURCE, **secrets)

    def deactivate(self, user: User, by: User | None = None) -> User:
        return self.accounts.deactivate(caller(by or user), user.id)

    def erase(self, user: User, by: User | None = None) -> User:
        return self.accounts.erase(
            caller(by or user), user.id, source=SOURCE, current_password=PASSWORD
        )

    def log_in(
        self, email: str, password: str = PASSWORD, *, source: str = SOURCE, client: str = ""
    ) -> TokenPair:
        return self.sessions.log_in(email=email, password=password, source=source, client=client)


def caller(user: User) -> Caller:
    """The caller with an access token of the user."""
    return Caller(user.id, user.role, user.session_epoch)


def made_by(service: Service, act: Callable[[], object]) -> list[str]:
    """The calls that an action makes of DynamoDB and of KMS, and the number of operations in each
    transaction."""
    made: list[str] = []
    client = service.table.client

    class Counting:
        def __getattr__(self, name: str) -> Any:
            def call(**request: Any) -> Any:
                parts = request.get("TransactItems", ())
                kinds = [kind for part in parts for kind in part]
                made.append(" ".join([name, *kinds]))
                return getattr(client, name)(**request)

            return call

    sealed = len(service.sealer.sealed)
    with pytest.MonkeyPatch.context() as patched:
        for table in (service.table, service.credentials):
            patched.setattr(table, "client", Counting())
        act()
    made += ["encrypt"] * (len(service.sealer.sealed) - sealed)
    return made


def pointers(answer: Answer) -> set[str]:
    """Where a 422 says that something is wrong."""
    assert (answer.status, answer.code) == (422, "invalid-request")
    return {error["pointer"] for error in answer.json["errors"]}
