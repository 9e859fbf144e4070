"""Errors of returns that a client receives."""

from shared.errors import Conflict, NotFound


class ReturnNotFound(NotFound):
    """The order has no such return."""

    code, title = "return-not-found", "There is no such return"


class ReturnPeriodOver(Conflict):
    """The order was delivered too long ago."""

    code, title = "return-period-over", "The time for a return is over"


class ReturnExceedsOrder(Conflict):
    """Fewer units are left: the others are refunded or on their way back."""

    code, title = "return-exceeds-order", "Less than that is left to return"


class TooManyReturns(Conflict):
    """The order's earlier returns have to be decided first."""

    code, title = "too-many-returns", "Too many returns of this order are open"
