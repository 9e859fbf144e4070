"""`make sbom`: what is deployed, and nothing else."""

from tools.sbom import deployed


def test_bill_of_materials_has_the_layer_and_the_docs_page() -> None:
    layer = "boto3==1 \\\n    --hash=sha256:aa\n"
    page = "fastapi-swagger==2 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n"
    assert deployed(layer, f"ruff==3\n{page}graphql-core==4\n") == layer + page
