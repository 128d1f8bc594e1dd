"""Fuzz target: the header of a model file, from bytes and from a file."""

import driver

with driver.instrumented():
    from isthmus.errors import UserError
    from isthmus.files import container, header

_FILE = driver.scratch_file("model")


def target(data: bytes) -> None:
    """Read the header of a file of these bytes; what comes back must be the one spelling of itself."""
    _FILE.write_bytes(data)
    try:
        found = container.read_header(_FILE)
    except UserError:
        header.parsed(data, len(data) + 8)
        return
    length = int.from_bytes(data[:8], "little")
    if header.spelled(found.format, found.spec, found.sha256, found.tensors) != data[8 : 8 + length]:
        raise AssertionError("a header with two spellings was accepted")


if __name__ == "__main__":
    driver.main(target, (UserError,))
