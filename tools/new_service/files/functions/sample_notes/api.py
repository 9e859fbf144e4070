"""Lambda entry for HTTP: creates, gets and lists sample notes."""

from sample_notes.repository import DynamoSampleNotes
from sample_notes.routes import router
from sample_notes.service import SampleNoteService
from shared.runtime.aws import client
from shared.runtime.entry import Entry, Handler
from shared.runtime.settings import ApiSettings
from shared.storage.dynamodb import Table
from shared.web.app import create_service_app, lambda_handler

Settings = ApiSettings


def build(settings: Settings) -> Handler:
    """Wire the function."""
    table = Table(settings.table_name, client("dynamodb"), shards=settings.shards)
    service = SampleNoteService(DynamoSampleNotes(table))
    return lambda_handler(
        create_service_app("sample-notes", router, settings, table.client, service=service)
    )


handler = Entry(build, Settings)
