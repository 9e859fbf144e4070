"""The request units that each flow takes of single partition keys, and the rate at which a key
refuses.

A partition takes so many units a second, and all items of one partition key may be in one partition
("Best practices for designing and using partition keys effectively in DynamoDB"). Two customers who
do the same with different products share some keys: these are hot, whatever else is spread.
Conflicts of transactions come on top (tests/rush). DynamoDB's burst and its splits for heat are
left out: a burst ends, and a split takes minutes and does not help a key whose writes all go to one
end of it.
"""

import json
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple
from unittest.mock import patch

from tests.costs import capacity, flows
from tests.costs.flows import Flow
from tests.costs.meter import MeteredShop, opened_as
from tests.simulation.dynamodb import DynamoDB
from tests.simulation.refusals import Impossible
from tests.simulation.wire import current
from tests.support.client import PASSWORD

PARTITION_WRITES: Final = 1000
PARTITION_READS: Final = 3000
ORDER: Final = "an order, to its last e-mail"

_SINGLE_WRITES: Final = {"PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete"}
_QUERIED: Final = re.compile(r"#\w+ = (:\w+)")
_ID: Final = re.compile(r"[0-9a-f]{32,}")
_SHARD: Final = re.compile(r"#\d+$")
# By a schedule, whatever is ordered.
_SCHEDULED: Final = "sweep "
_ACTORS: Final = 2
# Of each actor: enough to meet every value of a key that has four for each shard.
_ORDERS: Final = 24
_MANY: Final = 100_000
_SHARDS: Final = "<shard>"


class Key(NamedTuple):
    """A value of the partition key of a table, or of an index of a table."""

    table: str
    index_name: str
    value: str

    @property
    def unsharded(self) -> "Key":
        """The same for all shards: `3` and `1` are shards, and `confirmed#1` is one of
        `confirmed`."""
        value = _SHARD.sub("", self.value)
        return self._replace(value=_SHARDS if value.isdigit() else value)

    @property
    def family(self) -> "Key":
        """The same for all shards, and for all ids."""
        value = self.unsharded.value
        return self._replace(value=_ID.sub("<id>", value))

    def __str__(self) -> str:
        return " ".join(filter(None, self))


class Load(NamedTuple):
    """Request units."""

    writes: float = 0
    reads: float = 0

    def plus(self, other: "Load") -> "Load":
        return Load(self.writes + other.writes, self.reads + other.reads)

    def shared_by(self, number: float) -> "Load":
        return Load(self.writes / number, self.reads / number)

    @property
    def ceiling(self) -> float:
        """How often a second one partition takes it."""
        most = [PARTITION_WRITES / self.writes] if self.writes else []
        most += [PARTITION_READS / self.reads] if self.reads else []
        return min(most, default=float("inf"))


type Loads = dict[Key, Load]


def loads(dynamodb: DynamoDB, operation: str, request: Mapping[str, Any]) -> Loads:
    """What a request takes of each key if it is done now."""
    found: Loads = {}
    for key, load in (
        *_written(dynamodb, operation, request),
        *_read(dynamodb, operation, request),
    ):
        found[key] = found.get(key, Load()).plus(load)
    return found


def _written(
    dynamodb: DynamoDB, operation: str, request: Mapping[str, Any]
) -> Iterator[tuple[Key, Load]]:
    is_transaction = operation == "TransactWriteItems"
    if is_transaction:
        parts = [part for one in request["TransactItems"] for part in one.items()]
    elif operation in _SINGLE_WRITES:
        parts = [(_SINGLE_WRITES[operation], request)]
    else:
        return
    try:
        effects = [dynamodb.effect(kind, part) for kind, part in parts]
    except Impossible:
        return
    is_done = not any(effect.failed for effect in effects)
    for (_, part), (table, (pk, _), before, after, _) in zip(parts, effects, strict=True):
        name, definition = part["TableName"], table.definition
        units = capacity.write(
            definition, before, after, in_transaction=is_transaction, is_done=is_done
        )
        yield Key(name, "", pk), Load(units.written)
        for index in definition.get("GlobalSecondaryIndexes", ()) if is_done else ():
            for value, written in capacity.index_writes(definition, index, before, after).items():
                yield Key(name, index["IndexName"], value), Load(written)


def _read(
    dynamodb: DynamoDB, operation: str, request: Mapping[str, Any]
) -> Iterator[tuple[Key, Load]]:
    wanted: Mapping[str, Any] = {}
    if operation == "GetItem":
        wanted = {request["TableName"]: {**request, "Keys": [request["Key"]]}}
    elif operation == "BatchGetItem":
        wanted = request["RequestItems"]
    for name, part in wanted.items():
        table, consistent = dynamodb.tables[name], part.get("ConsistentRead", False)
        for wire in part["Keys"]:
            size = capacity.size(table.items.get(key := table.key(wire)))
            yield Key(name, "", key[0]), Load(0, capacity.read([size], consistent=consistent))
    if operation == "Query":
        name = request["TableName"]
        partition = _QUERIED.match(request["KeyConditionExpression"])
        assert partition, request
        value = request["ExpressionAttributeValues"][partition[1]]["S"]
        # A filter saves no units: what it drops is read.
        unfiltered = {k: v for k, v in request.items() if k != "FilterExpression"}
        table = dynamodb.tables[name]
        sizes = map(capacity.size, table.query(unfiltered, table.items)["Items"])
        consistent = request.get("ConsistentRead", False)
        units = capacity.query(sizes, consistent=consistent)
        yield Key(name, request.get("IndexName", ""), value), Load(0, units)


