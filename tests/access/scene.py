"""A shop with customers who own things, and everybody else who may want them."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from gateway.api import create_app
from gateway.backends import SERVICES, LambdaBackends
from gateway.site import DOCUMENT, EVENTS, Site
from shared.auth.tokens import keys_from_kms
from shared.runtime import aws, settings
from shared.web.app import lambda_handler
from tests.shared.auth.forging import Forge, Key
from tests.simulation.stage import Stage, opened
from tests.simulation.town import Town
from tests.support.client import PASSWORD, Client
from tests.support.functions import FUNCTIONS
from tools.lambda_environment import variables
from tools.template import alias

type Stored = dict[tuple[str, str, str], Any]

_ROUND: Final = 2


@dataclass(frozen=True)
class Owner:
    """A customer, and what is theirs; `keys` are the Idempotency-Keys that placed the orders."""

    client: Client
    keys: tuple[str, ...]
    orders: tuple[str, ...]
    notifications: tuple[str, ...]

    @property
    def id(self) -> str:
        return str(self.client.user["id"])

    @property
    def marks(self) -> tuple[str, ...]:
        """What stands in no answer but this customer's own and the admin's."""
        user = self.client.user
        return (self.id, user["email"], user["full_name"], *self.orders, *self.notifications)


@dataclass
class Scene:
    """The stage with its owners.

    Attributes:
        confirmed, shipped: which of an owner's orders is which.
    """

    stage: Stage
    owner: Owner
    other: Owner
    deactivated: Owner
    forge: Forge
    confirmed: int = 0
    shipped: int = 1
    strangers_key: Key = field(default_factory=Key)

    @property
    def town(self) -> Town:
        return self.stage.town

    @property
    def stored(self) -> Stored:
        """All that is stored; items are never changed in place."""
        return {
            (name, *key): item
            for name, table in self.town.cloud.dynamodb.tables.items()
            for key, item in table.items.items()
        }


def settle_in(stage: Stage, name: str) -> Owner:
    """A new customer with a confirmed order, a shipped one, and what was told of them."""
    full_name = f"{name.title()} {uuid.uuid4().hex[:8]}"
    client = Client(stage.anyone.http).register(
        email=f"{name}-{uuid.uuid4().hex[:8]}@example.com", full_name=full_name
    )
    keys = tuple(f"key-{uuid.uuid4().hex}" for _ in range(_ROUND))
    orders = [client.order((stage.mug, 1), key=key) for key in keys]
    stage.town.settle()
    stage.admin.post(f"/api/v1/orders/{orders[-1]['id']}/ship")
    stage.town.come_to_rest()
    client.log_in()
    told = client.get("/api/v1/notifications", params={"limit": 100}).json()["notifications"]
    assert len(told) == 2 + 2 * _ROUND, "welcomed; each order received and confirmed, one shipped"
    return Owner(client, keys, tuple(o["id"] for o in orders), tuple(n["id"] for n in told))


@contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    """Everybody is there, and nothing is on its way.

    Args:
        folder: an empty one.
    """
    with opened() as stage:
        stage.admin.post(f"/api/v1/products/{stage.mug['id']}/stock", {"delta": 999_000})
        stage.town._built["GatewayApi"] = _gateway(folder)
        owner, other, leaving = (settle_in(stage, n) for n in ("olivia", "oscar", "leo"))
        assert stage.admin.delete(f"/api/v1/users/{leaving.id}").status_code == 200
        stage.town.come_to_rest()
        for client in (stage.customer, stage.admin, owner.client, other.client):
            client.log_in(PASSWORD)
        yield Scene(stage, owner, other, leaving, _forge(stage.town))


def _gateway(folder: Path) -> Any:
    """With the documents: a checkout has none."""
    (folder / EVENTS).write_text(json.dumps({"asyncapi": "3.0.0"}))
    (folder / DOCUMENT).write_text(json.dumps({"openapi": "3.1.0", "paths": {}}))
    names = {service: f"{service.title()}Api" for service in SERVICES}
    functions = {service: f"{name}:{alias(name)}" for service, name in names.items()}
    return lambda_handler(create_app(LambdaBackends(aws.client("lambda"), functions), Site(folder)))


def _forge(town: Town) -> Forge:
    """What signs as the shop does."""
    read = settings.read(FUNCTIONS["UsersApi"].module.Settings, variables("UsersApi", town._names))
    key_id = read.token_key_ids.partition(",")[0]
    private = town.cloud._signing_keys[key_id]

    def sign(message: bytes) -> bytes:
        r, s = decode_dss_signature(private.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    [key] = keys_from_kms(aws.client("kms"), key_id)()
    return Forge(key, sign, read.token_issuer)
