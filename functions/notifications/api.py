"""Lambda entry for HTTP: lists notifications, and marks them as read."""

from notifications.repository import DynamoNotifications
from notifications.routes import router
from notifications.service import NotificationService
from shared.runtime.aws import client
from shared.runtime.entry import Entry, Handler
from shared.runtime.settings import ApiSettings
from shared.storage.dynamodb import Table
from shared.web.app import create_service_app, lambda_handler

Settings = ApiSettings


def build(settings: Settings) -> Handler:
    """Wire the function."""
    table = Table(settings.table_name, client("dynamodb"), shards=settings.shards)
    service = NotificationService(DynamoNotifications(table))
    return lambda_handler(
        create_service_app("notifications", router, settings, table.client, service=service)
    )


handler = Entry(build, Settings)