class KeyedShop(MeteredShop):
    """A metered shop that records what is taken of each key.

    Args:
        shards: the template's parameter, for releases that have it.

    Attributes:
        taken: since `forget`, by functions. What the sandbox payment provider takes is not counted.
    """

    def __init__(self, shards: int = 1) -> None:
        super().__init__()
        self.parameters["Shards"] = str(shards)
        self.taken: Loads = {}
        answer = self.cloud.answer

        def counted(
            service: str, operation: str, path: str, body: bytes
        ) -> tuple[int, dict[str, str], bytes]:
            invocation = current.get()
            if service == "dynamodb" and invocation and not invocation.is_provider:
                request = json.loads(body)
                for key, load in loads(self.cloud.dynamodb, operation, request).items():
                    self.taken[key] = self.taken.get(key, Load()).plus(load)
            return answer(service, operation, path, body)

        self.cloud.answer = counted  # type: ignore[method-assign]  # between wire and cloud

    def forget(self) -> None:
        super().forget()
        self.taken = {}


class Runs(NamedTuple):
    """What some runs of a flow took, all for one actor."""

    flow: str
    actor: int
    number: int
    taken: Loads


@dataclass(frozen=True)
class Share:
    """What each run of a flow takes of one value of a key.

    Attributes:
        key: the family of the key.
        values: over how many values of the key the runs are spread.
        is_of_all: whether all actors share the values; if not, those who order the same product, or
            one customer's orders.
    """

    flow: str
    key: Key
    load: Load
    values: int
    is_of_all: bool


def recorded(shards: int = 1, names: Iterable[str] = flows.FLOWS) -> list[Runs]:
    """Runs of flows, and of many orders, by actors who share no customer, no admin and no
    product."""
    with (
        patch("os.urandom", random.Random(0).randbytes),
        opened_as(partial(KeyedShop, shards)) as shop,
    ):
        random.seed(0)
        actors = [_new_actor(shop, number) for number in range(_ACTORS)]
        runs = [
            Runs(name, number, 1, _taken(shop, actor, flows.FLOWS[name]))
            for name in names
            if not name.startswith(_SCHEDULED)
            for number, actor in enumerate(actors)
        ]
        orders = _ORDERS * shards
        for number, actor in enumerate(actors):
            taken = _taken(shop, actor, partial(_order, orders))
            runs.append(Runs(ORDER, number, orders, taken))
        return runs


def _new_actor(shop: KeyedShop, number: int) -> dict[str, Any]:
    """A customer, an admin and products, as attributes of the shop."""
    customer, admin = shop.anyone.register(), shop.anyone.register()
    path = f"/api/v1/users/{admin.user['id']}"
    shop.admin.put(path, {"role": "admin", "current_password": PASSWORD}).raise_for_status()
    admin.log_in()
    names = {"mug": "Mug", "tray": "Tray", "rare": f"Rarity {number}"}
    stock = {"mug": _MANY, "tray": _MANY, "rare": 900}
    products = {
        attribute: shop.admin.add_product(name=name, stock=stock[attribute])
        for attribute, name in names.items()
    }
    shop.come_to_rest()
    return {"customer": customer, "admin": admin, **products}


def _taken(shop: KeyedShop, actor: Mapping[str, Any], flow: Flow) -> Loads:
    vars(shop).update(actor)
    flows.calls_of(shop, flow)
    return dict(shop.taken)


def _order(number: int, shop: MeteredShop) -> Iterator[None]:
    shop.place()
    flows.bring_to_emails(shop)
    yield
    for _ in range(number):
        shop.place()
    flows.bring_to_emails(shop)


def shares(runs: Sequence[Runs]) -> list[Share]:
    """What one run of each flow takes of each key that it shares with other runs of it."""
    values: dict[Key, set[Key]] = defaultdict(set)
    for run in runs:
        for key in run.taken:
            values[key.family].add(key)
    everywhere = _actors(runs)
    names = dict.fromkeys(run.flow for run in runs)
    return [
        share
        for name in names
        for share in _shares([run for run in runs if run.flow == name], everywhere, values)
    ]


def _actors(runs: Iterable[Runs]) -> dict[Key, set[int]]:
    """Who has taken of each key, whichever its shard."""
    found: dict[Key, set[int]] = defaultdict(set)
    for run in runs:
        for key in run.taken:
            found[key.unsharded].add(run.actor)
    return found


def _shares(
    runs: Sequence[Runs], everywhere: Mapping[Key, set[int]], values: Mapping[Key, set[Key]]
) -> Iterator[Share]:
    """Of runs of one flow.

    Args:
        everywhere: who has taken of each key in any flow.
        values: all values that were met of each family: a few runs do not meet all shards.
    """
    actors = _actors(runs)
    total: dict[tuple[bool, Key], Load] = defaultdict(Load)
    met: dict[tuple[bool, Key], set[Key]] = defaultdict(set)
    for run in runs:
        for key, load in run.taken.items():
            # What has no id is shared also where only one actor's runs happen to read it.
            sharing = actors if _ID.search(key.value) else everywhere
            place = len(sharing[key.unsharded]) > 1, key.family
            total[place] = total[place].plus(load)
            met[place].add(key)
    number = sum(run.number for run in runs)
    for (is_of_all, family), load in total.items():
        is_sharded = any(key.unsharded != key for key in values[family])
        spread = len(values[family] if is_sharded else met[is_of_all, family])
        if not is_of_all:
            spread = max(1, spread // len(runs))
        # As many values as runs: each run has its own.
        if is_of_all or spread < number / len(runs):
            yield Share(runs[0].flow, family, load.shared_by(number * spread), spread, is_of_all)


def values_of_orders(runs: Sequence[Runs]) -> dict[Key, int]:
    """Over how many values each key is spread that the orders of all customers write."""
    return {
        share.key: share.values
        for share in shares(runs)
        if share.flow == ORDER and share.is_of_all and share.load.writes
    }
