"""The header of a model file: what it must say, its one spelling, and the check of one that somebody else wrote.

The header is JSON. Its ``__metadata__`` holds one entry, ``isthmus``: the JSON text of ``{"format": 1, "sha256": ...,
"spec": ...}``; every other entry names an array, its type, its shape and its place. `spelled` makes the bytes; `parsed`
takes bytes apart, and accepts only what `spelled` makes of the same content. Needs neither torch nor NumPy.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from isthmus.errors import ModelFileError
from isthmus.files import migrations, strict_json

FORMAT = 1
MAX_BYTES = 4 * 2**20
MAX_TENSORS = 10_000
MAX_AXES = 8
MAX_VALUES = 300_000  # each takes far more memory and time than its two bytes in the file
NAME = re.compile(r"[a-z0-9_.]{1,128}")
# Type in the file and in NumPy. Wide types come first in a file, so every array starts at a multiple of its item size.
TYPES = {"F64": "<f8", "I64": "<i8", "F32": "<f4", "I32": "<i4", "BOOL": "|b1", "U8": "|u1"}
_ITEM_BYTES = {code: int(text[-1]) for code, text in TYPES.items()}
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class TensorInfo:
    """What the header says of one array; ``start`` and ``stop`` count bytes from the end of the header."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True)
class Header:
    """What a file says about itself, before any array is read: ``spec`` in today's form, ``written`` as the file has it."""

    format: int
    spec: dict[str, Any]
    sha256: str
    tensors: tuple[TensorInfo, ...]
    file_bytes: int
    written: dict[str, Any]


def spelled(format: int, spec: dict[str, Any], sha256: str, tensors: tuple[TensorInfo, ...]) -> bytes:
    """The one header that stands for this content, padded with spaces to a multiple of 8 bytes."""
    inner = strict_json.dumps({"format": format, "spec": spec, "sha256": sha256})
    outer: dict[str, Any] = {"__metadata__": {"isthmus": inner}}
    for info in tensors:
        outer[info.name] = {"data_offsets": [info.start, info.stop], "dtype": info.dtype, "shape": info.shape}
    text = json.dumps(outer, separators=(",", ":"), ensure_ascii=False).encode()
    return text + b" " * (-len(text) % 8)


def parsed(raw: bytes, file_bytes: int) -> Header:
    """The content of a header that is the start of a file of ``file_bytes`` bytes.

    Raises
    ------
    ModelFileError
        For anything but what `spelled` makes, and for arrays that do not fill the rest of the file exactly.
    """
    try:
        outer = strict_json.loads(_text(raw), max_objects=MAX_TENSORS + 2, escaped=False)
        inner = strict_json.loads(_own_entry(outer))
        _check_version(inner)
        infos = _infos({name: entry for name, entry in outer.items() if name != "__metadata__"})
        _check_length(8 + len(raw) + (infos[-1].stop if infos else 0), file_bytes)
        if spelled(inner["format"], inner["spec"], inner["sha256"], infos) != raw:
            raise ModelFileError("its header was damaged or edited after it was written")
    except strict_json.NotStrictError as error:
        raise ModelFileError(f"its header is damaged: {error}") from error
    spec = migrations.current(inner["spec"], inner["format"], FORMAT)
    return Header(inner["format"], spec, inner["sha256"], infos, file_bytes, inner["spec"])


def values_in(raw: bytes) -> int:
    """At most so many values are in a header: one for each bracket that opens and for each comma, in names too."""
    return raw.count(b"[") + raw.count(b"{") + raw.count(b",")


def _text(raw: bytes) -> str:
    if values_in(raw) > MAX_VALUES:
        raise ModelFileError(f"its header holds more than {MAX_VALUES:,} values")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise ModelFileError("its header is damaged: it is not UTF-8") from error


def _own_entry(outer: Any) -> str:
    """The text under our name, or an error that says whose file this is."""
    metadata = outer.get("__metadata__") if isinstance(outer, dict) else None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("isthmus"), str):
        raise ModelFileError("it is a safetensors file, but isthmus did not write it")
    if len(metadata) > 1:
        raise ModelFileError("its header was damaged or edited: there is more than the entry of isthmus in it")
    return str(metadata["isthmus"])


def _check_version(inner: Any) -> None:
    version = inner.get("format") if isinstance(inner, dict) else None
    if type(version) is int and version > FORMAT:
        raise ModelFileError(
            f"a newer isthmus wrote it (file format {version}; this one reads {FORMAT}); "
            "upgrade with: python -m pip install --upgrade isthmus"
        )
    if type(version) is not int or version < 1 or set(inner) != {"format", "sha256", "spec"}:
        raise ModelFileError("its header was damaged or edited: it must hold format, sha256 and spec")
    if not isinstance(inner["spec"], dict) or not _SHA256.fullmatch(str(inner["sha256"])):
        raise ModelFileError("its header was damaged or edited: spec or sha256 is not what it must be")


def _infos(entries: dict[str, Any]) -> tuple[TensorInfo, ...]:
    """The arrays in the order of the file: without a gap or an overlap, each as long as its shape says."""
    if len(entries) > MAX_TENSORS:
        raise ModelFileError(f"its header names {len(entries):,} arrays; at most {MAX_TENSORS:,} are allowed")
    infos: list[TensorInfo] = []
    stop = 0
    for name, entry in entries.items():
        infos.append(_info(name, entry, stop))
        stop = infos[-1].stop
    return tuple(infos)


def _info(name: str, entry: Any, start: int) -> TensorInfo:
    if not NAME.fullmatch(name):
        raise ModelFileError(f"the name {name!r:.60} of an array has characters other than a-z, 0-9, _ and .")
    if not isinstance(entry, dict) or set(entry) != {"data_offsets", "dtype", "shape"}:
        raise ModelFileError(f"the array {name!r} must have data_offsets, dtype and shape, and nothing else")
    dtype, shape = entry["dtype"], entry["shape"]
    if not isinstance(dtype, str) or dtype not in TYPES:
        raise ModelFileError(f"the array {name!r} has the type {dtype!r:.60}; allowed: {', '.join(TYPES)}")
    if not isinstance(shape, list) or len(shape) > MAX_AXES or not all(type(n) is int and n >= 0 for n in shape):
        raise ModelFileError(f"the array {name!r} has the shape {shape!r:.60}")
    if _ITEM_BYTES[dtype] * math.prod(max(n, 1) for n in shape) >= 2**62:
        raise ModelFileError(f"the array {name!r} has the shape {shape!r:.60}, too large for any machine")
    stop = start + _ITEM_BYTES[dtype] * math.prod(shape)
    if entry["data_offsets"] != [start, stop] or not all(type(n) is int for n in entry["data_offsets"]):
        raise ModelFileError(
            f"the array {name!r} lies at {entry['data_offsets']!r:.60}; by its shape it must be [{start}, {stop}]"
        )
    return TensorInfo(name, dtype, tuple(shape), start, stop)


def _check_length(needed: int, file_bytes: int) -> None:
    if file_bytes < needed:
        raise ModelFileError(f"it is cut short: {file_bytes:,} of {needed:,} bytes; copy or download it again")
    if file_bytes > needed:
        raise ModelFileError(f"it has {file_bytes - needed:,} byte(s) after its end")
