"""Sample notes over HTTP: each route parses, calls the service once and answers."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from sample_notes.errors import SampleNoteNotFound
from sample_notes.schemas import (
    SampleNoteListResponse,
    SampleNoteRequest,
    SampleNoteResponse,
    SampleNotesHealth,
)
from sample_notes.service import SampleNoteService
from shared.auth.access import allow
from shared.errors import Forbidden
from shared.web import health
from shared.web.paging import Paging
from shared.web.responses import location, problems
from shared.web.rest_events import link
from shared.web.routing import Authenticated, GuardedRoute, KeptFigures, state

router = APIRouter(tags=["sample-notes"], route_class=GuardedRoute)

Service = Annotated[SampleNoteService, state("service")]


@router.get(
    "/api/v1/sample-notes",
    operation_id="listSampleNotes",
    summary="List sample notes, newest first",
    responses=problems({Forbidden: "a customer requests another user's"}),
)
@allow("user", more_for=("admin",))
async def list_sample_notes(
    *,
    caller: Authenticated,
    service: Service,
    paging: Paging,
    user_id: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=128,
            description="This user's, for admins. Without it the caller's own.",
        ),
    ] = None,
) -> SampleNoteListResponse:
    page = service.list(caller, user_id=user_id, after=paging.open(), limit=paging.limit)
    return SampleNoteListResponse(
        sample_notes=[SampleNoteResponse.of(found) for found in page.items],
        count=len(page.items),
        next_cursor=paging.seal(page.last),
    )


@router.post(
    "/api/v1/sample-notes",
    status_code=201,
    operation_id="createSampleNote",
    summary="Create a sample note",
    responses={201: {"headers": location("The path of what was created.")}},
)
@allow("user")
async def create_sample_note(
    caller: Authenticated,
    body: SampleNoteRequest,
    service: Service,
    request: Request,
    response: Response,
) -> SampleNoteResponse:
    created = service.create(caller, body.text)
    response.headers["Location"] = link(request, f"/api/v1/sample-notes/{created.id}")
    return SampleNoteResponse.of(created)


@router.get(
    "/api/v1/sample-notes/{id}",
    operation_id="getSampleNote",
    summary="Get a sample note",
    responses=problems({SampleNoteNotFound: "it does not exist, or is another user's"}),
)
@allow("owner", "admin")
async def get_sample_note(
    caller: Authenticated, service: Service, id_: Annotated[str, Path(alias="id")]
) -> SampleNoteResponse:
    return SampleNoteResponse.of(service.get(caller, id_))


@router.get(
    "/health/sample-notes",
    operation_id="sampleNotesHealth",
    summary="Health of the sample notes service, with its total",
)
@allow("anyone")
async def sample_notes_health(
    service: Service, kept: KeptFigures
) -> SampleNotesHealth:
    return health.report(SampleNotesHealth, kept, service.totals)
