"""Products and their indexes in DynamoDB.

The items of the table:

pk                    sk                   what
PRODUCT#<id>          PRODUCT              the product and its stock
STOCK#<id>#<…>        STOCK                units of it in a rush (.shares)
PRODUCT#<id>          EVENT#<version>      an event of it (shared.messaging.outbox)
WORD#<character>      <word>#<product id>  a word of the name of a product on sale
RESERVATION#<order>   RESERVATION          a reservation (products.reservations.repository)
IDEMPOTENCY#<…>       IDEMPOTENCY          the receipt of a stock change or a new product
COUNTERS              <shard>              totals (shared.storage.counters)
CATEGORIES            <category>           how many products of it are on sale

Each of the six indexes has the products on sale alone, whose items have its keys.
"""
