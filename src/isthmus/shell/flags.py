"""Flags: click options made from parameter classes, and the few that several verbs share.

In: a dataclass of `isthmus.parameters`. Out: one option for each field that can be typed, checked by the rule that
stands beside the field, so that a new parameter needs nothing here. Standard library and click only: ``--help`` must
be quick.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click

from isthmus.allowed import Allowed, bound_text
from isthmus.errors import ParameterError
from isthmus.parameters import check_kinds, from_text

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

# A fit from the command line starts anew, so there are no last weights to start from.
_WITHOUT_USE = ("warm_start",)
# --output names the file to write, in every verb.
_RENAMED = {"output": "--output-layer"}
# What a verb does where the estimator's own default would do nothing.
_OTHERWISE = {"run_dir": "OUTPUT.run"}
CORRUPTIONS = (
    "gaussian-noise", "masking-noise", "salt-pepper", "speckle", "holes", "watermark", "grayscale", "swap",
)  # fmt: skip
"""The kinds of corruptions by name, for a help that loads none of them."""


class Typed(click.ParamType[Any]):
    """The text of a flag, turned into a value by the rule of its parameter."""

    name = "value"

    def __init__(self, flag: str, rule: Allowed) -> None:
        self._flag, self._rule = flag, rule

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Give the value, or raise a `ParameterError` that says what is allowed."""
        if not isinstance(value, str) or (self._rule.none and value.lower() == "none"):
            return None
        return from_text("the value", value, self._rule, self._flag)


class Size(click.ParamType[tuple[int, int]]):
    """``HEIGHTxWIDTH`` to two integers."""

    name = "HxW"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Give (height, width)."""
        found = re.fullmatch(r"(\d{1,9})[xX×](\d{1,9})", value) if isinstance(value, str) else None
        if found is None:
            raise ParameterError(f"--size must be HEIGHTxWIDTH in pixels, such as 64x48; got {value!r}.")
        return int(found[1]), int(found[2])


class Delimiter(click.ParamType[str]):
    """The character between cells; a tab is hard to type, so ``tab`` stands for it."""

    name = "CHAR"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Give the character; `isthmus.read` checks it."""
        return "\t" if value in ("tab", "\\t") else value


def parameter_flags(owner: type, names: Iterable[str] | None = None) -> Decorator:
    """Make a decorator that adds a flag for each parameter of ``owner`` that can be typed, or for those in ``names`` only."""
    fields = [f for f in dataclasses.fields(owner) if f.name not in _WITHOUT_USE and (names is None or f.name in names)]
    options = [option for option in map(_option, fields) if option is not None]

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def given(context: click.Context, flags: dict[str, Any]) -> dict[str, Any]:
    """Keep the flags that were typed; the estimator has its own defaults for the others."""
    default = click.core.ParameterSource.DEFAULT
    typed = {name: value for name, value in flags.items() if context.get_parameter_source(name) is not default}
    if "kinds" in typed:
        typed["kinds"] = check_kinds(dict(_kind(text) for text in typed["kinds"]), None)
    return typed


