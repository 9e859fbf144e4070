"""The catalogue as a careful team writes it: FastAPI and Mangum, a low-level client, one plain ASGI
middleware, and of Powertools the logger and metrics."""

import os
import time
import uuid
from typing import Annotated, Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from catalogue import NewProduct, Product, ProductList, new_item, view
from fastapi import FastAPI, HTTPException, Path, Query
from mangum import Mangum
from mangum.types import LambdaContext
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TABLE_NAME = os.environ["TABLE_NAME"]

logger = Logger()
metrics = Metrics()
dynamodb = boto3.client("dynamodb")
serialize = TypeSerializer().serialize
deserialize = TypeDeserializer().deserialize


class RequestMiddleware:
    """Gives each request an id, and logs it with its time."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        request_id = Headers(scope=scope).get("x-request-id") or uuid.uuid4().hex
        logger.append_keys(request_id=request_id)
        status = 500

        async def respond(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        await self.app(scope, receive, respond)
        took = (time.perf_counter() - started) * 1000
        logger.info(
            "request",
            extra={
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "ms": round(took, 2),
            },
        )


app = FastAPI(title="Products", openapi_url=None)
app.add_middleware(RequestMiddleware)


@app.get("/api/v1/products/{product_id}")
async def get_product(product_id: Annotated[str, Path(max_length=64)]) -> Product:
    found = dynamodb.get_item(
        TableName=TABLE_NAME,
        Key={"pk": {"S": f"PRODUCT#{product_id}"}, "sk": {"S": "PRODUCT"}},
    )
    if "Item" not in found:
        raise HTTPException(status_code=404, detail="No such product")
    metrics.add_metric(name="ProductsViewed", unit=MetricUnit.Count, value=1)
    return view(plain(found["Item"]))


@app.get("/api/v1/products")
async def list_products(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> ProductList:
    found = dynamodb.query(
        TableName=TABLE_NAME,
        IndexName="newest",
        KeyConditionExpression="listing = :listing",
        ExpressionAttributeValues={":listing": {"S": "ON_SALE"}},
        ScanIndexForward=False,
        Limit=limit,
    )
    products = [view(plain(item)) for item in found["Items"]]
    metrics.add_metric(name="ProductsListed", unit=MetricUnit.Count, value=len(products))
    return ProductList(products=products, count=len(products))


@app.post("/api/v1/products", status_code=201)
async def add_product(product: NewProduct) -> Product:
    item = new_item(product)
    dynamodb.put_item(
        TableName=TABLE_NAME,
        Item={name: serialize(value) for name, value in item.items()},
        ConditionExpression="attribute_not_exists(pk)",
    )
    metrics.add_metric(name="ProductsAdded", unit=MetricUnit.Count, value=1)
    logger.info("product added", extra={"product_id": item["id"]})
    return view(item)


def plain(item: dict[str, Any]) -> dict[str, Any]:
    return {name: deserialize(value) for name, value in item.items()}


mangum = Mangum(app, lifespan="off")


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return mangum(event, context)
