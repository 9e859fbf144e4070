"""The catalogue on Powertools' REST resolver with validation, logger and metrics."""

import os
from typing import Annotated, Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response, content_types
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from boto3.dynamodb.conditions import Key
from catalogue import NewProduct, Product, ProductList, new_item, view

logger = Logger()
metrics = Metrics()
app = APIGatewayRestResolver(enable_validation=True)
table = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])


@app.get("/api/v1/products/<product_id>")
def get_product(product_id: Annotated[str, Path(max_length=64)]) -> Product:
    found = table.get_item(Key={"pk": f"PRODUCT#{product_id}", "sk": "PRODUCT"})
    if "Item" not in found:
        raise NotFoundError("No such product")
    metrics.add_metric(name="ProductsViewed", unit=MetricUnit.Count, value=1)
    return view(found["Item"])


@app.get("/api/v1/products")
def list_products(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> ProductList:
    found = table.query(
        IndexName="newest",
        KeyConditionExpression=Key("listing").eq("ON_SALE"),
        ScanIndexForward=False,
        Limit=limit,
    )
    products = [view(item) for item in found["Items"]]
    metrics.add_metric(name="ProductsListed", unit=MetricUnit.Count, value=len(products))
    return ProductList(products=products, count=len(products))


@app.post("/api/v1/products")
def add_product(product: NewProduct) -> Response[Product]:
    item = new_item(product)
    table.put_item(Item=item, ConditionExpression="attribute_not_exists(pk)")
    metrics.add_metric(name="ProductsAdded", unit=MetricUnit.Count, value=1)
    logger.info("product added", extra={"product_id": item["id"]})
    return Response(status_code=201, content_type=content_types.APPLICATION_JSON, body=view(item))


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    answer = app.resolve(event, context)
    logger.info("request", extra={"method": event["httpMethod"], "path": event["path"]})
    return answer
