"""Lambda entry for HTTP: lists notifications, and marks them as read."""

from fastapi import FastAPI

from notifications.repository import DynamoNotifications
from notifications.routes import router
from notifications.service import NotificationService
from shared.auth.tokens import TokenVerifier, keys_from_kms
from shared.runtime.aws import client
from shared.runtime.entry import Entry, Handler
from shared.runtime.settings import ApiSettings
from shared.storage.dynamodb import Table
from shared.web.app import create_app as create_shared_app
from shared.web.app import lambda_handler
from shared.web.paging import Cursors, key_from_kms

Settings = ApiSettings


def create_app(
    service: NotificationService,
    *,
    verifier: TokenVerifier,
    cursors: Cursors,
    cors_origins: str = "",
) -> FastAPI:
    """The app of the notifications service."""
    app = create_shared_app("notifications", router, verifier=verifier, cors_origins=cors_origins)
    app.state.service = service
    app.state.cursors = cursors
    return app


def build(settings: Settings) -> Handler:
    """Wire the function."""
    kms = client("kms")
    service = NotificationService(
        DynamoNotifications(Table(settings.table_name, client("dynamodb")))
    )
    verifier = TokenVerifier(settings.token_issuer, keys_from_kms(kms, settings.token_key_ids))
    app = create_app(
        service,
        verifier=verifier,
        cursors=Cursors(key_from_kms(kms, settings.cursor_key_id)),
        cors_origins=settings.cors_origins,
    )
    return lambda_handler(app)


handler = Entry(build, Settings)
