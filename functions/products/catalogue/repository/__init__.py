"""Products, their indexes and their reservations in DynamoDB.

pk                    sk                   what
PRODUCT#<id>          PRODUCT              a product and its stock; on sale, the keys of the six indexes
PRODUCT#<id>          EVENT#<version>      an event of it (shared.messaging.outbox)
WORD#<character>      <word>#<product id>  a word of the name of a product on sale, with what lists need
RESERVATION#<order>   RESERVATION          what an order holds, has bought or gave back
IDEMPOTENCY#<…>       IDEMPOTENCY          the receipt of a stock change
COUNTERS              <shard>              totals (shared.storage.counters)
"""
