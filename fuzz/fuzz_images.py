"""Fuzz target: picture files; an even last byte of the input stretches the picture."""

import driver

with driver.instrumented():
    from isthmus.data.images import read_pictures
    from isthmus.data.picture_checks import MAX_PIXELS
    from isthmus.errors import UserError

_FILE = driver.scratch_file("fuzz.png")


def target(data: bytes) -> None:
    """Read a picture file of these bytes."""
    _FILE.write_bytes(data)
    size = (5, 7) if data and data[-1] % 2 == 0 else None
    array = read_pictures([_FILE], size=size).array
    if array.shape[1] * array.shape[2] > MAX_PIXELS:
        raise AssertionError("a picture of more pixels than allowed was decoded")


if __name__ == "__main__":
    driver.main(target, (UserError,))
