"""A shop in which customers own things, other customers want them, and one account is inactive."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.api import create_app
from gateway.backends import SERVICES, LambdaBackends
from gateway.site import DOCUMENT, EVENTS, Site
from shared.auth.tokens import keys_from_kms
from shared.runtime import aws, settings
from shared.web.app import lambda_handler
from tests.shared.auth.forging import Forge, Key
from tests.simulation.shop import SimulatedShop, opened
from tests.support.client import PASSWORD, Client
from tests.support.functions import FUNCTIONS
from tools.lambda_environment import variables
from tools.template import alias
from users.sessions.access_tokens import raw_signature

type Stored = dict[tuple[str, str, str], Any]

_ORDERS: Final = 2


@dataclass(frozen=True)
class Owner:
    """A customer, and the ids of what is theirs."""

    client: Client
    orders: tuple[str, ...]
    notifications: tuple[str, ...]

    @property
    def id(self) -> str:
        return str(self.client.user["id"])

    @property
    def marks(self) -> tuple[str, ...]:
        """Texts that only answers to this customer and to admins may hold."""
        user = self.client.user
        return (self.id, user["email"], user["full_name"], *self.orders, *self.notifications)


@dataclass
class Scene:
    """The shop and its customers.

    Attributes:
        confirmed, shipped: the indexes of an owner's orders in these states.
    """

    shop: SimulatedShop
    owner: Owner
    other: Owner
    deactivated: Owner
    forge: Forge
    confirmed: int = 0
    shipped: int = 1
    foreign_key: Key = field(default_factory=Key)

    @property
    def stored(self) -> Stored:
        """All that is stored; items are never changed in place."""
        return {
            (name, *key): item
            for name, table in self.shop.cloud.dynamodb.tables.items()
            for key, item in table.items.items()
        }


def settle_in(shop: SimulatedShop, name: str) -> Owner:
    """A new customer with a confirmed order, a shipped one, and the notifications of both."""
    client = Client(shop.anyone.http).register(
        email=f"{name}-{uuid.uuid4().hex[:8]}@example.com",
        full_name=f"{name.title()} {uuid.uuid4().hex[:8]}",
    )
    orders = [client.order((shop.mug, 1)) for _ in range(_ORDERS)]
    shop.settle()
    shop.admin.post(f"/api/v1/orders/{orders[-1]['id']}/ship")
    shop.come_to_rest()
    client.log_in()
    page = client.get("/api/v1/notifications", params={"limit": 100}).json()["notifications"]
    assert len(page) == 2 + 2 * _ORDERS, "a welcome; each order received and confirmed, one shipped"
    return Owner(client, tuple(o["id"] for o in orders), tuple(n["id"] for n in page))


@contextmanager
def opened_scene(folder: Path) -> Iterator[Scene]:
    """The scene, with no message in transit.

    Args:
        folder: an empty one, for the gateway's documents.
    """
    with opened() as shop:
        shop.admin.post(f"/api/v1/products/{shop.mug['id']}/stock", {"delta": 999_000})
        shop._built["GatewayApi"] = _gateway(folder)
        owner, other, leaving = (settle_in(shop, n) for n in ("olivia", "oscar", "leo"))
        assert shop.admin.delete(f"/api/v1/users/{leaving.id}").status_code == 200
        shop.come_to_rest()
        for client in (shop.customer, shop.admin, owner.client, other.client):
            client.log_in(PASSWORD)
        yield Scene(shop, owner, other, leaving, _forge(shop))


def _gateway(folder: Path) -> Any:
    """The gateway with documents, which a checkout of the repository does not have."""
    (folder / EVENTS).write_text(json.dumps({"asyncapi": "3.0.0"}))
    (folder / DOCUMENT).write_text(json.dumps({"openapi": "3.1.0", "paths": {}}))
    names = {service: f"{service.title()}Api" for service in SERVICES}
    functions = {service: f"{name}:{alias(name)}" for service, name in names.items()}
    return lambda_handler(create_app(LambdaBackends(aws.client("lambda"), functions), Site(folder)))


def _forge(shop: SimulatedShop) -> Forge:
    """Makes access tokens that are signed as the shop signs them."""
    read = settings.read(FUNCTIONS["UsersApi"].module.Settings, variables("UsersApi", shop._names))
    key_id = read.token_key_ids.partition(",")[0]
    private = shop.cloud._signing_keys[key_id]

    def sign(message: bytes) -> bytes:
        return raw_signature(private.sign(message, ec.ECDSA(hashes.SHA256())))

    [key] = keys_from_kms(aws.client("kms"), key_id)()
    return Forge(key, sign, read.token_issuer)
