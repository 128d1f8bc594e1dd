"""Fuzz target: NPY files, and NPZ files where the input is a ZIP archive."""

import driver

with driver.instrumented():
    from isthmus.data.arrays import read_npy, read_npz
    from isthmus.errors import UserError

_FILE = driver.scratch_file("fuzz.npy")


def target(data: bytes) -> None:
    """Read a file of these bytes; an array may not be larger than the file allows."""
    _FILE.write_bytes(data)
    if data.startswith(b"PK"):
        read_npz(_FILE)
    elif read_npy(_FILE).nbytes > len(data):
        raise AssertionError("the array is larger than the file")


if __name__ == "__main__":
    driver.main(target, (UserError,))
