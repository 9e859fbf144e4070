"""Stand-ins for the services behind the gateway, and a small site as the build would leave it."""

import json
from pathlib import Path

from gateway.backends import Health


class FakeBackends:
    """Services that are healthy until a test sets another report."""

    services = ("users", "products", "orders", "notifications")

    def __init__(self) -> None:
        self.reports: dict[str, Health] = {
            name: {"status": "healthy", "uptime_seconds": 1.5, "memory_mb": 90.1}
            for name in self.services
        }

    def health(self) -> dict[str, Health]:
        return self.reports


def small_site(folder: Path) -> Path:
    """A folder with a document of a few paths, and assets of one line."""
    paths: dict[str, list[str]] = {
        "/": ["get"],
        "/health": ["get"],
        # A user named "me" would hide the path below.
        "/api/v1/users/{id}": ["get", "put", "delete"],
        "/api/v1/users/me": ["get"],
        "/api/v1/orders": ["get", "post"],
        "/api/v1/orders/{id}/cancel": ["post"],
    }
    made = {path: dict.fromkeys(methods, "an operation") for path, methods in paths.items()}
    (folder / "openapi.json").write_text(json.dumps({"openapi": "3.1.0", "paths": made}))
    (folder / "asyncapi.json").write_text(json.dumps({"asyncapi": "3.0.0"}))
    (folder / "swagger-ui.css").write_text(".swagger-ui { color: black }")
    (folder / "swagger-ui-bundle.js").write_text('const arrow = "→";')
    (folder / "secrets.txt").write_text("not for the public")
    return folder
