"""What a verb reads: data for a fit, data for a fitted model, and model files.

In: what was typed. Out: a `Table`, `Pictures` or an array; a fitted estimator. Unusual: a table for a fitted model is
read with the kinds of fit, so that a category such as 007 stays the text that it was.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from isthmus.errors import DataError, MixedSizesError, ModelFileError, ParameterError
from isthmus.shell import terminal

if TYPE_CHECKING:
    from isthmus.data.readers import Data

_SHOWN_COLUMNS = 20
MODEL_SUFFIX = ".safetensors"


def read_data(paths: Sequence[str], *, kinds: Mapping[str, str] | None = None, **how: Any) -> Data:
    """Read what was typed as DATA: one path, or several files; ``how`` as in `isthmus.read`."""
    from isthmus.data.readers import read

    return read(one_or_all(paths), kinds=kinds, **how)


def read_for(model: Any, paths: Sequence[str], *, labels: str | None = None, **how: Any) -> Data:
    """Read DATA the way the data of fit were read, and say what was noticed, but not that the column ``labels`` is new.

    Raises
    ------
    DataError
        If a column of fit is missing, or pictures are given to a model of rows, or the other way round.
    """
    from isthmus.data.readers import as_data
    from isthmus.data.table import Table
    from isthmus.models.inputs import kinds_of_fit

    data = as_data(one_or_all(paths), fitted=kinds_of_fit(model), **how)
    wants_pictures, dimensions = is_of_pictures(model), 2 if isinstance(data, Table) else len(data.shape)
    if wants_pictures != (dimensions > 2):
        found, wanted = ("rows", "pictures") if wants_pictures else ("pictures", "rows of a table")
        raise DataError(f"{named(paths)} holds {found}; the model was fitted with {wanted}. Give it data of that form.")
    for note in notes_but(data, labels):
        terminal.note(note)
    return data  # type: ignore[no-any-return]  # as_data takes and gives anything


def read_sizes_for(model: Any, paths: Sequence[str], **how: Any) -> list[Data]:
    """Read pictures that may have several sizes, those of each size apart; else as `read_for`."""
    try:
        return [read_for(model, paths, **how)]
    except MixedSizesError as mixed:
        return [read_for(model, group, **how) for group in mixed.groups]


def read_like(clean: Data, paths: Sequence[str], *, kinds: Mapping[str, str] | None = None, **how: Any) -> Data:
    """Read the spoiled form of rows: of a table, with the kinds and the columns that its clean form has."""
    from isthmus.data.readers import as_data
    from isthmus.data.table import Table

    known = clean.kinds if isinstance(clean, Table) else None
    how["kinds"] = kinds if known is None else None
    return as_data(one_or_all(paths), fitted=known, **how)  # type: ignore[no-any-return]  # as_data takes anything


def check_pairs(spoiled: Data, clean: Data, paths: Sequence[str], clean_path: str) -> None:
    """Raise `DataError` unless two sets of rows are pairs: of one shape, and pictures of the same names."""
    from isthmus.data.table import Table
    from isthmus.models import pairs

    shapes = [tuple(rows.shape) for rows in (spoiled, clean)]
    tables = [isinstance(rows, Table) for rows in (spoiled, clean)]
    if tables[0] != tables[1] or shapes[0] != shapes[1] or len(shapes[0]) < 2:
        counts = [" x ".join(f"{side:,}" for side in shape) for shape in shapes]
        raise DataError(
            f"{named(paths)} holds {counts[0]} values, {clean_path} {counts[1]}; the clean rows must be those of DATA, in the "
            "same order and of the same form."
        )
    pairs.check_pairs(spoiled, clean)


def load_model(path: str) -> Any:
    """Load a model file; one that needs its owner's Python code is refused before anything else is looked at.

    Raises
    ------
    ModelFileError
        If the file is damaged, foreign, or holds a user's own network.
    """
    from isthmus.files.container import read_header

    spec = read_header(path).spec
    plan = (spec["model"] if isinstance(spec.get("model"), dict) else spec).get("plan")  # a detector has a model inside
    if isinstance(plan, dict) and plan.get("network") == "custom":
        raise ModelFileError(
            f"{path} holds the weights of a user's own network, whose code the command line does not have; "
            "use it in Python: isthmus.load(path, network=...)."
        )
    from isthmus.models.loading import load

    return load(path)


def load_autoencoder(path: str) -> Any:
    """Load a model file, as `load_model` does; of a detector, the model inside it."""
    model = load_model(path)
    if not is_detector(model):
        return model
    terminal.note(f"{path} holds an anomaly detector; this is about the {type(model.model_).__name__} inside it.")
    return model.model_


def load_detector(path: str) -> Any:
    """Load a model file, as `load_model` does; one that is not of a detector is refused."""
    model = load_model(path)
    if not is_detector(model):
        raise ParameterError(
            f"{path} holds a model of the kind {type(model).__name__}, which flags nothing; fit a detector to normal rows with "
            "isthmus detect NORMAL NEW --save DETECTOR, or see the errors of rows with isthmus score."
        )
    return model


def load_with_latent(path: str) -> Any:
    """Load a model file, as `load_autoencoder` does; a model without a latent is refused."""
    from isthmus.models.latents import check_latent

    model = load_autoencoder(path)
    check_latent(model)
    return model


def load_denoiser(path: str) -> Any:
    """Load a model file, as `load_autoencoder` does; a model that was not fitted to restore is refused."""
    model = load_autoencoder(path)
    if not restores(model):
        raise ParameterError(
            f"{path} holds an {type(model).__name__}, which was not fitted to restore anything; see what it makes of rows with "
            "isthmus reconstruct, or fit a model with isthmus fit --corruption."
        )
    return model


def restores(model: Any) -> bool:
    """Whether the model is a denoising autoencoder."""
    return hasattr(model, "denoise")


def is_detector(model: Any) -> bool:
    """Whether the model is an anomaly detector."""
    return hasattr(model, "anomaly_scores")


def is_model_file(path: str) -> bool:
    """Whether a path is that of a model, not of data: by the end of its name, or by how the file begins."""
    if path.lower().endswith(MODEL_SUFFIX) or not os.path.isfile(path):
        return path.lower().endswith(MODEL_SUFFIX)
    with open(path, "rb") as handle:
        start = handle.read(9)
    return start[8:] == b"{" and int.from_bytes(start[:8], "little") < os.path.getsize(path)


def is_of_pictures(model: Any) -> bool:
    """Whether the model was fitted with pictures."""
    return len(model.encoder_.layout.input_shape) == 3


def notes_of(data: Any) -> tuple[str, ...]:
    """What was noticed while reading."""
    return tuple(getattr(data, "notes", ()))


def notes_but(data: Any, column: str | None) -> tuple[str, ...]:
    """`notes_of`, without those on one column alone."""
    return tuple(note for note in notes_of(data) if column is None or not note.startswith(f"Column {column!r} "))


def files_of(data: Any) -> tuple[str, ...]:
    """The file of each picture; empty for anything but pictures from files."""
    return tuple(getattr(data, "files", ()))


def named(paths: Sequence[str]) -> str:
    """What to call DATA in a sentence."""
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1:,} more"


def describe(data: Any, paths: Sequence[str], *, err: bool = False) -> None:
    """Print what was read: its size, and each column with its kind."""
    from isthmus.data.table import Table

    if not isinstance(data, Table):
        noun = "pictures" if len(data.shape) > 2 else "rows"
        form = " x ".join(str(side) for side in data.shape[1:]) or "1"
        dtype = getattr(data, "array", data).dtype
        terminal.say(f"read {named(paths)}: {len(data):,} {noun} of {form} ({dtype})", err=err)
        return
    counts = ", ".join(f"{count} {kind}" for kind, count in Counter(data.kinds.values()).items())
    columns = f"{len(data.names)} column{'s' * (len(data.names) != 1)}"
    terminal.say(f"read {named(paths)}: {len(data):,} rows, {columns} ({counts})", err=err)
    terminal.pairs(list(data.kinds.items())[:_SHOWN_COLUMNS], err=err)
    if len(data.names) > _SHOWN_COLUMNS:
        terminal.say(f"  and {len(data.names) - _SHOWN_COLUMNS} more", err=err)


def one_or_all(paths: Sequence[str]) -> str | list[str]:
    """The one path, or all of them, as `isthmus.read` takes them."""
    return paths[0] if len(paths) == 1 else list(paths)
