"""The emulator, with the paths of a custom domain's events: `python -m tools.local.ministack`.

The emulator writes every event as for the execute-api URL. The front sends the base path of a
request to a domain; then `path` and `requestContext.path` are both the path at that domain.
"""

from typing import Any, Final

from ministack.app import main  # type: ignore[import-not-found]  # in its own environment
from ministack.services import apigateway_v1  # type: ignore[import-not-found]

from tools.local.places import BASE_PATH

_event: Final = apigateway_v1._build_lambda_event_v1  # noqa: SLF001  # there is no hook


def _event_of_domain(*arguments: Any, **named: Any) -> dict[str, Any]:
    event: dict[str, Any] = _event(*arguments, **named)
    event["multiValueHeaders"].pop(BASE_PATH, None)
    base_path = event["headers"].pop(BASE_PATH, None)
    if base_path is not None:
        path = base_path.rstrip("/") + event["path"]
        event["path"] = event["requestContext"]["path"] = path
    return event


if __name__ == "__main__":
    apigateway_v1._build_lambda_event_v1 = _event_of_domain  # noqa: SLF001
    main()
