"""isthmus: autoencoders for tables and pictures as they are, with the classical baseline beside every result.

Every public name is resolved at its first use: ``import isthmus`` loads neither torch nor scikit-learn nor NumPy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from isthmus.version import __version__

if TYPE_CHECKING:
    from isthmus import corruptions, recipes
    from isthmus.data import datasets
    from isthmus.data.readers import read
    from isthmus.errors import (
        DataError,
        DataTypeError,
        IsthmusError,
        IsthmusWarning,
        MissingPackageError,
        ModelFileError,
        OutputError,
        ParameterError,
        UserError,
    )
    from isthmus.models.autoencoder import Autoencoder
    from isthmus.models.denoising import DenoisingAutoencoder
    from isthmus.models.detector import AnomalyDetector
    from isthmus.models.loading import load
    from isthmus.models.neighbours import nearest
    from isthmus.models.probing import probe
    from isthmus.models.relevance import relevance
    from isthmus.models.traversal import traverse
    from isthmus.views.report import report

# Public name -> the module that has it.
_HOMES = {
    "AnomalyDetector": "isthmus.models.detector",
    "Autoencoder": "isthmus.models.autoencoder",
    "DataError": "isthmus.errors",
    "DataTypeError": "isthmus.errors",
    "DenoisingAutoencoder": "isthmus.models.denoising",
    "IsthmusError": "isthmus.errors",
    "IsthmusWarning": "isthmus.errors",
    "MissingPackageError": "isthmus.errors",
    "ModelFileError": "isthmus.errors",
    "OutputError": "isthmus.errors",
    "ParameterError": "isthmus.errors",
    "UserError": "isthmus.errors",
    "load": "isthmus.models.loading",
    "nearest": "isthmus.models.neighbours",
    "probe": "isthmus.models.probing",
    "read": "isthmus.data.readers",
    "relevance": "isthmus.models.relevance",
    "report": "isthmus.views.report",
    "traverse": "isthmus.models.traversal",
}
# Public name -> the module that it is.
_MODULES = {
    "corruptions": "isthmus.corruptions",
    "datasets": "isthmus.data.datasets",
    "recipes": "isthmus.recipes",
}

__all__ = [
    "AnomalyDetector",
    "Autoencoder",
    "DataError",
    "DataTypeError",
    "DenoisingAutoencoder",
    "IsthmusError",
    "IsthmusWarning",
    "MissingPackageError",
    "ModelFileError",
    "OutputError",
    "ParameterError",
    "UserError",
    "__version__",
    "corruptions",
    "datasets",
    "load",
    "nearest",
    "probe",
    "read",
    "recipes",
    "relevance",
    "report",
    "traverse",
]


def __getattr__(name: str) -> Any:
    """Import the home of a public name when it is first asked for."""
    if name in _MODULES:
        found: Any = importlib.import_module(_MODULES[name])
    elif name in _HOMES:
        found = getattr(importlib.import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'isthmus' has no attribute {name!r}; it has {', '.join(__all__)}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """The public names."""
    return __all__
