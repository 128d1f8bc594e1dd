"""What a detector says, as the command line words and writes it: thresholds, rows, and reasons.

In: a fitted detector and its `Verdicts`. Out: named columns, table cells and sentences. Rows are counted from 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from isthmus.errors import DataError, OutputError
from isthmus.shell import inputs, output, terminal
from isthmus.shell.results import decoded_columns

HIGHER = "higher is more anomalous"
SHOWN_REASONS = 2
"""On a terminal; a file has three."""


def check_alike(normal: Any, new: Any, paths: Sequence[str]) -> None:
    """Raise `DataError` where new data cannot be of the form of the normal ones, before a detector is fitted to these."""
    from isthmus.data.table import Table

    if isinstance(normal, Table) and isinstance(new, Table):
        return  # they were read with the columns of the normal ones
    forms = ["a table" if isinstance(data, Table) else _form(data.shape) for data in (normal, new)]
    if forms[0] != forms[1]:
        raise DataError(f"{inputs.named(paths)} holds {forms[1]}; the normal data are {forms[0]}. Give it that form.")


def _form(shape: Sequence[int]) -> str:
    sides = " x ".join(str(side) for side in shape[1:])
    return f"pictures of {sides}" if len(shape) > 2 else f"rows of {sides or 1} numbers"


def check_reasons_file(path: str, read: Sequence[str]) -> None:
    """Raise `OutputError` unless reasons, which are text, can go to ``path``."""
    output.check(path, read)
    if path.lower().endswith(output.ARRAYS):
        raise OutputError(f"Cannot write {path!r}: reasons are text; they go to {', '.join(output.TABLES)} files.")


def threshold_rows(detector: Any, fdr: float | None = None) -> list[tuple[str, str]]:
    """Names and values of the threshold, its rule and what it promises, for two columns."""
    from isthmus.models.verdicts import expected_words
    from isthmus.views.words import number

    if fdr is not None:
        return [("flagged together", f"on average at most {100 * fdr:g} % of the flagged rows are false discoveries")]
    return [
        ("threshold", f"{number(detector.threshold_)} by the rule {detector.rule_.words()}; {HIGHER}"),
        ("expected", expected_words(detector)),
    ]


def measured_rows(found: Mapping[str, float | None], anomalies: int, rows: int) -> list[tuple[str, str]]:
    """Names and values of what labels tell, for two columns."""
    shown = {name: "unknown" if value is None else f"{value:.3f}" for name, value in found.items()}
    return [
        ("AUROC", f"{shown['auroc']} (0.5 is guessing, 1 is perfect)"),
        ("average precision", f"{shown['average_precision']} ({anomalies / rows:.3f} is guessing)"),
        ("precision", f"{shown['precision']} (share of the flagged rows that are anomalies)"),
        ("recall", f"{shown['recall']} (share of the {anomalies:,} anomalies that are flagged)"),
    ]


def columns_of(verdicts: Any, reasons: Mapping[int, str] | None) -> dict[str, Any]:
    """Named columns of a file with a line for each row; ``reasons`` by place of the row, None for pictures and arrays."""
    import numpy as np
    import pyarrow as pa

    n = len(verdicts.scores)
    columns = {
        "row": np.arange(1, n + 1),
        "score": verdicts.scores,
        "p_value": verdicts.p_values,
        "flag": verdicts.flagged.astype(np.int64),
    }
    if reasons is not None:
        columns["reasons"] = pa.array([reasons.get(place) for place in range(n)], pa.large_string())
    return {**columns, "far": verdicts.far.astype(np.int64)}


def lines_of(detector: Any, rows: Any, places: Any, top: int = 3) -> list[dict[str, Any]]:
    """The reasons for the rows of a table at ``places`` as plain values: a dict for each row and column, rows from 0."""
    from isthmus.models.verdicts import reasons_of

    if not len(places):
        return []
    encoder = detector.encoder_
    names = encoder.names or [f"x{place}" for place in range(len(encoder.kinds))]
    kinds = dict(zip(names, encoder.kinds, strict=True))
    columns = decoded_columns(reasons_of(detector, rows, places, top))
    values = [column.to_pylist() if hasattr(column, "to_pylist") else column.tolist() for column in columns.values()]
    lines = [dict(zip(columns, line, strict=True)) for line in zip(*values, strict=True)]
    for line in lines:
        line["row"] = int(places[line["row"]])
        for key in ("seen", "expected"):
            line[key] = _value(line[key], kinds[line["column"]])
    return lines


def _value(value: Any, kind: str) -> Any:
    """A cell as it was: numbers stand as text where other columns hold text."""
    if value is None or value != value:
        return None
    return float(value) if kind == "number" else value


def in_words(lines: Sequence[Mapping[str, Any]], most: int = 3) -> dict[int, str]:
    """The reasons for each row as one text, by place of the row, from what `lines_of` gave.

    >>> line = {"row": 4, "column": "price", "share": 0.914, "seen": 520000.0, "expected": 210000.0}
    >>> in_words([line, {**line, "column": "kind", "share": 0.086, "seen": "flat", "expected": None}])
    {4: 'price 91 % (seen 520000, expected 210000); kind 9 % (seen flat, expected missing)'}
    """
    from isthmus.views.words import short

    found: dict[int, list[str]] = {}
    for line in lines:
        parts = found.setdefault(line["row"], [])
        share = f"{100 * line['share']:.0f} %"
        if share == "0 %":
            parts += [] if parts else ["no single column"]
        elif len(parts) < most:
            values = f"seen {value_words(line['seen'])}, expected {value_words(line['expected'])}"
            parts.append(f"{short(line['column'])} {share} ({values})")
    return {row: "; ".join(parts) for row, parts in found.items()}


def value_words(value: Any) -> str:
    """A cell in words; a number without separators of thousands, for it may stand in a text file.

    >>> value_words(461115.56), value_words(0.123456), value_words(8.0), value_words(None), value_words("flat")
    ('461116', '0.1235', '8', 'missing', 'flat')
    """
    from isthmus.views.words import cell

    if not isinstance(value, float):
        return cell(value)
    return f"{value:.0f}" if value.is_integer() or 1e3 <= abs(value) < 1e12 else f"{value:.4g}"


def show_rows(
    verdicts: Any, places: Sequence[int], reasons: Mapping[int, str], files: Sequence[str], *, err: bool
) -> None:
    """Print rows with score, p-value, whether they are flagged, and why."""
    header = ("row", *(["file"] if files else []), "score", "p-value", "flagged", *(["why"] if reasons else []))
    cells = [
        (
            f"{place + 1}",
            *files[place : place + 1],
            f"{verdicts.scores[place]:.4g}",
            f"{verdicts.p_values[place]:.2g}",
            "yes" if verdicts.flagged[place] else "no",
            *([reasons.get(place, "")] if reasons else []),
        )
        for place in places
    ]
    terminal.grid(header, cells, err=err)


def record_of(verdicts: Any, place: int, files: Sequence[str]) -> dict[str, Any]:
    """One row for JSON."""
    return {
        "row": place + 1,
        **({"file": files[place]} if files else {}),
        "score": float(verdicts.scores[place]),
        "p_value": float(verdicts.p_values[place]),
        "flag": bool(verdicts.flagged[place]),
        "far": bool(verdicts.far[place]),
    }


def promised(detector: Any) -> dict[str, float] | None:
    """The false alarms to expect, for JSON; None where they are unknown."""
    from isthmus.models.verdicts import expected

    found = expected(detector)
    return None if found is None else {key: getattr(found, key) for key in ("rate", "low", "high", "level")}
