"""Fuzz target: IDX files, packed or not."""

import driver

with driver.instrumented():
    from isthmus.data.arrays import idx_from_bytes, read_idx
    from isthmus.errors import UserError

_FILE = driver.scratch_file("fuzz.idx")


def target(data: bytes) -> None:
    """Read these bytes, and a file of them where they are packed."""
    if data.startswith(b"\x1f\x8b"):
        _FILE.write_bytes(data)
        read_idx(_FILE)
    elif idx_from_bytes(data, "fuzz.idx").nbytes > len(data):
        raise AssertionError("the array is larger than the file")


if __name__ == "__main__":
    driver.main(target, (UserError,))
