"""Reading, deciding and writing again, as long as others come between."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from products.catalogue.errors import Overtaken
from shared.errors import ServiceUnavailable

# Between sales of a product in demand, one of five attempts gets through: 25 all but always do.
_ATTEMPTS: Final = 25


def insist[**P, T](attempt: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the attempt returns, once nobody has overtaken it.

    Raises:
        ServiceUnavailable: somebody did, each time.
    """
    for _ in range(_ATTEMPTS):
        with suppress(Overtaken):
            return attempt(*args, **kwargs)
    raise ServiceUnavailable("products", retry_after=1)
