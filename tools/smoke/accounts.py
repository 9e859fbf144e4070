"""Steps about accounts, log-ins and tokens."""

import json
from typing import Final

import jwt

from tools.smoke.client import Reply
from tools.smoke.walk import Walk

USER: Final = "id email full_name role is_active created_at"


def register(walk: Walk) -> None:
    api = walk.api
    for name in ("customer", "stranger"):
        person = walk.newcomer(name)
        body = {"email": person.email, "full_name": "Smoke Test", "password": person.password}
        reply = api.ask("POST /api/v1/users", "201", json=body)
        reply.fields(USER)
        reply.has(email=person.email, role="customer", is_active=True)
        person.id, person.location = reply["id"], api.linked(reply, reply.header("Location"))
    for email in (walk.customer.email, walk.customer.email.upper()):
        body = {"email": email, "full_name": "Smoke Test", "password": walk.customer.password}
        api.ask("POST /api/v1/users", "409 email-taken", json=body)
    wrong = {"email": "nobody", "full_name": "", "password": "short"}
    reply = api.ask("POST /api/v1/users", "422 invalid-request", json=wrong)
    pointers = {error["pointer"] for error in reply["errors"]}
    reply.should(pointers == {f"#/{name}" for name in wrong}, "point to each wrong field")


def log_in(walk: Walk) -> None:
    for person in (walk.customer, walk.stranger):
        reply = walk.log_in(person)
        reply.has(token_type="Bearer")  # noqa: S106  # no password
        reply.should(reply["expires_in"] > 0, "say when the token expires")
        try:
            kid = jwt.get_unverified_header(person.access_token)["kid"]
            [key] = [jwt.PyJWK(key).key for key in walk.keys if key["kid"] == kid]
            # The signature alone: this machine's clock may be wrong.
            payload = jwt.PyJWS().decode(person.access_token, key, algorithms=["ES256"])
        except (jwt.PyJWTError, LookupError, ValueError) as reason:
            what = f"have a token that a key of jwks.json verifies ({type(reason).__name__})"
            raise reply.unexpected(what) from None
        reply.should(json.loads(payload)["sub"] == person.id, "have a token of this account")


def bad_credentials(walk: Walk) -> None:
    def refused(email: str) -> Reply:
        body = {"email": email, "password": "not-the-password"}
        return walk.api.ask("POST /api/v1/auth/login", "401 bad-credentials", json=body)

    wrong = refused(walk.customer.email)
    refused(f"no-{walk.customer.email}").has(title=wrong["title"], detail=wrong["detail"])


def own_account(walk: Walk) -> None:
    api, person = walk.api, walk.customer
    me = api.ask("GET /api/v1/users/me", "200", person)
    me.has(id=person.id, email=person.email)
    api.ask(f"GET {person.location}", "200", person).has(**me.json)
    changed = api.ask(f"PUT {person.location}", "200", person, {"full_name": "Smoke Tester"})
    changed.has(full_name="Smoke Tester", email=person.email)
    api.ask("GET /api/v1/users/me", "200", person).has(full_name="Smoke Tester")
    api.ask(f"PUT {person.location}", "403 forbidden", person, {"role": "admin"})


def others_accounts(walk: Walk) -> None:
    api, location = walk.api, walk.customer.location
    for method, body in (("GET", None), ("PUT", {"full_name": "Mine"}), ("DELETE", None)):
        api.ask(f"{method} {location}", "404 user-not-found", walk.stranger, body)
    api.ask(f"GET {location}", "401 unauthenticated")
    api.ask("GET /api/v1/users", "403 forbidden", walk.stranger)
    api.ask("GET /api/v1/users/me", "401 unauthenticated", Authorization="Bearer nonsense")


def refresh_and_log_out(walk: Walk) -> None:
    api, person = walk.api, walk.customer
    spent = {"refresh_token": person.refresh_token}
    renewed = api.ask("POST /api/v1/auth/refresh", "200", json=spent)
    renewed.fields("access_token token_type expires_in refresh_token")
    person.access_token = renewed["access_token"]
    child = {"refresh_token": renewed["refresh_token"]}
    for token in (spent, child):
        # The reuse of one ends the family.
        api.ask("POST /api/v1/auth/refresh", "401 bad-refresh-token", json=token)
    walk.log_in(person)
    family = {"refresh_token": person.refresh_token}
    api.ask("POST /api/v1/auth/logout", "204", json=family)
    api.ask("POST /api/v1/auth/refresh", "401 bad-refresh-token", json=family)


def admin_log_in(walk: Walk) -> None:
    admin = walk.log_in_admin()
    walk.api.ask("GET /api/v1/users/me", "200", admin).has(role="admin")


def accounts_for_admin(walk: Walk) -> None:
    api, admin, person = walk.api, walk.admin, walk.customer
    api.ask(f"GET {person.location}", "200", admin).has(id=person.id, email=person.email)
    api.ask("GET /api/v1/users/no-such-user", "404 user-not-found", admin)
    listing = api.ask("GET /api/v1/users?active=true&limit=2", "200", admin)
    listing.has(count=2)
    listing.should(all(u["is_active"] for u in listing["users"]), "have active accounts only")


def erase_account(walk: Walk) -> None:
    api, person = walk.api, walk.stranger
    erased = api.ask(f"DELETE {person.location}?erase=true", "200", person)
    erased.has(deactivated=True, erased=True)
    api.ask("GET /api/v1/users/me", "401 unauthenticated", person)
    # From here on the clean-up has to log in, and cannot.
    person.access_token = ""
    body = {"email": person.email, "password": person.password}
    api.ask("POST /api/v1/auth/login", "401 bad-credentials", json=body)