def read_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add what reading DATA can be told; the function gets it as ``how``, keyword arguments of `isthmus.read`."""

    @functools.wraps(function)
    def collected(**flags: Any) -> Any:
        how = {name: flags.pop(name) for name in ("delimiter", "header", "size", "on_bad_image")}
        return function(how={**how, "header": "auto" if how["header"] is None else how["header"]}, **flags)

    options = [
        click.option(
            "--delimiter", type=Delimiter(), default="auto", show_default=True, metavar="CHAR",
            help="Text files: the character between cells, such as ';'; tab for a tab.",
        ),
        click.option(
            "--header/--no-header", default=None,
            help="Text files: whether the first row names the columns.  [default: found out]",
        ),
        click.option("--size", type=Size(), metavar="HxW", help="Pictures: stretch each to this height and width."),
        click.option(
            "--on-bad-image", type=click.Choice(["error", "skip"]), default="error", show_default=True,
            help="Pictures: stop at one that cannot be read, or leave it out.",
        ),
    ]  # fmt: skip
    for option in reversed(options):
        collected = option(collected)
    return collected


def typed_again(how: Mapping[str, Any]) -> list[str]:
    """Give the words that stand for ``how`` of `read_options` on a command line; defaults need none.

    >>> typed_again({"delimiter": ";", "header": False, "size": (8, 6), "on_bad_image": "error"})
    ['--delimiter', ';', '--no-header', '--size', '8x6']
    """
    words = []
    if how["delimiter"] != "auto":
        words += ["--delimiter", "tab" if how["delimiter"] == "\t" else how["delimiter"]]
    if how["header"] != "auto":
        words.append("--header" if how["header"] else "--no-header")
    if how["size"] is not None:
        words += ["--size", "{}x{}".format(*how["size"])]
    if how["on_bad_image"] != "error":
        words += ["--on-bad-image", how["on_bad_image"]]
    return words


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")(function)


def decoded_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``-o``, where decoded rows or pictures go; the function gets it as ``target``."""
    return click.option(
        "-o", "--output", "target", required=True, metavar="OUT",
        help="Rows: .csv, .tsv, .parquet, .feather, .arrow, .npy, .npz. Pictures: .png (one sheet), folder/, .npy, .npz.",
    )(function)  # fmt: skip


def data_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add DATA: a file, a folder, a glob, or several files."""
    return click.argument("data", nargs=-1, required=True)(function)


def _option(field: dataclasses.Field[Any]) -> Decorator | None:
    """Give the flag of one parameter; None for values that only Python can hold."""
    rule: Allowed = field.metadata["allowed"]
    flag = _RENAMED.get(field.name, "--" + field.name.replace("_", "-"))
    if field.name == "kinds":
        return click.option(
            flag, field.name, multiple=True, metavar="COLUMN=KIND",
            help=f"{rule.help} Kinds: number, category, flag, date. Repeat for more columns.",
        )  # fmt: skip
    if field.name == "corruption":
        return click.option(
            flag, field.name, metavar="TEXT",
            help=f"{rule.help} The model then restores spoiled rows; auto, or kinds joined by |, each with its values, such "
            f'as "gaussian-noise 0.2 | holes count=2". Kinds: {", ".join(CORRUPTIONS)}.',
        )  # fmt: skip
    if rule.flag:
        return click.option(f"{flag}/--no-{flag[2:]}", field.name, default=None, help=_help(rule, field.default))
    typed = dataclasses.replace(rule, python_only="")
    if not typed.choices and typed.number is None and not typed.path:
        return None
    return click.option(
        flag, field.name, type=Typed(flag, typed), metavar=_metavar(typed),
        help=_help(typed, _OTHERWISE.get(field.name, field.default)),
    )  # fmt: skip


def _metavar(rule: Allowed) -> str:
    words = list(rule.choices)
    if rule.number is not None:
        noun = "INT" if rule.number == "int" else "NUMBER"
        words.append(f"{noun},{noun},..." if rule.several else noun)
    words += ["PATH"] if rule.path else []
    words += ["none"] if rule.none else []
    return words[0] if len(words) == 1 else f"[{'|'.join(words)}]"


def _help(rule: Allowed, default: object) -> str:
    bounds = [
        f"{sign} {bound_text(bound)}"
        for sign, bound in ((">" if rule.open_low else ">=", rule.low), ("<" if rule.open_high else "<=", rule.high))
        if math.isfinite(bound)
    ]
    said = [*_joined(bounds), f"default: {'none' if default is None else default}"]
    return f"{rule.help} [{'; '.join(said)}]"


def _joined(bounds: Iterable[str]) -> list[str]:
    text = " and ".join(bounds)
    return [text] if text else []


def _kind(text: str) -> tuple[str, str]:
    """Take ``zip=category`` apart; a column's name may hold an equals sign itself."""
    column, sign, kind = text.rpartition("=")
    if not sign or not column:
        raise ParameterError(f"--kinds must be COLUMN=KIND, such as zip=category; got {text!r}.")
    return column, kind
