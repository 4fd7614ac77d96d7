"""The reference page: what it reads out of an OpenAPI description."""

import pytest

from deployments.web.reference import Field, build_operations, describe_type

DESCRIPTION = {
    "paths": {
        "/shops/{id}/": {
            "post": {
                "summary": "Open a shop",
                "parameters": [
                    {
                        "name": "id",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "string", "format": "uuid"},
                    }
                ],
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {"$ref": "#/components/schemas/Shop"}
                        }
                    }
                },
                "responses": {"201": {"description": "Opened"}},
            },
            "get": {"summary": "Look", "responses": {"200": {"description": "There"}}},
        }
    },
    "components": {
        "schemas": {
            "Shop": {
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "tags": {"type": "array", "items": {"type": "string"}},
                },
            }
        }
    },
}


def test_an_operation_lists_its_parameters_its_body_and_its_answers() -> None:
    look, opening = build_operations(DESCRIPTION)
    assert (look.method, look.path) == ("GET", "/shops/{id}/")
    assert opening.fields == (
        Field("id", "string (uuid)", "path", is_required=True),
        Field("name", "string", "body", is_required=True),
        Field("tags", "list of string", "body", is_required=False),
    )
    assert opening.answers == (("201", "Opened"),)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer"}, "integer"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null"),
        ({"enum": ["fa", "en"]}, "fa | en"),
        ({"const": "instagram"}, "instagram"),
        ({"$ref": "#/components/schemas/Shop"}, "Shop"),
        ({}, "any"),
    ],
)
def test_types_are_told_in_words(schema: dict[str, object], words: str) -> None:
    assert describe_type(schema) == words
