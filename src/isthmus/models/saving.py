"""Fitted estimators to model files: one safetensors file, its JSON a closed schema.

Nothing in a file is run, imported or opened. The names, types and shapes of all tensors follow from the JSON (networks
are outlined without memory), and the reader compares them with the file's before it takes any.
"""

from __future__ import annotations

import os
from typing import Any

from isthmus.files import container, schema
from isthmus.models import detector_state, model_state
from isthmus.parameters import DetectorParameters

SCHEMA = schema.Tagged("estimator", {**model_state.SCHEMA.cases, **detector_state.SCHEMA.cases})


def save(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write ``estimator`` as one file; `isthmus.load` reads it."""
    part = detector_state if isinstance(estimator, DetectorParameters) else model_state
    spec, tensors = part.to_state(estimator)
    schema.check(spec, SCHEMA)
    container.write(path, spec, tensors)
