"""Results of a model as the command line writes and words them: latents, reconstructions, errors, and PCA's beside ours.

In: a fitted model and data. Out: files, and sentences. The numbers are the estimator's own; here they only get names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from isthmus.shell import output
from isthmus.shell.inputs import files_of, is_of_pictures, restores

UNIT = "0 is perfect, 1 is always guessing the average"


def latent_names(model: Any) -> tuple[str, ...]:
    """Names of the columns of a file of latents."""
    return tuple(f"latent{place}" for place in range(model.latent_dim_))


def write_latents(model: Any, data: Any, path: str) -> str:
    """Encode ``data`` to ``path``; give what was written, in words."""
    latents = model.transform(data)
    output.write_rows(path, dict(zip(latent_names(model), latents.T, strict=True)), files=files_of(data))
    return f"{len(latents):,} rows of {model.latent_dim_} latent values"


def write_decoded(model: Any, decoded: Any, path: str, files: Sequence[str] = ()) -> str:
    """Write rows or pictures in the form that the model decodes to; give what was written, in words."""
    if is_of_pictures(model):
        return output.write_pictures(
            path, _channels_last(model, decoded), files=files, value_range=_range(model, decoded)
        )
    columns = decoded_columns(decoded)
    output.write_rows(path, columns)
    return f"{len(next(iter(columns.values()))):,} rows of {len(columns)} columns"


def decoded_columns(decoded: Any) -> dict[str, Any]:
    """Named columns of what ``reconstruct`` or ``inverse_transform`` gave: a table, a frame or an array."""
    import numpy as np

    if isinstance(decoded, np.ndarray):
        return {f"x{place}": column for place, column in enumerate(decoded.T)}
    from isthmus.data.table import Table, table_from

    columns = decoded.columns if isinstance(decoded, Table) else table_from(decoded).columns
    return dict(zip(columns.column_names, columns.columns, strict=True))


def held_out(model: Any, data: Any) -> Any:
    """The rows of ``data``, which ``model`` was fitted to, that chose its weights: its validation rows.

    Where none were held out, a sample of the training rows, as in training.
    """
    from isthmus.data.table import Table
    from isthmus.train.loop import split_rows

    rows = split_rows(len(data), model.plan_.validation_rows, model.seed_)[1].numpy()
    return data.select(data.names).take(rows) if isinstance(data, Table) else getattr(data, "array", data)[rows]


def on_held_out(model: Any, data: Any, seen: Any = None) -> dict[str, float | None]:
    """What ``compare`` says of the rows held out from the fit to ``data``.

    Of a denoiser: what it makes of them when they are spoiled, or of their spoiled form ``seen``; see
    `isthmus.models.restoring.restoration`.
    """
    first = model.history_[0]
    if restores(model):
        from isthmus.models.restoring import restoration

        clean = held_out(model, data)
        return restoration(model, clean) if seen is None else restoration(model, held_out(model, seen), clean)
    if model.plan_.anchored and first["kept"] and model.plan_.loss == "mse":
        # The PCA that was kept is that of all rows; what it left of these before it had seen them was noted in training.
        error = first["validation_loss"]
        return {"error": error, "pca_error": error, "ratio": 1.0}
    found: dict[str, float | None] = model.compare(held_out(model, data))
    return found


def scored(model: Any, data: Any) -> tuple[Any, dict[str, float | None]]:
    """Error of each row of ``data``, and what ``compare`` says of them; a denoiser restores them after they were spoiled.

    One that was fitted to pairs knows of nothing to spoil them with: it is given the rows as they are.
    """
    from isthmus.models.base import BaseAutoencoder

    if getattr(model, "corruption_", None) is None:
        return -model.score_samples(data), BaseAutoencoder.compare(model, data)
    from isthmus.models.restoring import restoration
    from isthmus.models.trial import Trial, row_errors

    return row_errors(Trial(model, data).errors()), restoration(model, data)


def against_pca(found: Mapping[str, float | None]) -> str:
    """One sentence on the ratio that ``compare`` gave.

    >>> against_pca({"error": 0.1, "pca_error": 0.4, "ratio": 0.25})
    "0.25 times PCA's error: 75 % less"
    """
    ratio = found["ratio"]
    if found["pca_error"] is None:
        return "PCA would be larger than the network at this size, so there is none to compare with"
    if ratio is None:
        return "PCA leaves no error at this size, so nothing can be better"
    if f"{ratio:.2f}" == "1.00":
        return "1.00 times PCA's error: no better than PCA"
    if ratio > 1:
        return f"{ratio:.2f} times PCA's error: PCA is better by {100 * (1 - 1 / ratio):.0f} %"
    return f"{ratio:{'.2f' if ratio >= 0.1 else '.2g'}} times PCA's error: {100 * (1 - ratio):.0f} % less"


def against_untouched(found: Mapping[str, float | None]) -> str:
    """One sentence on what was restored, beside leaving spoiled rows as they are; nothing where that is unknown.

    >>> against_untouched({"error": 0.1, "untouched_error": 0.4})
    '0.25 times the error of the spoiled rows: 75 % less'
    """
    before, after = found.get("untouched_error"), found["error"] or 0.0
    if before is None:
        return ""
    if not before:
        return "the rows were not spoiled, so there is nothing to restore"
    ratio = after / before
    better = f"{100 * (1 - ratio):.0f} % less" if ratio < 1 else "no better than leaving them as they are"
    return f"{ratio:{'.2f' if ratio >= 0.1 else '.2g'}} times the error of the spoiled rows: {better}"


def comparison_rows(found: Mapping[str, float | None], size: str = "the same latent size") -> list[tuple[str, str]]:
    """Names and values of a comparison with PCA of ``size``, and with spoiled rows where there are any, for two columns."""
    pca, spoiled, decibel = (found.get(name) for name in ("pca_error", "untouched_error", "psnr"))
    rows = [("error", f"{found['error']:.4g} ({UNIT})")]
    if spoiled is not None:
        rows.append(("error of spoiled rows", f"{spoiled:.4g} (left as they are)"))
    if "psnr" not in found or pca is not None:
        rows.append(("error of PCA", "unknown" if pca is None else f"{pca:.4g} ({size})"))
        rows.append(("in words", against_pca(found)))
    if decibel is not None:
        rows.append(("PSNR", f"{decibel:.2f} dB (spoiled: {found['untouched_psnr']:.2f} dB)"))
    restored = against_untouched(found)
    return [*rows, ("restored", restored)] if restored else rows


def write_restored(model: Any, restored: Sequence[Any], path: str, files: Sequence[str] = ()) -> str:
    """Write pictures of several sizes to a folder, ``restored`` those of each size; give what was written, in words."""
    pictures = [picture for part in restored for picture in _channels_last(model, part)]
    return output.write_pictures(path, pictures, files=files, value_range=_range(model, restored[0]))


def write_beside(model: Any, forms: Sequence[Any], path: str) -> str:
    """Write the clean, the spoiled and the restored form of pictures side by side on one sheet; say so in words."""
    import numpy as np

    wide = np.concatenate([_channels_last(model, form) for form in forms], axis=2)
    written = output.write_pictures(path, wide, value_range=_range(model, wide))
    return f"{written}: clean, spoiled and restored side by side"


def _channels_last(model: Any, pictures: Any) -> Any:
    return pictures.transpose(0, 2, 3, 1) if model.encoder_.channels == "first" else pictures


def _range(model: Any, pictures: Any) -> tuple[float, float]:
    """What to draw as black and white: the range of the type for bytes, else the range seen in training."""
    usual = {"uint8": (0.0, 255.0), "uint16": (0.0, 65535.0), "bool": (0.0, 1.0)}
    low, high = usual.get(str(pictures.dtype), (float(model.encoder_.low), float(model.encoder_.high)))
    return (low, high) if high > low else (low, low + 1)
