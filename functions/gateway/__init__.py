"""The gateway's pages: the index, health, the API's document, and the answer to every
unknown path or method."""

from typing import Final

from shared.runtime import cold_start

cold_start.begin()

NAME: Final = "Bodega"
# The API's one version: of the index, and of the document.
VERSION: Final = "0.1.0"
