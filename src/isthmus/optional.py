"""Optional packages: a name goes in; the imported module comes out, or an error that holds the install line."""

from __future__ import annotations

import importlib
from types import ModuleType

from isthmus.errors import MissingPackageError


def need(name: str, *, extra: str) -> ModuleType:
    """Import an optional package inside the function that needs it.

    Parameters
    ----------
    name : str
        The module to import, such as ``"polars"``.
    extra : str
        The extra of isthmus that installs it, such as ``"dev"``.

    Returns
    -------
    ModuleType
        The module.

    Raises
    ------
    MissingPackageError
        When it is not installed, or is installed but does not import.

    Examples
    --------
    >>> need("json", extra="dev").dumps([1])
    '[1]'
    >>> need("no_such_package", extra="dev")
    Traceback (most recent call last):
    isthmus.errors.MissingPackageError: This needs the package no_such_package, ...
    """
    install = f'Install it with: python -m pip install "isthmus[{extra}]"'
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise MissingPackageError(f"The package {name} is installed but broken: {error}. {install}") from error
        raise MissingPackageError(f"This needs the package {name}, which is not installed. {install}") from error
    except ImportError as error:
        raise MissingPackageError(f"The package {name} is installed but broken: {error}. {install}") from error
