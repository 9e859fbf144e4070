"""Accounts and tokens, over HTTP on the deployed stack."""

import time

import jwt
import pytest

from tests.support.client import PASSWORD, Client, code, eventually

USER_FIELDS = {"id", "email", "full_name", "role", "is_active", "created_at"}


def test_a_new_customer_registers_and_sees_oneself(customer: Client) -> None:
    me = customer.get("/api/v1/users/me")
    assert me.status_code == 200
    assert set(me.json()) == USER_FIELDS
    assert me.json()["role"] == "customer"
    assert me.json()["is_active"] is True
    assert "no-store" in me.headers["cache-control"]


def test_an_address_is_taken_whatever_its_case(customer: Client, anyone: Client) -> None:
    account = {"email": customer.user["email"].upper(), "full_name": "X Y", "password": PASSWORD}
    answer = anyone.post("/api/v1/users", account)
    assert (answer.status_code, code(answer)) == (409, "email-taken")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "nobody"),
        ("email", "a b@example.com"),
        ("email", 7),
        ("password", "elevenchars"),
        ("password", "x" * 129),
        ("full_name", ""),
        ("full_name", None),
        ("role", "admin"),
    ],
)
def test_a_registration_says_which_field_is_wrong(
    anyone: Client, field: str, value: object
) -> None:
    account = {"email": "fine@example.com", "full_name": "Fine", "password": PASSWORD}
    answer = anyone.post("/api/v1/users", {**account, field: value})
    assert (answer.status_code, code(answer)) == (422, "invalid-request")
    assert any(error["pointer"].endswith(field) for error in answer.json()["errors"])


def test_a_log_in_gives_a_token_that_the_public_keys_verify(
    customer: Client, anyone: Client
) -> None:
    keys = anyone.get("/.well-known/jwks.json")
    assert keys.status_code == 200
    assert customer.token is not None
    header = jwt.get_unverified_header(customer.token)
    assert header["typ"] == "at+jwt"
    [key] = [k for k in keys.json()["keys"] if k["kid"] == header["kid"]]
    claims = jwt.decode(
        customer.token,
        jwt.PyJWK(key).key,
        algorithms=["ES256"],
        audience="bodega",
        options={"require": ["iss", "aud", "exp", "iat", "jti", "sub", "role"]},
    )
    assert claims["sub"] == customer.user["id"]
    assert claims["exp"] - claims["iat"] == 900


def test_unknown_wrong_and_deactivated_log_in_alike(customer: Client, anyone: Client) -> None:
    email = customer.user["email"]
    wrong = anyone.post("/api/v1/auth/login", {"email": email, "password": "x" * 12})
    unknown = anyone.post("/api/v1/auth/login", {"email": f"no-{email}", "password": "x" * 12})
    assert customer.delete(f"/api/v1/users/{customer.user['id']}").json() == {"deactivated": True}
    gone = anyone.post("/api/v1/auth/login", {"email": email, "password": PASSWORD})
    for answer in (wrong, unknown, gone):
        assert (answer.status_code, code(answer)) == (401, "bad-credentials")
    assert len({(a.json()["title"], a.json()["detail"]) for a in (wrong, unknown, gone)}) == 1


def test_guessing_is_slowed_down(customer: Client, anyone: Client) -> None:
    guess = {"email": customer.user["email"], "password": "not-the-password"}
    answers = [anyone.post("/api/v1/auth/login", guess) for _ in range(12)]
    assert (answers[-1].status_code, code(answers[-1])) == (429, "too-many-attempts")
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert answers[0].status_code == 401


def test_a_refresh_token_works_once_and_its_reuse_ends_the_family(
    customer: Client, anyone: Client
) -> None:
    first = {"refresh_token": customer.refresh_token}
    renewed = anyone.post("/api/v1/auth/refresh", first)
    assert renewed.status_code == 200
    assert set(renewed.json()) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (renewed.json()["token_type"], renewed.json()["expires_in"]) == ("Bearer", 900)
    reused = anyone.post("/api/v1/auth/refresh", first)
    assert (reused.status_code, code(reused)) == (401, "bad-refresh-token")
    child = anyone.post("/api/v1/auth/refresh", {"refresh_token": renewed.json()["refresh_token"]})
    assert (child.status_code, code(child)) == (401, "bad-refresh-token")


