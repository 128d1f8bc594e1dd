"""Fuzz target: text files; the first byte of the input chooses header and delimiter."""

from pathlib import Path

import driver

with driver.instrumented():
    from isthmus.data.containers import Origin
    from isthmus.data.delimited import parse_delimited
    from isthmus.data.table import table_from
    from isthmus.errors import UserError

_PATH = Path("fuzz.csv")
_HEADERS = ("auto", True, False)
_DELIMITERS = ("auto", ",", ";", " ", "\t")


def target(data: bytes) -> None:
    """Parse a text and find out its kinds; then read every column in use."""
    chosen = data[0] if data else 0
    header, delimiter = _HEADERS[chosen % 3], _DELIMITERS[chosen // 3 % 5]
    columns, _ = parse_delimited(data[1:], _PATH, header=header, delimiter=delimiter)
    table = table_from(columns, None, str(_PATH), Origin("file"))
    for name, kind in table.kinds.items():
        cells = table.texts(name)[0] if kind == "category" else table.numbers(name)
        if len(cells) != len(table):
            raise AssertionError(f"column {name!r} has {len(cells)} cells in a table of {len(table)} rows")


if __name__ == "__main__":
    driver.main(target, (UserError,))
