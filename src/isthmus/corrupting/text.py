"""Corruptions as text that can be typed: ``gaussian-noise 0.2 | holes count=2 shape=stripes``.

A part is the name of a kind, the value of its first parameter if one wants, then ``name=value``; parts are joined by ``|``.
What is left out has its default. Text with blanks stands in quotes: 'as it is', or "as in JSON". A number may be a fraction
(``25/255``), a pair has a comma (``0.1,0.3``), and there are ``true``, ``false`` and ``none``.
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

from isthmus.allowed import Allowed
from isthmus.corrupting.base import Chain, Corruption
from isthmus.corrupting.kinds import KINDS, MOST_PARTS, offer
from isthmus.errors import ParameterError

_VALUE = r"""("(?:[^"\\]|\\.)*"|'[^']*'|[^\s|"']+)"""
_TOKEN = re.compile(rf"\s*(?:(\|)|(?:([A-Za-z][\w-]*)=)?{_VALUE}(?=[\s|]|$))")
_FRACTION = re.compile(r"([^/]+)/([^/]+)")
_PLAIN = re.compile(r"[^\s|\"'=]+")
_WORDS = {"true": True, "false": False, "none": None}
_UNTYPED = ("picture",)
"""Parameters that only Python can hold."""


def kebab(name: str) -> str:
    """The name of a kind as it is typed.

    >>> kebab("GaussianNoise")
    'gaussian-noise'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


_BY_NAME = {kebab(name): kind for name, kind in KINDS.items()}


def from_text(text: str) -> Corruption:
    """The corruption that a text names.

    Parameters
    ----------
    text : str
        One or more parts, joined by ``|``: a kind in kebab case (``salt-pepper``), then the value of its first parameter
        and others as ``name=value``.

    Raises
    ------
    ParameterError : no such kind or parameter (the nearest is offered), or a value that is not allowed.

    Examples
    --------
    >>> from_text("gaussian-noise 25/255 | holes count=2 size=0.1,0.2")
    GaussianNoise(std=0.09803921568627451, clip=True) | Holes(count=2, size=(0.1, 0.2), shape='boxes', value=0.0)
    """
    asked: object = text
    if not isinstance(asked, str) or not asked.strip():
        raise ParameterError(f'a corruption is text such as "gaussian-noise 0.2" or "swap 0.15"; got {text!r:.80}.')
    parts: list[list[tuple[str, str]]] = [[]]
    for key, value in _tokens(text):
        if key == "|":
            parts.append([])
        else:
            parts[-1].append((key, value))
    if len(parts) > MOST_PARTS:
        raise ParameterError(f"a corruption may have at most {MOST_PARTS} parts; the text has {len(parts)}.")
    made = [_part(part, text) for part in parts]
    return made[0] if len(made) == 1 else Chain(tuple(made))


def to_text(corruption: Corruption) -> str | None:
    """The shortest text that `from_text` makes ``corruption`` of; None where none does (a picture, one's own kind).

    Examples
    --------
    >>> from isthmus.corruptions import Holes, Swap, Watermark
    >>> to_text(Swap() | Holes(2, shape="stripes") | Watermark("do not copy"))
    "swap 0.15 | holes 2 shape=stripes | watermark 'do not copy'"
    """
    parts = corruption.parts if isinstance(corruption, Chain) else (corruption,)
    texts = []
    for part in parts:
        if type(part) not in KINDS.values() or any(getattr(part, name, None) is not None for name in _UNTYPED):
            return None
        texts.append(_text_of(part))
    return " | ".join(texts)


def _tokens(text: str) -> list[tuple[str, str]]:
    """The words of a text: ("|", "") between parts, else a key (or nothing) and what stands for its value."""
    found, place, end = [], 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place, end)
        if match is None:
            rest = text[place:end].strip()
            raise ParameterError(
                f"the corruption {text!r:.80} cannot be read at {rest!r:.40}: a quote does not end, or stands within a "
                "word; write name='some text'."
            )
        found.append(("|", "") if match[1] else (match[2] or "", match[3]))
        place = match.end()
    return found


def _part(words: list[tuple[str, str]], text: str) -> Corruption:
    if not words:
        raise ParameterError(f"a part of the corruption {text!r:.80} is empty; write a kind on each side of |.")
    (key, name), *rest = words
    name = f"{key}={name}" if key else name
    if name not in _BY_NAME:
        raise ParameterError(f"there is no corruption {name!r:.80}; {offer(name.lower(), _BY_NAME)}")
    fields = {field.name: field for field in dataclasses.fields(_BY_NAME[name]) if field.name not in _UNTYPED}
    given: dict[str, Any] = {}
    for place, (key, value) in enumerate(rest):
        if not key and (place > 0 or not fields):
            hint = "only the first value goes without a name" if fields else "it has no parameters"
            raise ParameterError(f"{name} does not take the value {value!r:.80}: {hint}.")
        known = key or next(iter(fields))
        if known not in fields:
            only = "; a picture can only be given in Python" if known in _UNTYPED else ""
            raise ParameterError(f"{name} has no parameter {known!r:.80}{only}; {offer(known, fields)}")
        if known in given:
            raise ParameterError(f"{name} has {known} twice; give it once.")
        given[known] = _value(value, fields[known])
    made: Corruption = _BY_NAME[name](**given)
    return made


def _value(text: str, field: dataclasses.Field[Any]) -> Any:
    """What ``text`` stands for in a parameter; the corruption itself checks whether it is allowed."""
    text = _unquoted(text) if text[0] in "\"'" else text
    rule: Allowed | None = field.metadata.get("allowed")
    if isinstance(field.default, str) and (rule is None or text in rule.choices):
        return text
    if (rule is None or rule.flag or rule.none) and text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if (rule is None or rule.ends) and "," in text:
        return tuple(_number(part) for part in text.split(","))
    return _number(text, whole=rule is not None and rule.number == "int")


def _unquoted(text: str) -> str:
    if text.startswith("'"):
        return text[1:-1]
    try:
        return str(json.loads(text))
    except ValueError as error:
        raise ParameterError(
            f"the text {text:.80} cannot be read; within double quotes JSON's escapes hold."
        ) from error


def _number(text: str, *, whole: bool = False) -> int | float | str:
    """The number that ``text`` writes; the text itself where it writes none."""
    fraction = _FRACTION.fullmatch(text)
    try:
        if fraction and not whole:
            return float(fraction[1]) / float(fraction[2])
        return int(text) if whole else float(text)
    except (ValueError, ZeroDivisionError):
        return text


def _text_of(part: Any) -> str:
    words = [kebab(type(part).__name__)]
    for place, field in enumerate(dataclasses.fields(part)):
        value = getattr(part, field.name)
        if field.name in _UNTYPED or (place > 0 and value == field.default):
            continue
        words.append(_written(value) if place == 0 else f"{field.name}={_written(value)}")
    return " ".join(words)


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(_written(v) for v in value)
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return repr(value)
    if _PLAIN.fullmatch(value):
        return value
    return f"'{value}'" if "'" not in value and value.isprintable() else json.dumps(value)
