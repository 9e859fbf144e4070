"""Accounts, sessions and attempts at passwords in DynamoDB.

pk                    sk                  what
USER#<id>             USER                the user
USER#<id>             EVENT#<version>     an event of the user (shared.messaging.outbox)
NOBODY                NOBODY              what is read where an address is unknown
EMAIL#<normalised>    EMAIL               whose address this is: the guard that makes it unique
FAMILY#<id>           FAMILY              a family of refresh tokens, until `ttl`
ATTEMPTS#<digest>     PAIR                attempts of an account and a source, and until when it is trusted
ATTEMPTS#<digest>     HOUR#<beginning>    attempts of a source in one hour; both until `ttl`
COUNTERS              <shard>             totals (shared.storage.counters)

Index by-creation has all users by `listing`, by-activity the active and the inactive ones, both in the order of
`created_at`. A deactivated account keeps its address, an erased one has none: then it is free for others.
"""
