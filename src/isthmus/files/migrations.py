"""Files of earlier releases in today's form: a spec as it was written goes in, the spec that this release reads comes out.

Two tables, which only ever grow:

- `ADDED` has the keys that joined the spec of an estimator without a new format number, each with the value under which a
  file that lacks it means what it meant when it was written. That is what the code did before there was a key, and not
  the key's default for new fits, which may change.
- `STEPS` has, for each format number that was ever left behind, the function that makes a spec of it one of the next.

Both are applied before a spec is checked, so the schema stays closed and knows one form only. The digest of a file covers
the spec as it was written.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from isthmus.errors import ModelFileError

Spec = dict[str, Any]

# Estimator -> {place of the key, with dots: value}. A detector's model has its own row: {"Autoencoder": {"plan.trim": 0.0}}.
ADDED: dict[str, dict[str, Any]] = {"Autoencoder": {}, "DenoisingAutoencoder": {}, "AnomalyDetector": {}}
# Format -> function to the next format. It gets a copy, and may raise what a spec that makes no sense makes it raise.
STEPS: dict[int, Callable[[Spec], Spec]] = {}


def current(spec: Spec, written: int, wanted: int) -> Spec:
    """``spec`` of format ``written`` as one of format ``wanted``, keys that came later filled in.

    Parameters
    ----------
    spec : as a file holds it; not changed.
    written, wanted : format numbers, the second not smaller.

    Raises
    ------
    ModelFileError : ``spec`` makes no sense in its own format.

    Examples
    --------
    >>> current({"estimator": "Autoencoder"}, 1, 1)
    {'estimator': 'Autoencoder'}
    """
    for number in range(written, wanted):
        try:
            spec = STEPS[number](copy.deepcopy(spec))
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise ModelFileError(
                f"its spec is not one of file format {number}; the file was edited or damaged"
            ) from error
    return _filled(spec)


def _filled(spec: Spec) -> Spec:
    """``spec`` and the model in it with the keys of `ADDED` that they lack."""
    filled, name = dict(spec), spec.get("estimator")
    for place, value in ADDED.get(name, {}).items() if isinstance(name, str) else ():
        _fill(filled, place.split("."), value)
    if isinstance(spec.get("model"), dict):
        filled["model"] = _filled(filled["model"])
    return filled


def _fill(inside: Spec, place: list[str], value: Any) -> None:
    """Put ``value`` at ``place`` unless something is there; objects on the way are copied, and none is made."""
    *above, key = place
    for name in above:
        if not isinstance(inside.get(name), dict):
            return  # the check of the spec will name what is wrong
        inside[name] = dict(inside[name])
        inside = inside[name]
    inside.setdefault(key, copy.deepcopy(value))
