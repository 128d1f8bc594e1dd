"""The values that a parameter takes, as one rule: it admits them, and says in words which they are. Standard library only."""

from __future__ import annotations

import difflib
import math
import numbers
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Allowed:
    """The values that a parameter takes: named ones, a range of numbers, or something that only Python can hold.

    Attributes
    ----------
    help : one sentence for ``--help`` and the documentation.
    choices : names that are allowed.
    number : ``"int"`` or ``"float"`` when numbers from ``low`` to ``high`` are allowed too.
    open_low, open_high : the bound itself is not allowed.
    several : a sequence of such numbers is allowed (``512,256`` on the command line).
    ends : a pair (first, last) of such numbers is allowed too.
    none : None is allowed.
    flag : only True and False are allowed.
    path : the name of a file or folder is allowed.
    python_only : words for values that cannot be typed on a command line; such values are checked where they are used.
    """

    help: str
    choices: tuple[str, ...] = ()
    number: Literal["int", "float"] | None = None
    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False
    several: bool = False
    ends: bool = False
    none: bool = False
    flag: bool = False
    path: bool = False
    python_only: str = ""

    def admits_number(self, value: object) -> bool:
        """Whether ``value`` is a number of the right type within the range."""
        wanted = numbers.Integral if self.number == "int" else numbers.Real
        if self.number is None or isinstance(value, bool) or not isinstance(value, wanted):
            return False
        try:
            number = float(value)
        except OverflowError:  # an integer of hundreds of digits
            return False
        if not math.isfinite(number):
            return False
        above = number > self.low if self.open_low else number >= self.low
        below = number < self.high if self.open_high else number <= self.high
        return above and below

    def admits(self, value: object) -> bool:
        """Whether ``value`` is allowed, as far as this file can tell."""
        if value is None:
            return self.none
        if self.path and isinstance(value, (str, os.PathLike)):
            return bool(os.fspath(value)) and "\0" not in str(value)
        if isinstance(value, str):
            return value in self.choices
        if self.flag:
            return isinstance(value, bool)
        if self.several and isinstance(value, (tuple, list)):
            return len(value) > 0 and all(self.admits_number(v) for v in value)
        if self.ends and isinstance(value, (tuple, list)):
            return len(value) == 2 and all(self.admits_number(v) for v in value)
        if not self.several and self.admits_number(value):
            return True
        return bool(self.python_only) and not isinstance(value, (bool, numbers.Number))

    def words(self) -> str:
        """What is allowed, in words: ``an integer >= 1, or "auto"``."""
        said = []
        if self.number is not None:
            noun = "an integer" if self.number == "int" else "a number"
            noun = f"a sequence of {noun.split()[1]}s" if self.several else noun
            said.append(f"{noun}{self._range_words()}")
        if self.ends:
            said.append("a pair (first, last) of such")
        if self.flag:
            said.append("True or False")
        if self.path:
            said.append("a path")
        said += [f'"{c}"' for c in self.choices]
        if self.none:
            said.append("None")
        if self.python_only:
            said.append(self.python_only)
        return said[0] if len(said) == 1 else ", ".join(said[:-1]) + " or " + said[-1]

    def _range_words(self) -> str:
        bounds = []
        if self.low != -math.inf:
            bounds.append(f"{'>' if self.open_low else '>='} {bound_text(self.low)}")
        if self.high != math.inf:
            bounds.append(f"{'<' if self.open_high else '<='} {bound_text(self.high)}")
        return " " + " and ".join(bounds) if bounds else ""


def bound_text(bound: float) -> str:
    """A bound of a range as text, every digit of a whole number shown.

    >>> bound_text(0.5), bound_text(2.0**24)
    ('0.5', '16,777,216')
    """
    return f"{bound:,.0f}" if bound == int(bound) else f"{bound:g}"


def offer(name: str, known: Sequence[str]) -> str:
    """The sentence behind an unknown name: the nearest of the ``known`` names, or all of them.

    >>> offer("latnt", ["latent", "loss"]), offer("x", ["latent", "loss"])
    ("Did you mean 'latent'?", 'It has: latent, loss.')
    """
    near = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"It has: {', '.join(known)}."
