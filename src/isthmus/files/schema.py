"""Schemas for the JSON in a model file: a value and a rule go in; nothing, or one error naming the place, comes out.

A schema is closed: an object has exactly the keys that are listed, and nothing in it can name code, a module or a file.
Rules are frozen dataclasses that nest; `check` is the only function.

>>> point = Object({"x": Number(), "name": Text(20)}, optional={"name"})
>>> check({"x": 1.5}, point)
>>> check({"x": 1.5, "y": 2}, point)
Traceback (most recent call last):
isthmus.errors.ModelFileError: spec has an unknown key 'y'; allowed: name, x
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from isthmus.errors import ModelFileError


@dataclass(frozen=True)
class Number:
    """A finite number from ``low`` to ``high``, both included; with ``integer`` a whole one."""

    low: float = -math.inf
    high: float = math.inf
    integer: bool = False


@dataclass(frozen=True)
class Flag:
    """True or false."""


@dataclass(frozen=True)
class Enum:
    """One of a few names."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Text:
    """A string of at most ``max_length`` characters, all of it matching ``pattern`` where one is given."""

    max_length: int
    pattern: str | None = None


@dataclass(frozen=True)
class Null:
    """None."""


@dataclass(frozen=True)
class List:
    """Between ``min_length`` and ``max_length`` items, each obeying ``item``."""

    item: Rule
    max_length: int
    min_length: int = 0


@dataclass(frozen=True)
class Object:
    """An object with exactly these ``fields``; those named in ``optional`` may be missing."""

    fields: Mapping[str, Rule]
    optional: Collection[str] = ()


@dataclass(frozen=True)
class Map:
    """An object whose keys come from the data: at most ``max_length`` of them, each obeying ``key``."""

    value: Rule
    max_length: int
    key: Text = Text(1_000)


@dataclass(frozen=True)
class Tagged:
    """An object whose field ``tag`` names which of the ``cases`` it must obey; the cases do not list the tag."""

    tag: str
    cases: Mapping[str, Object]


@dataclass(frozen=True)
class Either:
    """Any one of these rules; they should differ in type, or the complaint is about the last one."""

    rules: tuple[Rule, ...]


Rule = Number | Flag | Enum | Text | Null | List | Object | Map | Tagged | Either


def check(value: object, rule: Rule, where: str = "spec") -> None:
    """Raise `ModelFileError` at the first place where ``value`` breaks ``rule``.

    Parameters
    ----------
    value : object
        What came out of a JSON text.
    rule : Rule
        What it must look like.
    where : str, default "spec"
        What to call ``value`` in the message; the path inside it is added (``spec.columns[3].kind``).

    Raises
    ------
    ModelFileError
        Naming the path, what is allowed, and what was found.
    """
    match rule:
        case Object(fields, optional):
            _check_object(_object(value, where), fields, optional, where)
        case Map(item, max_length, key_rule):
            found = _object(value, where)
            _check_length(len(found), 0, max_length, where)
            for key, entry in found.items():
                check(key, key_rule, f"a key of {where}")
                check(entry, item, f"{where}[{key!r:.60}]")
        case Tagged(tag, cases):
            found = _object(value, where)
            check(found.get(tag), Enum(tuple(cases)), f"{where}.{tag}")
            rest = {key: entry for key, entry in found.items() if key != tag}
            check(rest, cases[str(found[tag])], where)
        case List(item, max_length, min_length):
            if not isinstance(value, list):
                raise _wrong(where, "a list", value)
            _check_length(len(value), min_length, max_length, where)
            for i, entry in enumerate(value):
                check(entry, item, f"{where}[{i}]")
        case Either(rules):
            _check_either(value, rules, where)
        case _:
            _check_scalar(value, rule, where)


def _check_scalar(value: object, rule: Number | Flag | Enum | Text | Null, where: str) -> None:
    match rule:
        case Number(low, high, integer):
            number = value if isinstance(value, int if integer else (int, float)) else math.nan
            if isinstance(value, bool) or not low <= number <= high or number in (-math.inf, math.inf):
                raise _wrong(where, f"{'an integer' if integer else 'a number'} from {low:g} to {high:g}", value)
        case Flag():
            if not isinstance(value, bool):
                raise _wrong(where, "true or false", value)
        case Enum(names):
            if not isinstance(value, str) or value not in names:
                raise _wrong(where, " or ".join(names), value)
        case Text(max_length, pattern):
            fits = isinstance(value, str) and len(value) <= max_length
            if not fits or (pattern is not None and not re.fullmatch(pattern, str(value))):
                like = f" like {pattern}" if pattern else ""
                raise _wrong(where, f"a string of at most {max_length} characters{like}", value)
        case Null():
            if value is not None:
                raise _wrong(where, "null", value)


def _check_object(found: dict[str, Any], fields: Mapping[str, Rule], optional: Collection[str], where: str) -> None:
    for key in found:
        if key not in fields:
            raise ModelFileError(f"{where} has an unknown key {key!r:.60}; allowed: {', '.join(sorted(fields))}")
    for key, field in fields.items():
        if key in found:
            check(found[key], field, f"{where}.{key}")
        elif key not in optional:
            raise ModelFileError(f"{where} lacks the key {key!r}")


def _check_either(value: object, rules: tuple[Rule, ...], where: str) -> None:
    for rule in rules[:-1]:
        try:
            return check(value, rule, where)
        except ModelFileError:
            continue
    return check(value, rules[-1], where)


def _check_length(length: int, low: int, high: int, where: str) -> None:
    if not low <= length <= high:
        raise ModelFileError(f"{where} must have from {low} to {high} entries; it has {length}")


def _object(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(where, "an object", value)
    return value


def _wrong(where: str, allowed: str, value: object) -> ModelFileError:
    return ModelFileError(f"{where} must be {allowed}; it is {value!r:.60}")
