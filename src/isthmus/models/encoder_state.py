"""A fitted preparation as plain JSON and arrays, and back: its part of a model file.

`SCHEMA` is what the JSON must look like; `shapes` says from the JSON alone which arrays belong to it.
"""

from __future__ import annotations

import contextlib
import importlib.util
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.data.containers import Container, Origin
from isthmus.errors import ModelFileError
from isthmus.files.schema import Enum, List, Number, Object, Tagged, Text
from isthmus.parameters import KINDS, SCALINGS
from isthmus.prep.codecs import DAYS, CategoryCodec, DateCodec, FlagCodec, NumberCodec
from isthmus.prep.columns import ColumnEncoder
from isthmus.prep.pixels import PixelEncoder

Arrays = dict[str, NDArray[Any]]
Shapes = dict[str, tuple[str, tuple[int, ...]]]
MOST_COLUMNS = 100_000
MOST_PIXELS = 2**28

_COLUMNS = Object(
    {
        "names": List(Text(1_000), MOST_COLUMNS),
        "kinds": List(Enum(KINDS), MOST_COLUMNS, 1),
        "types": List(Text(200), MOST_COLUMNS, 1),
        "scaling": Enum(SCALINGS[1:]),
        "gaps": List(Number(0, MOST_COLUMNS, integer=True), MOST_COLUMNS),
        "levels": List(List(Text(100_000), 100_000), MOST_COLUMNS),
        "cycles": List(List(Enum(tuple(DAYS)), len(DAYS)), MOST_COLUMNS),
        "container": Enum(("pandas", "polars", "arrow", "file")),
    }
)
_SIDE = Number(1, MOST_PIXELS, integer=True)
_PIXELS = Object(
    {
        "channels": Enum(("none", "first", "last")),
        "dtype": Text(10, r"[a-z]+[0-9]*"),
        "shape": List(_SIDE, 3, 3),
        "scale": Number(1e-300),
        "low": Number(),
        "high": Number(),
    }
)
SCHEMA = Tagged("type", {"columns": _COLUMNS, "pixels": _PIXELS})


def to_state(encoder: ColumnEncoder | PixelEncoder) -> tuple[dict[str, Any], Arrays]:
    """The JSON and the arrays of ``encoder``."""
    if isinstance(encoder, PixelEncoder):
        spec = {
            "type": "pixels", "channels": encoder.channels, "dtype": encoder.dtype, "shape": list(encoder.center.shape),
            "scale": encoder.scale, "low": encoder.low, "high": encoder.high,
        }  # fmt: skip
        return spec, {"center": encoder.center}
    spec = {
        "type": "columns",
        "names": list(encoder.names),
        "kinds": list(encoder.kinds),
        "types": list(encoder.types),
        "scaling": encoder.scaling,
        "gaps": list(encoder.gaps),
        "levels": [list(codec.levels) for codec in encoder.categories],
        "cycles": [list(codec.cycles) for codec in encoder.dates],
        "container": encoder.origin.container,
    }
    arrays: Arrays = {f"numbers.{name}": array for name, array in encoder.numbers.arrays().items()}
    arrays["flags.share"] = encoder.flags.share
    arrays |= {f"category.{i}.share": codec.share for i, codec in enumerate(encoder.categories)}
    return spec, arrays


def shapes(spec: dict[str, Any]) -> Shapes:
    """Type and shape of each array that belongs to ``spec``, which obeys `SCHEMA`."""
    if spec["type"] == "pixels":
        if np.prod([float(side) for side in spec["shape"]]) > MOST_PIXELS:
            raise ModelFileError(f"pictures of {spec['shape']} are larger than a model may hold.")
        return {"center": ("float32", tuple(spec["shape"]))}
    count = {kind: spec["kinds"].count(kind) for kind in KINDS}
    n_columns = len(spec["kinds"])
    agree = [
        len(spec["names"]) in (0, n_columns),
        len(spec["types"]) == (n_columns if spec["names"] else 1),
        len(set(spec["names"])) == len(spec["names"]),
        len(spec["levels"]) == count["category"],
        len(spec["cycles"]) == count["date"],
        all(gap < n_columns for gap in spec["gaps"]),
        bool(spec["names"]) or count["number"] == n_columns,
    ]
    if not all(agree):
        raise ModelFileError("its columns do not agree with each other; the file was edited or damaged.")
    numbers = (count["number"] + count["date"],)
    found: Shapes = {f"numbers.{f.name}": ("float64", numbers) for f in fields(NumberCodec)}
    found["flags.share"] = ("float64", (count["flag"],))
    return found | {f"category.{i}.share": ("float64", (len(ls) + 1,)) for i, ls in enumerate(spec["levels"])}


def from_state(spec: dict[str, Any], arrays: Arrays) -> ColumnEncoder | PixelEncoder:
    """The encoder that `to_state` described, from checked JSON and arrays."""
    if spec["type"] == "pixels":
        dtype = _number_type(spec["dtype"])
        return PixelEncoder(spec["channels"], dtype, arrays["center"], spec["scale"], spec["low"], spec["high"])
    if not spec["names"]:
        _number_type(spec["types"][0])
    numbers = NumberCodec(**{f.name: arrays[f"numbers.{f.name}"] for f in fields(NumberCodec)})
    if not (numbers.scale > 0).all() or not (numbers.spread >= 0).all():
        raise ModelFileError("it holds a scale that is not positive; the file was edited or damaged.")
    categories = [
        CategoryCodec(tuple(levels), arrays[f"category.{i}.share"]) for i, levels in enumerate(spec["levels"])
    ]
    shares = [arrays["flags.share"], *(codec.share for codec in categories if codec.levels)]
    if not all(((share > 0) & (share < 1)).all() for share in shares):
        raise ModelFileError("it holds a share outside of 0 to 1; the file was edited or damaged.")
    return ColumnEncoder(
        tuple(spec["names"]), tuple(spec["kinds"]), tuple(spec["types"]), spec["scaling"], tuple(spec["gaps"]), numbers,
        FlagCodec(arrays["flags.share"]), tuple(categories), tuple(DateCodec(tuple(c)) for c in spec["cycles"]),
        Origin(_available(spec["container"])),
    )  # fmt: skip


def _number_type(name: str) -> str:
    """``name`` where it is a NumPy type of numbers."""
    with contextlib.suppress(TypeError):
        if np.dtype(name).kind in "biuf":
            return name
    raise ModelFileError(f"it holds {name!r} as a type of numbers; the file was edited or damaged.")


def _available(container: Container) -> Container:
    """The container of fit, or Arrow where its library is not installed here."""
    if container in ("pandas", "polars") and importlib.util.find_spec(container) is None:
        return "arrow"
    return container
