"""Requests as the events that API Gateway makes of them, to the functions of the scene."""

from collections.abc import Mapping
from typing import Any

from shared.auth.access import RULES, Route, Who
from tests.access.scene import Scene
from tests.simulation.resources import function_at
from tests.support.http import Answer, rest_event


def bearer(scene: Scene, route: Route) -> dict[str, str]:
    """A caller who may send the route's example."""
    if RULES[route] is Who.ANYONE:
        return {}
    client = scene.stage.admin if RULES[route] is Who.ADMIN else scene.owner.client
    return {"Authorization": f"Bearer {client.token}"}


def send(scene: Scene, method: str, path: str, headers: Mapping[str, str], **event: Any) -> Answer:
    """The answer of the function that the route is for, to an event that no HTTP client would cause."""
    sent = rest_event(method, path.replace("#", "%23"), headers=headers, **event.pop("parts", {}))
    answer = scene.town.invoke(function_at(method, sent["resource"]), sent | event)
    given = {name.lower(): value for name, value in answer["headers"].items()}
    return Answer(answer["statusCode"], given, answer["body"])
