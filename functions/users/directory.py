"""Lambda entry for queries of other services about a customer."""

from dataclasses import dataclass
from typing import Any

from shared.calls.internal import internal_handler
from shared.contracts.directory import Customer, FindCustomer, UserNotFound
from shared.runtime import aws
from shared.runtime.entry import Entry, Handler
from shared.storage.dynamodb import Table
from users.accounts.ports import Customers
from users.accounts.repository import DynamoUsers


@dataclass(frozen=True)
class Settings:
    table_name: str


class Directory:
    """Answers `find_customer`."""

    def __init__(self, customers: Customers) -> None:
        self._customers = customers

    def find_customer(self, body: dict[str, Any]) -> Customer:
        """The customer with an id, also a deactivated one.

        Raises:
            UserNotFound: the user does not exist.
        """
        customer = self._customers.find_customer(FindCustomer.model_validate(body).user_id)
        if customer is None:
            raise UserNotFound
        return customer


def build(settings: Settings) -> Handler:
    """The directory on DynamoDB."""
    table = Table(settings.table_name, aws.client("dynamodb", attempts=2))
    return internal_handler({"find_customer": Directory(DynamoUsers(table)).find_customer})


handler = Entry(build, Settings)
