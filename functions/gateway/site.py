"""The files that the build leaves in the package: the documents of API and events, and the assets
of the page."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

from shared.errors import NotFound

DOCUMENT: Final = "openapi.json"
EVENTS: Final = "asyncapi.json"
# Fixed names, so that no path in a request ever becomes a path on disk.
ASSETS: Final = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
}

_PARAMETER = re.compile(r"\{[^}]+\}")
_METHODS: Final = ("get", "head", "post", "put", "patch", "delete", "options")


@dataclass(frozen=True)
class File:
    """A file to be served."""

    content: bytes
    media_type: str

    @cached_property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'


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
    """Reads the files from a folder, each at its first use: most requests need none.

    A file that is not there (nothing was built, as in a checkout) is answered as any other unknown
    path.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read = cache(self._load)

    def asset(self, name: str) -> File:
        """One of the page's assets.

        Raises:
            NotFound: there is none of that name.
        """
        if name not in ASSETS:
            raise NotFound
        return self._read(name, ASSETS[name])

    def document(self) -> File:
        """The OpenAPI document.

        Raises:
            NotFound: it was not built.
        """
        return self._read(DOCUMENT, "application/json")

    def events(self) -> File:
        """The AsyncAPI document.

        Raises:
            NotFound: it was not built.
        """
        return self._read(EVENTS, "application/json")

    @cached_property
    def routes(self) -> Routes:
        """The routes of all services, from the document."""
        try:
            paths = json.loads(self.document().content)["paths"]
        except NotFound:
            paths = {}
        return Routes(
            (path, [method for method in _METHODS if method in item])
            for path, item in paths.items()
        )

    def _load(self, name: str, media_type: str) -> File:
        try:
            return File((self._folder / name).read_bytes(), media_type)
        except FileNotFoundError:
            raise NotFound from None
