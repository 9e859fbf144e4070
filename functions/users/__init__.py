"""Users: accounts, log-in and the tokens that the other services verify.

The items of the table:

pk                    sk                  what
USER#<id>             USER                the user
USER#<id>             EVENT#<version>     an event of the user (shared.messaging.outbox)
EMAIL#<normalised>    EMAIL               the user of an address; makes the address unique
NOBODY                NOBODY              a decoy, read if an address is unknown
FAMILY#<id>           FAMILY              a family of refresh tokens, until `ttl`
ATTEMPTS#<digest>     PAIR                attempts from one network at one account, and trust
ATTEMPTS#<digest>     HOUR#<start>        attempts from one network in an hour; both until `ttl`
COUNTERS              <shard>             totals (shared.storage.counters)

Index by-creation has all users by `listing`, by-activity the active and the inactive ones, both in
the order of `created_at`. A deactivated account keeps its address, an erased one releases it.
"""

from shared.runtime import cold_start

cold_start.begin()
