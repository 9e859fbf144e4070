"""The files that the gateway serves: the page and its parts, and what the build leaves in the
package: the documents of API and events, and Swagger UI."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

from shared.errors import NotFound
from shared.web.etags import etag_of

DOCUMENT: Final = "openapi.json"
EVENTS: Final = "asyncapi.json"
PAGE: Final = "page.html"
BUILT_ASSETS: Final = ("swagger-ui.css", "swagger-ui-bundle.js")
# Fixed names, so that no path in a request ever becomes a path on disk.
ASSETS: Final = (*BUILT_ASSETS, "page.css", "start.js")

_STATIC: Final = Path(__file__).with_name("static")
_MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
}
_PARAMETER: Final = re.compile(r"\{[^}]+\}")
_METHODS: Final = ("get", "head", "post", "put", "patch", "delete", "options")


@dataclass(frozen=True)
class File:
    """A file to be served."""

    content: bytes
    media_type: str

    @cached_property
    def etag(self) -> str:
        return etag_of(self.content)


class Routes:
    """Paths as OpenAPI writes them, and the methods that each takes."""

    def __init__(self, paths: Iterable[tuple[str, Iterable[str]]]) -> None:
        # The most specific first, as API Gateway routes: /users/me is not a user called "me".
        self._paths = [
            (re.compile(_PARAMETER.sub("[^/]+", path)), [m.upper() for m in methods])
            for path, methods in sorted(paths, key=lambda entry: _PARAMETER.sub("~", entry[0]))
        ]

    def methods(self, path: str) -> list[str]:
        """The methods that a path takes; none where it is unknown."""
        for pattern, methods in self._paths:
            if pattern.fullmatch(path):
                return methods
        return []


class Site:
    """Reads the files, each at its first use: most requests need none.

    Args:
        built: the folder with what the build has left.
    """

    def __init__(self, built: Path) -> None:
        self._built = built
        self.file = cache(self._read)

    def _read(self, name: str) -> File:
        """A file of a fixed name.

        Raises:
            NotFound: it was not built, as in a checkout.
        """
        folder = _STATIC if (_STATIC / name).exists() else self._built
        try:
            return File((folder / name).read_bytes(), _MEDIA_TYPES[Path(name).suffix])
        except FileNotFoundError:
            raise NotFound from None

    @cached_property
    def routes(self) -> Routes:
        """The routes of all services, from the document."""
        try:
            paths = json.loads(self.file(DOCUMENT).content)["paths"]
        except NotFound:
            paths = {}
        return Routes(
            (path, [method for method in _METHODS if method in item])
            for path, item in paths.items()
        )
