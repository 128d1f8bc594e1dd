"""A column of every type that a table takes, with a gap each."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

_MOMENTS = [datetime(2024, 5, 1, 10, 30, 1), None, datetime(1950, 1, 1, 5, 6, 7)]
_DATES = [date(2024, 5, 1), None, date(1950, 1, 1)]
_TIMES = [time(1, 2, 3), None, time(23, 59, 59)]
_LEVELS = pa.array(["a", "b"], pa.string_view())

COLUMNS = {
    "int8": pa.array([1, None, -128], pa.int8()),
    "uint64": pa.array([0, None, 2**52], pa.uint64()),
    "float16": pa.array(np.array([1, 2, 0.5], np.float16)),
    "float32": pa.array([1.5, None, 2], pa.float32()),
    "decimal": pa.array([Decimal("1.25"), None, Decimal("-999.99")], pa.decimal128(5, 2)),
    "flag of integers": pa.array([1, None, 0]),
    "bool": pa.array([True, None, False]),
    "date32": pa.array(_DATES),
    "date64": pa.array(_DATES, pa.date64()),
    "seconds": pa.array(_MOMENTS, pa.timestamp("s")),
    "microseconds": pa.array(_MOMENTS, pa.timestamp("us")),
    "zone": pa.array(_MOMENTS, pa.timestamp("ms", "Europe/Amsterdam")),
    "duration": pa.array([timedelta(seconds=5), None, timedelta(days=3)], pa.duration("us")),
    "time32": pa.array(_TIMES, pa.time32("s")),
    "time64": pa.array(_TIMES, pa.time64("us")),
    "null": pa.nulls(3),
    "text of integers": pa.array(["1", "25", None]),
    "text of floats": pa.array(["1.5", "-2", None], pa.string_view()),
    "text of dates": pa.array(["2024-05-01", None, "1990-01-01"], pa.large_string()),
    "text of moments": pa.array(["2024-05-01 10:00:01", None, "1990-01-01 00:00:00"]),
    "text of zoned moments": pa.array(["2024-05-01 10:00:01Z", None, "1990-01-01 00:00:00Z"]),
    "text of flags": pa.array(["No", None, "Yes"]),
    "category": pa.array(["b", None, "a"]).dictionary_encode(),
    "category of integers": pa.array([3, None, 1]).dictionary_encode(),
    "ordered category": pa.DictionaryArray.from_arrays(pa.array([1, None, 0], pa.uint32()), _LEVELS, ordered=True),
    "text of categories": pa.array(["x", "y", "x", "y", None]),
}


@pytest.fixture(params=COLUMNS)
def column(request: pytest.FixtureRequest) -> pa.Array:
    """One column after the other, of every type."""
    return COLUMNS[request.param]
