"""A function whose environment names the parameter has faults, from its first call on."""

from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakSet

import pytest
from botocore.exceptions import ClientError

from faults.current import current
from faults.plan import Fault
from shared.runtime import aws, clock
from shared.runtime.entry import Entry, Handler
from tests.support.aws import make_table

_NAME = "/bodega/bodega/faults"


@dataclass(frozen=True)
class Settings:
    pass


@pytest.fixture(autouse=True)
def _no_clients(account: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(aws, "_clients", WeakSet())  # without those of other tests
    current.cache_clear()
    yield
    current.cache_clear()


# Empty in containers of `sam local`.
@pytest.mark.parametrize(("name", "has_faults"), [(_NAME, True), ("", False), (None, False)])
def test_entry_lets_the_functions_calls_fail_where_the_shop_has_faults(
    name: str | None, has_faults: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = make_table("UsersTable")
    value = Fault("dynamodb", "error", 1, clock.now().timestamp() + 60).written()
    aws.client("ssm").put_parameter(Name=_NAME, Value=value, Type="String")
    if name is not None:
        monkeypatch.setenv("FAULTS", name)

    def build(_: Settings) -> Handler:
        client = aws.client("dynamodb", attempts=1)

        def handle(_event: object, _context: object) -> bool:
            try:
                client.describe_table(TableName=table.name)
            except ClientError as error:
                return error.response["Error"]["Code"] == "InternalServerError"
            return False

        return handle

    assert Entry(build, Settings)({}, None) is has_faults
    # Without faults there is not even the client that would read the parameter.
    assert current.cache_info().currsize == has_faults
