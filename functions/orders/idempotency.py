"""Placing once for each key, by Powertools' idempotency: the lock while a request runs, and its answer later.

It stands in front of the truth, which is that an order's id is made of its user and key and that its transaction
writes it only where it is not there. So it may forget (after a day, or because its own write failed) and two may
slip past it: there is still one order.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyInconsistentStateError,
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.idempotency.serialization.base import (
    BaseIdempotencySerializer,
)

from orders.errors import IdempotencyKeyReused, RequestInProgress
from orders.models import Basket
from orders.service import OrderService, Placement
from shared import logging
from shared.tokens import Caller

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient

_REMEMBERED_SECONDS: Final = 24 * 60 * 60
_ROUTE: Final = "POST /api/v1/orders"


class RemainingTime(Protocol):
    """What is needed of a Lambda context."""

    def get_remaining_time_in_millis(self) -> int:
        """How long the function may still run."""


@dataclass(frozen=True)
class WholeTimeout:
    """Stands in where there is no Lambda context: a lock that nobody ever took off would hold for a day."""

    milliseconds: int = 15_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


class _Records(DynamoDBPersistenceLayer):
    """Records in a table with two keys, each in a partition of its own: Powertools would put them all into one."""

    def _get_key(self, idempotency_key: str) -> dict[str, Any]:
        return {
            "pk": {"S": f"IDEMPOTENCY#{idempotency_key}"},
            "sk": {"S": "IDEMPOTENCY"},
        }


class _ById(BaseIdempotencySerializer):
    """Remembers only which order it was: the order is read again, and no copy of a customer's data lies about."""

    def __init__(self, orders: OrderService) -> None:
        self._orders = orders

    def to_dict(self, data: Placement) -> dict[str, str]:
        return {"order_id": data.order.id}

    def from_dict(self, data: dict[str, str]) -> Placement:
        return self._orders.placement(data["order_id"])


class PlacingOnce:
    """Places orders, each key's only once.

    Args:
        orders: the service.
        table_name, client: where the records are kept, beside the orders.
    """

    def __init__(self, orders: OrderService, table_name: str, client: "DynamoDBClient") -> None:
        self._orders = orders
        self._serializer = _ById(orders)
        self._records = _Records(
            table_name,
            key_attr="pk",
            sort_key_attr="sk",
            expiry_attr="ttl",
            # "status" is the orders' own, and has an index.
            status_attr="state",
            boto3_client=client,
        )

    def place(
        self, caller: Caller, key: str, basket: Basket, context: "RemainingTime | None"
    ) -> Placement:
        """See OrderService.place.

        Args:
            context: the Lambda context, if there is one: the lock ends with the function's time.

        Raises:
            RequestInProgress: another request with this key is being worked on.
        """
        done: Placement | None = None

        def place(*, request: dict[str, str]) -> Placement:  # noqa: ARG001  # Powertools reads it, by its name
            nonlocal done
            done = self._orders.place(caller, key, basket)
            return done

        once = idempotent_function(
            place,
            data_keyword_argument="request",
            persistence_store=self._records,
            config=_config(context or WholeTimeout()),
            output_serializer=self._serializer,
            key_prefix="orders.place",
        )
        request = {"user": caller.id, "route": _ROUTE, "key": key, "body": basket.digest}
        try:
            placement: Placement = once(request=request)
        except IdempotencyValidationError as cause:
            raise IdempotencyKeyReused from cause
        except (IdempotencyAlreadyInProgressError, IdempotencyInconsistentStateError) as cause:
            raise RequestInProgress from cause
        except IdempotencyPersistenceLayerError:
            logging.logger().warning("could not keep an idempotency record", exc_info=True)
            return done or self._orders.place(caller, key, basket)
        return placement


def _config(context: "RemainingTime") -> IdempotencyConfig:
    lambda_context: LambdaContext = context  # type: ignore[assignment]  # only its remaining time is asked for
    return IdempotencyConfig(
        event_key_jmespath="[user, route, key]",
        payload_validation_jmespath="body",
        raise_on_no_idempotency_key=True,
        expires_after_seconds=_REMEMBERED_SECONDS,
        hash_function="sha256",
        lambda_context=lambda_context,
    )
