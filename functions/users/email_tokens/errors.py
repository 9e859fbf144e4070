"""The error of one-time tokens."""

from shared.errors import BodegaError


class BadToken(BodegaError):
    """The token is unknown, used, expired, of another kind, or void by what happened since."""

    status, code, title = 400, "bad-token", "The link is not valid any more"
