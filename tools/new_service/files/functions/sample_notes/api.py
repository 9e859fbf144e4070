"""Lambda entry for HTTP: creates, gets and lists sample notes."""

from fastapi import FastAPI

from sample_notes.repository import DynamoSampleNotes
from sample_notes.routes import router
from sample_notes.service import SampleNoteService
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
    service: SampleNoteService,
    *,
    verifier: TokenVerifier,
    cursors: Cursors,
    cors_origins: str = "",
) -> FastAPI:
    """The app of the service."""
    app = create_shared_app("sample-notes", router, verifier=verifier, cors_origins=cors_origins)
    app.state.service = service
    app.state.cursors = cursors
    return app


def build(settings: Settings) -> Handler:
    """Wire the function."""
    kms = client("kms")
    table = Table(settings.table_name, client("dynamodb"))
    app = create_app(
        SampleNoteService(DynamoSampleNotes(table)),
        verifier=TokenVerifier(settings.token_issuer, keys_from_kms(kms, settings.token_key_ids)),
        cursors=Cursors(key_from_kms(kms, settings.cursor_key_id)),
        cors_origins=settings.cors_origins,
    )
    return lambda_handler(app)


handler = Entry(build, Settings)
