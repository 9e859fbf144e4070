"""Sample notes: creating, getting and listing them.

The items of the table:

pk                      sk                  what
SAMPLE_NOTE#<id>        SAMPLE_NOTE         the sample note
SAMPLE_NOTE#<id>        EVENT#<version>     its events (shared.messaging.outbox)
COUNTERS                <shard>             totals (shared.storage.counters)

Index by-user has the sample notes of each user in the order of `listed`.
"""

from shared.runtime import cold_start

cold_start.begin()
