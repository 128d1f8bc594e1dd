"""What can happen to pictures and rows: noise, masks, holes, watermarks, lost colour, swapped cells.

A denoising autoencoder learns to undo them: its rows are corrupted anew in each step. `Corruption.apply` corrupts an array
by hand. ``|`` joins: ``GaussianNoise(0.1) | Holes()`` adds noise, then covers a box. `from_text` reads what is typed on a
command line: ``"gaussian-noise 0.1 | holes"``.

Strengths are fractions of the data range for pictures, and standard deviations of the column for rows.

| corruption | pictures | rows |
| --- | --- | --- |
| `GaussianNoise` | yes | numbers |
| `MaskingNoise` | yes | yes |
| `SaltPepper` | yes | numbers |
| `Speckle` | yes | |
| `Holes` | yes | |
| `Watermark` | yes | |
| `Grayscale` | in colour | |
| `Swap` | | yes |
"""

from __future__ import annotations

import dataclasses

from isthmus.corrupting.base import Chain, Corruption
from isthmus.corrupting.damage import Grayscale, Holes
from isthmus.corrupting.kinds import KINDS, MOST_PARTS, offer
from isthmus.corrupting.noise import GaussianNoise, MaskingNoise, SaltPepper, Speckle, Swap
from isthmus.corrupting.space import ColumnSpace
from isthmus.corrupting.text import from_text, to_text
from isthmus.corrupting.watermark import Watermark
from isthmus.errors import ParameterError

__all__ = [
    "Chain",
    "ColumnSpace",
    "Corruption",
    "GaussianNoise",
    "Grayscale",
    "Holes",
    "MaskingNoise",
    "SaltPepper",
    "Speckle",
    "Swap",
    "Watermark",
    "from_spec",
    "from_text",
    "to_text",
]


def from_spec(spec: object) -> Corruption:
    """The corruption that `Corruption.to_spec` described; the description may come from anybody.

    Parameters
    ----------
    spec : list of dict
        One for each part: its ``name`` and its parameters; those left out have their defaults.

    Raises
    ------
    ParameterError : it is no such description, or a parameter has a value that is not allowed.

    Examples
    --------
    >>> from_spec((GaussianNoise(0.1) | Swap()).to_spec())
    GaussianNoise(std=0.1, clip=True) | Swap(share=0.15)
    """
    if not isinstance(spec, list) or not 1 <= len(spec) <= MOST_PARTS:
        raise ParameterError(f"a corruption's description must be a list of 1 to {MOST_PARTS} dicts; got {spec!r:.80}.")
    parts = [_from_entry(entry) for entry in spec]
    return parts[0] if len(parts) == 1 else Chain(tuple(parts))


def _from_entry(entry: object) -> Corruption:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise ParameterError(f'a part of a corruption must be a dict with a "name" and parameters; got {entry!r:.80}.')
    name = entry["name"]
    if name not in KINDS:
        raise ParameterError(f"there is no corruption {name!r:.80}; {offer(name, KINDS)}")
    known = {field.name for field in dataclasses.fields(KINDS[name])} - {"picture"}
    given = {key: value for key, value in entry.items() if key != "name"}
    odd = next((key for key in given if key not in known), None)
    if odd is not None:
        raise ParameterError(f"{name} has no parameter {odd!r:.80}; {offer(str(odd), known)}")
    made: Corruption = KINDS[name](**given)
    return made
