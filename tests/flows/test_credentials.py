"""What proves who somebody is stays in a table that one function reads."""

from typing import Final

from tests.simulation.shop import SimulatedShop
from tests.support.client import PASSWORD
from tests.support.functions import FUNCTIONS
from tools.template import resources

SECRETS: Final = ("password_hash", "key", "digest")


def test_no_stream_shows_a_credential(shop: SimulatedShop) -> None:
    tables = shop.cloud.dynamodb.tables
    carla = shop.customer.user["id"]
    # As an earlier release has stored her password.
    moved = tables["CredentialsTable"].items.pop((f"USER#{carla}", "PASSWORD"))
    accounts, key = tables["UsersTable"].items, (f"USER#{carla}", "USER")
    accounts[key] = {**accounts[key], "password_hash": moved["password_hash"]}
    shop.customer.log_in().put(f"/api/v1/users/{carla}", {"full_name": "Carla New"})
    nina = shop.anyone.register(email="nina@example.com")
    wrong = {"email": "nina@example.com", "password": "a-wrong-but-long-password"}
    assert shop.anyone.post("/api/v1/auth/login", wrong).status_code == 401
    token = {"refresh_token": nina.refresh_token}
    assert shop.anyone.post("/api/v1/auth/refresh", token).is_success
    new = {"password": "another-long-password", "current_password": PASSWORD}
    assert nina.put(f"/api/v1/users/{nina.user['id']}", new).is_success
    nina.log_in(new["password"]).post("/api/v1/auth/logout-everywhere")
    secrets = {
        item[name]["S"]
        for change in tables["CredentialsTable"].changes
        for item in (change.before or {}, change.after or {})
        for name in SECRETS
        if name in item
    }
    assert len(secrets) > 8
    shown = str([table.stream for table in tables.values()])
    assert not [secret for secret in secrets if secret in shown]


def test_only_the_api_of_users_names_the_table_of_credentials() -> None:
    naming = {name for name, f in FUNCTIONS.items() if "CredentialsTable" in str(f.properties)}
    assert naming == {"UsersApi"}
    assert "StreamSpecification" not in resources("AWS::DynamoDB::Table")["CredentialsTable"]
