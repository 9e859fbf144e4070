"""Accounts, sessions and failed attempts in DynamoDB.

pk                    sk                  what
USER#<id>             USER                the user
USER#<id>             EVENT#<version>     an event of the user (shared.outbox)
EMAIL#<normalised>    EMAIL               whose address this is: the guard that makes it unique
FAMILY#<id>           FAMILY              a family of refresh tokens, until `ttl`
ATTEMPTS#<digest>     <start of window>   failed attempts, until `ttl`
ATTEMPTS#<digest>     TRUSTED             a source to trust, until `ttl`
COUNTERS              <shard>             totals (shared.counters)

Index by-creation has all users by `listing`, by-activity the active and the inactive ones, both in the order of
`created_at`. A deactivated account keeps its address.
"""
