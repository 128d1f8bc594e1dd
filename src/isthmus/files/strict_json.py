r"""JSON with one spelling: a value goes in and one text comes out; only that text comes back in.

`dumps` sorts keys, writes no white space and only finite numbers. `loads` reads what an attacker may have written, so
it refuses duplicate keys, NaN and infinities, long integers, deep nesting, more objects than allowed, and strings with
control characters.

Unusual: names and categories come from users' data, and may hold any character. `dumps` therefore writes control
characters, lone surrogates and characters that turn the direction of text as ``\{hex}``, and a backslash as ``\\``;
`loads` turns them back. So every string of Python can be kept, and the file itself shows no such character.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

MAX_DEPTH = 24
MAX_INTEGER = 2**64 - 1
_INTEGER_DIGITS = len(str(MAX_INTEGER)) + 1
_LONG = re.compile(f"[0-9]{{{len(str(MAX_INTEGER))}}}")  # no integer of fewer digits is too large
# Controls, line separators, marks that turn the direction of text, the byte order mark, halves of surrogate pairs.
_UNSAFE = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff"
_NUMBERS = (int, float, bool, type(None))  # checked as they are read
_UNSAFE_CHARACTER = re.compile(f"[{_UNSAFE}]")
_TO_ESCAPE = re.compile(rf"[\\{_UNSAFE}]")
_ESCAPED = re.compile(r"\\(?:\\|\{([0-9a-f]{1,6})\})")

# A name, or a place and the key in it: words are made of it only for an error.
_Where = str | tuple[Any, object]


class NotStrictError(ValueError):
    """The text is not JSON as this file allows it, or the value cannot be written as such."""


def dumps(value: object) -> str:
    """The one text that stands for ``value``.

    Parameters
    ----------
    value : dict, list, tuple, str, int, float, bool or None
        Nested at most `MAX_DEPTH` deep; keys are strings.

    Raises
    ------
    NotStrictError
        For a value of another type, a number that is not finite or an integer of more than 64 bits; the message names
        the place.

    Examples
    --------
    >>> dumps({"b": 1, "a": [True, None, 0.1]})
    '{"a":[true,null,0.1],"b":1}'
    """
    clean = _cleaned(value, "value", 0)
    return json.dumps(clean, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def loads(text: str, *, max_objects: int = 1_000_000, escaped: bool = True) -> Any:
    """The value of a text that somebody else may have written.

    Parameters
    ----------
    text : str
        JSON.
    max_objects : int, default 1,000,000
        Objects (``{...}``) that the text may hold.
    escaped : bool, default True
        Turn the escapes of `dumps` back; with False a backslash in a string is a backslash.

    Raises
    ------
    NotStrictError
        For anything that `dumps` would not have written, apart from white space and the order of keys.

    Examples
    --------
    >>> loads('{"a": 1, "a": 2}')
    Traceback (most recent call last):
    isthmus.files.strict_json.NotStrictError: the key 'a' appears twice
    """
    objects = 0

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal objects
        objects += 1
        if objects > max_objects:
            raise NotStrictError(f"it has more than {max_objects:,} objects")
        built = dict(pairs)
        if len(built) < len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            raise NotStrictError(f"the key {twice[:100]!r} appears twice")
        return built

    try:
        value = json.loads(
            text,
            object_pairs_hook=build,
            parse_int=_integer if _LONG.search(text) else None,  # a call for each of a million integers takes a while
            parse_float=_float,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        raise NotStrictError(f"it is not JSON ({error.msg} at character {error.pos})") from error
    except RecursionError as error:
        raise NotStrictError("it is nested too deeply") from error
    return _restored(value, escaped, 0)


def _cleaned(value: object, where: _Where, depth: int) -> Any:
    """A copy of ``value`` that holds only what JSON holds, its strings escaped."""
    if depth > MAX_DEPTH:
        raise NotStrictError(f"{_place(where)} is nested more than {MAX_DEPTH} deep")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _TO_ESCAPE.sub(lambda m: "\\\\" if m[0] == "\\" else f"\\{{{ord(m[0]):x}}}", value)
    if isinstance(value, int) and abs(value) <= MAX_INTEGER:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise NotStrictError(f"{_place(where)} has a key that is not a string")
        return {_cleaned(key, where, depth + 1): _cleaned(item, (where, key), depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(item, (where, i), depth + 1) for i, item in enumerate(value)]
    what = f"{value!r:.100} ({type(value).__name__})"
    raise NotStrictError(f"{_place(where)} is {what}, which a model file cannot hold")


def _place(where: _Where) -> str:
    """The place in words: ``value['history'][0]``."""
    return where if isinstance(where, str) else f"{_place(where[0])}[{where[1]!r}]"


def _restored(value: Any, escaped: bool, depth: int) -> Any:
    """``value`` with its strings checked and, when they are ``escaped``, as they were before `dumps`."""
    if depth > MAX_DEPTH:
        raise NotStrictError("it is nested too deeply")
    if isinstance(value, str):
        return _string(value, escaped)
    if isinstance(value, list):
        return [item if type(item) in _NUMBERS else _restored(item, escaped, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_string(key, escaped): _restored(item, escaped, depth + 1) for key, item in value.items()}
    return value


def _string(text: str, escaped: bool) -> str:
    if _UNSAFE_CHARACTER.search(text):
        raise NotStrictError("a string holds a control character or half a character")
    if not escaped or "\\" not in text:
        return text
    if "\\" in _ESCAPED.sub("", text):
        raise NotStrictError("a string holds a backslash that stands for nothing")
    return _ESCAPED.sub(_unescaped, text)


def _unescaped(match: re.Match[str]) -> str:
    if match[1] is None:
        return "\\"
    code = int(match[1], 16)
    if code > 0x10FFFF or match[1] != f"{code:x}" or not _UNSAFE_CHARACTER.match(chr(code)):
        raise NotStrictError("a string escapes a character that needs no escape")
    return chr(code)


def _integer(digits: str) -> int:
    if len(digits) > _INTEGER_DIGITS or abs(int(digits)) > MAX_INTEGER:
        raise NotStrictError("it has an integer of more than 64 bits")
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits) if len(digits) <= 40 else math.inf
    if not math.isfinite(number):
        raise NotStrictError("it has a number that is too large or too long")
    return number


def _constant(name: str) -> float:
    raise NotStrictError(f"it has the number {name}")
