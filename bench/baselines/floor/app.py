"""The catalogue without any framework: the standard library, and one low-level client."""

import json
import os
import re
import time
import uuid
from typing import Any

import boto3
from botocore.config import Config

TABLE_NAME = os.environ["TABLE_NAME"]
CURRENCY = os.environ["CURRENCY"]
PRODUCT_PATH = re.compile(r"/api/v1/products/(?P<id>[A-Za-z0-9_-]{1,64})")

dynamodb = boto3.client(
    "dynamodb",
    config=Config(
        connect_timeout=1,
        read_timeout=3,
        retries={"mode": "standard", "total_max_attempts": 3},
        parameter_validation=False,
        tcp_keepalive=True,
    ),
)


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    method, path = event["httpMethod"], event["path"]
    if path == "/api/v1/products":
        if method == "GET":
            return list_products(event["queryStringParameters"] or {})
        if method == "POST":
            return add_product(event["body"])
    elif (match := PRODUCT_PATH.fullmatch(path)) and method == "GET":
        return get_product(match["id"])
    return answer(404, {"detail": "Not found"})


def get_product(product_id: str) -> dict[str, Any]:
    found = dynamodb.get_item(
        TableName=TABLE_NAME,
        Key={"pk": {"S": f"PRODUCT#{product_id}"}, "sk": {"S": "PRODUCT"}},
    )
    item = found.get("Item")
    return answer(200, view(item)) if item else answer(404, {"detail": "No such product"})


def list_products(query: dict[str, str]) -> dict[str, Any]:
    limit = query.get("limit", "20")
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= 100:
        return answer(422, {"detail": "limit: a number from 1 to 100"})
    found = dynamodb.query(
        TableName=TABLE_NAME,
        IndexName="newest",
        KeyConditionExpression="listing = :listing",
        ExpressionAttributeValues={":listing": {"S": "ON_SALE"}},
        ScanIndexForward=False,
        Limit=int(limit),
    )
    products = [view(item) for item in found["Items"]]
    return answer(200, {"products": products, "count": len(products)})


def add_product(body: str | None) -> dict[str, Any]:
    try:
        product = json.loads(body or "")
    except ValueError:
        return answer(422, {"detail": "The body is not JSON"})
    problems = validate(product)
    if problems:
        return answer(422, {"detail": problems})
    product_id = uuid.uuid4().hex
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    price_minor = round(float(product["price"]) * 100)
    item: dict[str, Any] = {
        "pk": {"S": f"PRODUCT#{product_id}"},
        "sk": {"S": "PRODUCT"},
        "listing": {"S": "ON_SALE"},
        "created_key": {"S": f"{now}#{product_id}"},
        "id": {"S": product_id},
        "name": {"S": product["name"]},
        "description": {"S": product.get("description", "")},
        "price_minor": {"N": str(price_minor)},
        "category": {"S": product["category"]},
        "available": {"N": str(product.get("stock", 0))},
        "is_active": {"BOOL": True},
        "created_at": {"S": now},
        "updated_at": {"S": now},
        "version": {"N": "1"},
    }
    dynamodb.put_item(
        TableName=TABLE_NAME, Item=item, ConditionExpression="attribute_not_exists(pk)"
    )
    return answer(201, view(item))


def validate(product: Any) -> list[str]:
    if not isinstance(product, dict):
        return ["The body is not an object"]
    problems = []
    for field, longest in (("name", 200), ("category", 64)):
        text = product.get(field)
        if not isinstance(text, str) or not 1 <= len(text.strip()) <= longest:
            problems.append(f"{field}: 1 to {longest} characters")
    description = product.get("description", "")
    if not isinstance(description, str) or len(description) > 5000:
        problems.append("description: at most 5000 characters")
    price = product.get("price")
    if not isinstance(price, str) or not re.fullmatch(r"\d{1,7}\.\d{2}", price):
        problems.append("price: a text like 19.99")
    stock = product.get("stock", 0)
    if not isinstance(stock, int) or isinstance(stock, bool) or not 0 <= stock <= 1_000_000:
        problems.append("stock: a number from 0 to 1000000")
    return problems


def view(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": item["id"]["S"],
        "name": item["name"]["S"],
        "description": item["description"]["S"],
        "price": f"{int(item['price_minor']['N']) / 100:.2f}",
        "currency": CURRENCY,
        "category": item["category"]["S"],
        "stock": int(item["available"]["N"]),
        "is_active": item["is_active"]["BOOL"],
        "created_at": item["created_at"]["S"],
        "updated_at": item["updated_at"]["S"],
        "version": int(item["version"]["N"]),
    }


def answer(status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(body),
    }
