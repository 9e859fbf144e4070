"""Lambda entry for HTTP: takes Stripe's webhooks. A shop with another PaymentProvider lacks it.

A function of its own: it may read Stripe's secrets and send messages, and nothing else.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Header, Request, Response

from orders.payment_reports import PaymentReports
from shared.auth.access import allow
from shared.runtime import aws
from shared.runtime.entry import Entry, Handler
from shared.runtime.secrets import Secrets
from shared.web.app import create_app, lambda_handler
from shared.web.routing import GuardedRoute, state

_STRIPE: Final = "/webhooks/stripe"

router = APIRouter(route_class=GuardedRoute)

Reports = Annotated[PaymentReports, state("reports")]
Signature = Annotated[str, Header(alias="Stripe-Signature")]


@dataclass(frozen=True)
class Settings:
    """The function's settings.

    Attributes:
        queue_url: the checkout's queue.
        stripe_secret: the name of the parameter of Systems Manager with Stripe's secrets.
    """

    queue_url: str
    stripe_secret: str


# The document is for the shop's clients.
@router.post(_STRIPE, include_in_schema=False)
@allow("signature")
async def stripe(request: Request, reports: Reports, signature: Signature = "") -> Response:
    reports.take(await request.body(), await request.json(), signature)
    return Response()


def build(settings: Settings) -> Handler:
    """Wire the function."""
    ssm = aws.client("ssm", read=1, attempts=2)
    sqs = aws.client("sqs", read=1, attempts=2)
    reports = PaymentReports(Secrets(ssm, settings.stripe_secret), sqs, settings.queue_url)
    return lambda_handler(create_app("orders", router, reports=reports), warm_up_path=_STRIPE)


handler = Entry(build, Settings)
