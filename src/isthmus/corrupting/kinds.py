"""All kinds of corruptions by name, and the nearest name for one that there is not."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from isthmus.corrupting.damage import Grayscale, Holes
from isthmus.corrupting.noise import GaussianNoise, MaskingNoise, SaltPepper, Speckle, Swap
from isthmus.corrupting.watermark import Watermark

KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (GaussianNoise, Grayscale, Holes, MaskingNoise, SaltPepper, Speckle, Swap, Watermark)
}
MOST_PARTS = 100
"""Parts of a corruption that is described by JSON or text, which may come from anybody."""


def offer(name: str, known: Iterable[str]) -> str:
    """The nearest of the ``known`` names, or all of them.

    >>> offer("cuont", ["count", "size"]), offer("x", ["b", "a"])
    ("did you mean 'count'?", 'there are: a, b.')
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names) or 'none'}."
