"""Migrations that `make migrate NAME=…` can run: a module for each, with the table and a function.

Example, tools/migrations/listed_reviews.py:
    ```
    TABLE = "ReviewsTable"  # the logical id in template.yaml


    def change(item: Item) -> Item | None:
        if item["sk"] != "REVIEW" or "listed" in item:
            return None
        return {"listed": f"{item['created_at']}#{item['id']}"}
    ```

`change` is pure: it gets an item as it is stored, and returns the attributes to set, None for
nothing. Of what it has changed it makes nothing again, so that a migration can be repeated.
"""
