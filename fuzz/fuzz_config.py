"""Fuzz target: strict JSON, and the schema that what a model file says of itself must obey."""

import driver

with driver.instrumented():
    from isthmus.errors import UserError
    from isthmus.files import schema, strict_json
    from isthmus.models.saving import SCHEMA


def target(data: bytes) -> None:
    """Read a text and check its value; what was read must come back from what it is written as."""
    value = strict_json.loads(data.decode(errors="replace"))
    if strict_json.loads(strict_json.dumps(value)) != value:
        raise AssertionError("what was read does not come back from what it is written as")
    schema.check(value, SCHEMA)


if __name__ == "__main__":
    driver.main(target, (UserError, strict_json.NotStrictError))
