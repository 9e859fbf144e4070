"""Requests as the events that API Gateway makes of them, to the functions of the scene."""

from collections.abc import Mapping
from typing import Any, Final

from shared.auth.access import Access
from tests.access.scene import Scene
from tests.simulation.resources import function_at
from tests.support.client import Client
from tests.support.http import Answer, rest_event
from tools.openapi.access import Route, declared

ROUTES: Final[Mapping[Route, Access]] = declared()


def client(scene: Scene, route: Route) -> Client:
    """A caller who may send the route's example."""
    access = ROUTES[route]
    if not access.reads_token:
        return scene.stage.anyone
    return scene.owner.client if access.admits("customer") else scene.stage.admin


def bearer(scene: Scene, route: Route) -> dict[str, str]:
    """The Authorization header of that caller."""
    token = client(scene, route).token
    return {"Authorization": f"Bearer {token}"} if token else {}


def send(scene: Scene, method: str, path: str, headers: Mapping[str, str], **event: Any) -> Answer:
    """The answer of the function that the route is for, to an event that no HTTP client would cause."""
    sent = rest_event(method, path.replace("#", "%23"), headers=headers, **event.pop("parts", {}))
    answer = scene.town.invoke(function_at(method, sent["resource"]), sent | event)
    given = {name.lower(): value for name, value in answer["headers"].items()}
    return Answer(answer["statusCode"], given, answer["body"])
