"""Numbers, values and names as a person reads them, and safe to stand in HTML.

In: what was measured, or what a user's data hold. Out: text. Every text of a user goes through `escaped` or `short` before
it stands in a page: names of columns come from files and may hold anything.
"""

from __future__ import annotations

import datetime
import html
import math
import re
from typing import Any

_NOT_SHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
LONGEST = 40
"""Characters of a user's text that a table or a chart shows."""


def short(text: Any, most: int = LONGEST) -> str:
    r"""Text on one line, cut to ``most`` characters; control characters become a space.

    >>> short("two\nlines"), short("abcdef", 4)
    ('two lines', 'abc…')
    """
    line = _NOT_SHOWN.sub(" ", str(text)).strip()
    return line if len(line) <= most else line[: most - 1] + "…"


def escaped(text: Any, most: int = 10_000) -> str:
    """``text`` on one line, with the characters that mean something in HTML written out.

    >>> escaped("<b>&")
    '&lt;b&gt;&amp;'
    """
    return html.escape(short(text, most), quote=True)


def percent(share: float) -> str:
    r"""A share in percent, to two significant digits (whole percents from 10 on); 100 only where nothing is missing.

    >>> percent(0.1234), percent(0.00432), percent(1.5), percent(0.9996), percent(float("nan"))
    ('12\xa0%', '0.43\xa0%', '150\xa0%', '99.9\xa0%', '–')
    """
    if not math.isfinite(share):
        return "–"
    hundredths = 100 * share
    digits = 0 if abs(hundredths) >= 9.95 else 1 if abs(hundredths) >= 0.995 else 2
    if 99.5 <= hundredths < 100:
        hundredths, digits = min(hundredths, 99.9), 1
    shown = f"{hundredths:,.{digits}f}"
    return ("0" if float(shown.replace(",", "")) == 0 else shown) + "\xa0%"


def number(value: float, digits: int = 4) -> str:
    """A number to some significant digits, from 1,000 on as a whole number, without exponent where that is readable.

    >>> number(0.12345), number(36.0), number(1234567.8), number(1e-7), number(float("nan"))
    ('0.1235', '36', '1,234,568', '1e-07', '–')
    """
    if not math.isfinite(value):
        return "–"
    if 1e3 <= abs(value) < 1e12:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def in_thousand(share: float) -> str:
    """A share as how many of 1,000, to a whole number from 10 on.

    >>> in_thousand(0.19608), in_thousand(0.0023), in_thousand(0.0)
    ('196', '2.3', '0')
    """
    many = 1_000 * share
    return f"{many:,.0f}" if many >= 9.95 else f"{many:.2g}"


def count(n: int, noun: str) -> str:
    """A number of things, in the singular where there is one.

    >>> count(1, "row"), count(1797, "row")
    ('1 row', '1,797 rows')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def amount(bytes_: float) -> str:
    """A size in bytes.

    >>> amount(64), amount(3072.4)
    ('64 bytes', '3,072 bytes')
    """
    return f"{bytes_:,.0f} byte{'' if round(bytes_) == 1 else 's'}"


def cell(value: Any) -> str:
    """A cell of a user's table, as text (not escaped).

    >>> cell(37), cell(0.5), cell(True), cell(datetime.date(2024, 5, 1)), cell(None)
    ('37', '0.5', 'true', '2024-05-01', 'missing')
    """
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # A whole number stands as it is: it may be a year, or the name of something.
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else number(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    return short(value)


def joined(parts: list[str]) -> str:
    """Parts of a sentence with commas and an "and".

    >>> joined(["a", "b", "c"])
    'a, b and c'
    """
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
