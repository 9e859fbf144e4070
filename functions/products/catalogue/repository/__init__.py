"""Products and their indexes in DynamoDB.

pk                    sk                   item PRODUCT#<id>          PRODUCT              a product
and its stock; on sale, the keys of the six indexes PRODUCT#<id>          EVENT#<version>      an
event of it (shared.messaging.outbox) WORD#<character>      <word>#<product id>  a word of the name
of a product on sale, with what lists need RESERVATION#<order>   RESERVATION          a reservation
(products.reservations.repository) IDEMPOTENCY#<…>       IDEMPOTENCY          the receipt of a stock
change COUNTERS              <shard>              totals (shared.storage.counters)
"""
