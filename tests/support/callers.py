"""Callers, and a verifier that takes `<role>:<id>:<session epoch>` for a token."""

from collections.abc import Sequence

from shared.auth.tokens import ROLES, Caller, PublicKey, TokenVerifier
from shared.errors import Unauthenticated

ADMIN = Caller("admin-1", "admin")
ALICE = Caller("alice-1", "customer")
BOB = Caller("bob-1", "customer")

# Where each service asks for a caller. Products and operations answer a customer with 403,
# which takes a good token too.
PLACES = {
    "UsersApi": ("GET", "/api/v1/users/me"),
    "ProductsApi": ("POST", "/api/v1/products"),
    "OrdersApi": ("GET", "/api/v1/orders"),
    "NotificationsApi": ("GET", "/api/v1/notifications"),
    "OperationsApi": ("GET", "/api/v1/operations/circuits"),
    "OperationsQueues": ("POST", "/api/v1/operations/queues/checkout/redrive"),
}


class FixedKeys:
    """Implements `PublicKeys` by these keys."""

    def __init__(self, *keys: PublicKey) -> None:
        self._keys = keys

    def find(self, kid: str) -> PublicKey | None:
        return next((key for key in self._keys if key.kid == kid), None)

    def all(self) -> Sequence[PublicKey]:
        return self._keys


class FakeVerifier(TokenVerifier):
    """Believes the token. The real one has tests of its own."""

    def __init__(self) -> None:
        super().__init__("https://tests.example", FixedKeys())

    def caller(self, token: str) -> Caller:
        role, id_, session_epoch = (*token.split(":"), "", "")[:3]
        if role not in ROLES or not id_:
            raise Unauthenticated("The access token is not valid.", reason="invalid")
        return Caller(id_, role, int(session_epoch or 0))  # type: ignore[arg-type]  # checked above
