"""The catalogue on FastAPI and Mangum, as tutorials combine them with Powertools and boto3."""

import os
import time
import uuid
from typing import Annotated, Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from boto3.dynamodb.conditions import Key
from catalogue import NewProduct, Product, ProductList, new_item, view
from fastapi import FastAPI, HTTPException, Path, Query, Request
from fastapi.middleware.cors import CORSMiddleware
from mangum import Mangum
from mangum.types import LambdaContext
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.responses import Response

logger = Logger()
metrics = Metrics()
table = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])


class RequestIdMiddleware(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        request_id = request.headers.get("x-request-id") or uuid.uuid4().hex
        logger.append_keys(request_id=request_id)
        response = await call_next(request)
        response.headers["x-request-id"] = request_id
        return response


class TimingMiddleware(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        started = time.perf_counter()
        response = await call_next(request)
        took = (time.perf_counter() - started) * 1000
        response.headers["x-process-time"] = f"{took:.2f}"
        logger.info(
            "request",
            extra={
                "method": request.method,
                "path": request.url.path,
                "status": response.status_code,
                "ms": round(took, 2),
            },
        )
        return response


app = FastAPI(title="Products")
app.add_middleware(TimingMiddleware)
app.add_middleware(RequestIdMiddleware)
app.add_middleware(
    CORSMiddleware, allow_origins=["https://shop.example"], allow_methods=["*"], allow_headers=["*"]
)


@app.get("/api/v1/products/{product_id}", response_model=Product)
def get_product(product_id: Annotated[str, Path(max_length=64)]) -> Any:
    found = table.get_item(Key={"pk": f"PRODUCT#{product_id}", "sk": "PRODUCT"})
    if "Item" not in found:
        raise HTTPException(status_code=404, detail="No such product")
    metrics.add_metric(name="ProductsViewed", unit=MetricUnit.Count, value=1)
    return view(found["Item"])


@app.get("/api/v1/products", response_model=ProductList)
def list_products(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> Any:
    found = table.query(
        IndexName="newest",
        KeyConditionExpression=Key("listing").eq("ON_SALE"),
        ScanIndexForward=False,
        Limit=limit,
    )
    products = [view(item) for item in found["Items"]]
    metrics.add_metric(name="ProductsListed", unit=MetricUnit.Count, value=len(products))
    return ProductList(products=products, count=len(products))


@app.post("/api/v1/products", response_model=Product, status_code=201)
def add_product(product: NewProduct) -> Any:
    item = new_item(product)
    table.put_item(Item=item, ConditionExpression="attribute_not_exists(pk)")
    metrics.add_metric(name="ProductsAdded", unit=MetricUnit.Count, value=1)
    logger.info("product added", extra={"product_id": item["id"]})
    return view(item)


mangum = Mangum(app)


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return mangum(event, context)
