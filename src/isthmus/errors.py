"""Every error that isthmus raises on purpose, in one tree.

    IsthmusError
    ├── UserError                       the caller's input is wrong: exit code 2 on the command line, 4xx over HTTP
    │   ├── ParameterError  (ValueError)    a parameter has a value that is not allowed
    │   ├── DataError       (ValueError)    rows, columns or pictures that cannot be used
    │   │   └── MixedSizesError             pictures of several sizes where all must have one
    │   ├── DataTypeError   (TypeError)     cells of a type that cannot be used
    │   ├── ModelFileError  (ValueError)    a model file that is damaged, foreign or of another version
    │   ├── OutputError     (OSError)       a result that cannot be written where it was asked for
    │   ├── RunChangedError (ValueError)    a run directory holds a fit of other data or settings
    │   ├── RunBusyError    (OSError)       another process uses the run directory: exit code 75
    │   └── MissingPackageError (ImportError)  an optional package that this call needs is not installed
    └── InternalError       (RuntimeError)  our bug: please report it

A UserError's text says what is wrong, where, what was expected and what to do, in one line.
"""


class IsthmusError(Exception):
    """Base of every error that isthmus raises on purpose."""


class UserError(IsthmusError):
    """The caller's input is wrong; the message says what to change."""


class ParameterError(UserError, ValueError):
    """A parameter has a value that is not allowed."""


class DataError(UserError, ValueError):
    """Rows, columns or pictures that cannot be used."""


class MixedSizesError(DataError):
    """Pictures of several sizes where all must have one.

    Attributes
    ----------
    groups : the files of each size, a list of lists in the order in which sizes come.
    """

    def __init__(self, message: str, groups: list[list[str]]) -> None:
        super().__init__(message)
        self.groups = groups


class DataTypeError(UserError, TypeError):
    """Cells of a type that cannot be used."""


class ModelFileError(UserError, ValueError):
    """A model file that is damaged, foreign or of another version."""


class OutputError(UserError, OSError):
    """A result that cannot be written where it was asked for."""


class RunChangedError(UserError, ValueError):
    """A run directory holds a fit of other data or settings.

    Attributes
    ----------
    finished : whether that fit came to its end.
    """

    def __init__(self, message: str, *, finished: bool) -> None:
        super().__init__(message)
        self.finished = finished


class RunBusyError(UserError, OSError):
    """Another process uses the run directory."""


class MissingPackageError(UserError, ImportError):
    """An optional package that this call needs is not installed."""


class InternalError(IsthmusError, RuntimeError):
    """A state that cannot happen unless isthmus has a bug."""


class IsthmusWarning(UserWarning):
    """Something worth knowing about the data or the fit; the call went on."""
