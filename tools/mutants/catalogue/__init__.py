"""Every mutant, from the inside outwards: what all services share, then each service."""

from typing import Final

from tools.mutants.catalogue import (
    access,
    breaker,
    documents,
    erasure,
    notifications,
    orders,
    privileges,
    products,
    saga,
    sessions,
    shared,
    stale,
    users,
)
from tools.mutants.mutant import Mutant

MUTANTS: Final[tuple[Mutant, ...]] = (
    *shared.MUTANTS,
    *access.MUTANTS,
    *orders.MUTANTS,
    *saga.MUTANTS,
    *products.MUTANTS,
    *users.MUTANTS,
    *notifications.MUTANTS,
    *breaker.MUTANTS,
    *privileges.MUTANTS,
    *erasure.MUTANTS,
    *sessions.MUTANTS,
    *documents.MUTANTS,
    *stale.MUTANTS,
)
