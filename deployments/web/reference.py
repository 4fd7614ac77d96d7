"""API reference as an HTML page, rendered from the OpenAPI description."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from deployments.http.assets import load_templates

router = APIRouter()

PAGES = Path(__file__).parent / "pages"

METHODS = ("get", "post", "put", "patch", "delete")
#: FastAPI keeps what a request or an answer is made of under this name.
COMPONENTS = "#/components/schemas/"

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a field of a body."""

    name: str
    kind: str
    place: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """An HTTP method of a route."""

    method: str
    path: str
    summary: str
    description: str
    fields: tuple[Field, ...]
    #: Statuses with what they say, the good one first.
    answers: tuple[tuple[str, str], ...]


@router.get("/docs", response_class=HTMLResponse, include_in_schema=False)
async def show_reference(request: Request) -> HTMLResponse:
    """Show every route with its parameters and answers; needs no script."""
    description = cast("Json", request.app.openapi())
    template = load_templates(PAGES).get_template("reference.html")
    return HTMLResponse(template.render(operations=build_operations(description)))


def build_operations(description: Json) -> tuple[Operation, ...]:
    """Read the operations out of an OpenAPI 3.1 description, by path."""
    schemas = _mapping(_mapping(description.get("components")).get("schemas"))
    return tuple(
        _build_operation(method, path, _mapping(route[method]), schemas)
        for path, route in sorted(_routes(description))
        for method in METHODS
        if method in route
    )


def _routes(description: Json) -> Iterator[tuple[str, Json]]:
    for path, route in _mapping(description.get("paths")).items():
        yield path, _mapping(route)


def _build_operation(
    method: str, path: str, operation: Json, schemas: Json
) -> Operation:
    answers = _mapping(operation.get("responses"))
    return Operation(
        method=method.upper(),
        path=path,
        summary=str(operation.get("summary", "")),
        description=str(operation.get("description", "")),
        fields=(*_parameters(operation), *_body_fields(operation, schemas)),
        answers=tuple(
            (status, str(_mapping(answer).get("description", "")))
            for status, answer in sorted(answers.items())
        ),
    )


def _parameters(operation: Json) -> Iterator[Field]:
    for parameter in map(_mapping, _list(operation.get("parameters"))):
        yield Field(
            name=str(parameter.get("name")),
            kind=describe_type(_mapping(parameter.get("schema"))),
            place=str(parameter.get("in")),
            is_required=bool(parameter.get("required")),
        )


def _body_fields(operation: Json, schemas: Json) -> Iterator[Field]:
    contents = _mapping(_mapping(operation.get("requestBody")).get("content"))
    for content in map(_mapping, contents.values()):
        yield from _schema_fields(_mapping(content.get("schema")), schemas)


def _schema_fields(schema: Json, schemas: Json) -> Iterator[Field]:
    for variant in (*_list(schema.get("oneOf")), *_list(schema.get("anyOf"))):
        yield from _schema_fields(_mapping(variant), schemas)
    reference = str(schema.get("$ref", ""))
    if reference.startswith(COMPONENTS):
        named = _mapping(schemas.get(reference.removeprefix(COMPONENTS)))
        yield from _schema_fields(named, schemas)
    required = _list(schema.get("required"))
    for name, field in _mapping(schema.get("properties")).items():
        yield Field(name, describe_type(_mapping(field)), "body", name in required)


def describe_type(schema: Json) -> str:
    """Describe the type of a value: `string`, `integer or null`, `a | b`."""
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return " | ".join(str(value) for value in _list(schema["enum"]))
    variants = (*_list(schema.get("anyOf")), *_list(schema.get("oneOf")))
    if variants:
        return " or ".join(describe_type(_mapping(variant)) for variant in variants)
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(COMPONENTS)
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {describe_type(_mapping(schema.get('items')))}"
    form = schema.get("format")
    return f"{kind} ({form})" if form else kind


def _mapping(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []
