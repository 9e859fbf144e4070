"""Errors of refunds that a client receives."""

from shared.errors import Conflict


class RefundExceedsPayment(Conflict):
    """Less is left of the order's money, or of the units of a product."""

    code, title = "refund-exceeds-payment", "Less than that is left to refund"