def test_a_log_out_ends_the_family(customer: Client, anyone: Client) -> None:
    family = {"refresh_token": customer.refresh_token}
    assert anyone.post("/api/v1/auth/logout", family).status_code == 204
    assert code(anyone.post("/api/v1/auth/refresh", family)) == "bad-refresh-token"
    assert code(anyone.post("/api/v1/auth/refresh", {"refresh_token": "x"})) == "bad-refresh-token"


def test_a_new_password_needs_the_old_one_and_ends_all_sessions(
    customer: Client, anyone: Client
) -> None:
    path = f"/api/v1/users/{customer.user['id']}"
    fresh = "another-long-password"
    assert customer.put(path, {"password": fresh}).status_code == 422
    assert customer.put(path, {"password": fresh, "current_password": "x" * 12}).status_code >= 400
    changed = customer.put(path, {"password": fresh, "current_password": PASSWORD})
    assert changed.status_code == 200
    spent = anyone.post("/api/v1/auth/refresh", {"refresh_token": customer.refresh_token})
    assert code(spent) == "bad-refresh-token"
    customer.log_in(fresh)


def test_somebody_changes_ones_own_name_and_address_only(customer: Client, other: Client) -> None:
    path = f"/api/v1/users/{customer.user['id']}"
    changed = customer.put(path, {"full_name": "Carla C."})
    assert (changed.status_code, changed.json()["full_name"]) == (200, "Carla C.")
    assert changed.json()["email"] == customer.user["email"]
    taken = customer.put(path, {"email": other.user["email"]})
    assert (taken.status_code, code(taken)) == (409, "email-taken")
    promoted = customer.put(path, {"role": "admin"})
    assert (promoted.status_code, code(promoted)) == (403, "forbidden")


def test_accounts_of_others_are_not_there(customer: Client, other: Client, anyone: Client) -> None:
    path = f"/api/v1/users/{customer.user['id']}"
    assert customer.get(path).status_code == 200
    for answer in (other.get(path), other.put(path, {"full_name": "Mine"}), other.delete(path)):
        assert (answer.status_code, code(answer)) == (404, "user-not-found")
    for answer in (anyone.get(path), anyone.get("/api/v1/users/me"), anyone.get("/api/v1/users")):
        assert (answer.status_code, code(answer)) == (401, "unauthenticated")
        assert answer.headers["x-amzn-remapped-www-authenticate"].startswith("Bearer")
    listing = customer.get("/api/v1/users")
    assert (listing.status_code, code(listing)) == (403, "forbidden")


def test_an_admin_lists_promotes_and_deactivates(admin: Client, customer: Client) -> None:
    path = f"/api/v1/users/{customer.user['id']}"
    assert admin.put(path, {"role": "admin"}).json()["role"] == "admin"
    assert admin.put(path, {"is_active": False}).json()["is_active"] is False
    me = customer.get("/api/v1/users/me")
    assert (me.status_code, code(me)) == (401, "unauthenticated")
    inactive = admin.get("/api/v1/users", params={"active": "false", "limit": 100}).json()
    assert customer.user["id"] in {user["id"] for user in inactive["users"]}
    active = admin.get("/api/v1/users", params={"active": "true", "limit": 100}).json()
    assert customer.user["id"] not in {user["id"] for user in active["users"]}
    assert admin.get("/api/v1/users/nobody").status_code == 404


def test_a_list_of_users_is_read_page_by_page(
    admin: Client, customer: Client, other: Client
) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": "1"} | ({"cursor": cursor} if cursor else {})
        page = admin.get("/api/v1/users", params=query).json()
        assert page["count"] == len(page["users"]) <= 1
        seen += [user["id"] for user in page["users"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen))
    assert {customer.user["id"], other.user["id"]} <= set(seen)


def test_a_new_customer_is_welcomed(customer: Client) -> None:
    started = time.monotonic()
    [welcome] = eventually(lambda: customer.get("/api/v1/notifications").json()["notifications"])
    assert welcome["type"] == "user.registered"
    assert time.monotonic() - started < 20
