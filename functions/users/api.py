"""Lambda entry for HTTP: accounts, sessions, the links of e-mails and the public keys."""

from dataclasses import dataclass

from fastapi import APIRouter

from shared.runtime import aws, clock
from shared.runtime.entry import Entry, Handler
from shared.runtime.settings import ApiSettings
from shared.storage.dynamodb import Table
from shared.web.app import create_service_app, lambda_handler
from shared.web.routing import GuardedRoute
from users.accounts.passwords import Argon2Passwords
from users.accounts.repository import DynamoUsers
from users.accounts.routes import router as accounts_router
from users.accounts.service import AccountService
from users.email_links.routes import router as links_router
from users.email_links.service import EmailLinkService
from users.email_tokens.repository import DynamoEmailCounts, DynamoEmailTokens
from users.email_tokens.sealing import KmsSealer
from users.email_tokens.service import EmailTokens
from users.login_throttle.repository import DynamoAttempts
from users.login_throttle.service import LoginThrottle
from users.sessions.access_tokens import AccessTokens
from users.sessions.browser_routes import router as browser_router
from users.sessions.repository import DynamoFamilies
from users.sessions.routes import router as sessions_router
from users.sessions.service import SessionService
from users.signing_keys.repository import DynamoSigningKeys
from users.signing_keys.sealing import KmsSecretSealer
from users.signing_keys.service import SigningKeys


@dataclass(frozen=True)
class Settings(ApiSettings):
    credentials_table: str
    mail_key_id: str
    emails_per_network: int


router = APIRouter(route_class=GuardedRoute)
for nouns in (accounts_router, sessions_router, browser_router, links_router):
    router.routes.extend(nouns.routes)


def build(settings: Settings) -> Handler:
    """The service on DynamoDB and KMS."""
    kms = aws.client("kms")
    table = Table(settings.table_name, aws.client("dynamodb"), shards=settings.shards)
    credentials = Table(settings.credentials_table, table.client)
    signing_keys = SigningKeys(
        DynamoSigningKeys(Table(settings.keys_table, table.client), credentials),
        KmsSecretSealer(kms, settings.mail_key_id),
        clock.now,
    )
    users = DynamoUsers(table, credentials)
    passwords = Argon2Passwords()
    throttle = LoginThrottle(DynamoAttempts(credentials), clock.now)
    email_tokens = EmailTokens(
        sealer=KmsSealer(kms, settings.mail_key_id),
        counts=DynamoEmailCounts(credentials),
        clock=clock.now,
        per_network=settings.emails_per_network,
    )
    accounts = AccountService(
        users=users,
        passwords=passwords,
        throttle=throttle,
        email_tokens=email_tokens,
        clock=clock.now,
    )
    email_links = EmailLinkService(
        users=users,
        tokens=DynamoEmailTokens(credentials),
        email_tokens=email_tokens,
        passwords=passwords,
        throttle=throttle,
        clock=clock.now,
    )
    sessions = SessionService(
        users=users,
        families=DynamoFamilies(credentials, former=table),
        passwords=passwords,
        throttle=throttle,
        tokens=AccessTokens(settings.token_issuer, signing_keys, clock.now),
        clock=clock.now,
    )
    app = create_service_app(
        "users",
        router,
        settings,
        table.client,
        standing=accounts.require_active,
        accounts=accounts,
        sessions=sessions,
        email_links=email_links,
    )
    return lambda_handler(app)


handler = Entry(build, Settings)
