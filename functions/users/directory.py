"""Lambda entry for queries of other services about a customer."""

from dataclasses import dataclass
from typing import Any

from shared.calls.internal import internal_handler
from shared.contracts.directory import Customer, FindCustomer, UserNotFound
from shared.runtime import aws
from shared.runtime.entry import Entry, Handler
from shared.storage.dynamodb import Table
from users.accounts.repository import DynamoCustomers


@dataclass(frozen=True)
class Settings:
    table_name: str


def build(settings: Settings) -> Handler:
    """Wire the function."""
    customers = DynamoCustomers(Table(settings.table_name, aws.client("dynamodb", attempts=2)))

    def find_customer(body: dict[str, Any]) -> Customer:
        customer = customers.find(FindCustomer.model_validate(body).user_id)
        if customer is None:
            raise UserNotFound
        return customer

    return internal_handler({"find_customer": find_customer})


handler = Entry(build, Settings)
