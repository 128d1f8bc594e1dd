"""What stands at the top of a report: what was fitted, on what, and the figures to know first.

In: what was measured. Out: an `Opening`, text that is safe in HTML.
"""

from __future__ import annotations

from dataclasses import dataclass

from isthmus.data.table import Table
from isthmus.views import restored
from isthmus.views.measured import Measured
from isthmus.views.words import amount, count, escaped, joined


@dataclass(frozen=True)
class Opening:
    """The head of a page.

    Attributes
    ----------
    heading : plain text, unless a title is given.
    summary : one or two sentences.
    facts : name, value and words of each figure.
    notes : plain text.
    """

    heading: str
    summary: str
    facts: list[tuple[str, str, str]]
    notes: tuple[str, ...]


def of_model(measured: Measured) -> Opening:
    """The head of the report of an autoencoder."""
    model = measured.model
    heading = f"{type(model).__name__} on {rows_words(measured)}"
    return Opening(heading, _summary(measured), _facts(measured), (*model.notes_, *measured.notes))


def rows_words(measured: Measured) -> str:
    """The file that the rows came from, or how many they are."""
    return measured.source or count(len(measured.data), "picture" if measured.pictures else "row")


def _summary(measured: Measured) -> str:
    """What was fitted and on what, in a sentence."""
    model, noun = measured.model, "picture" if measured.pictures else "row"
    what, size = f"{noun} of {row_words(measured)}", count(model.latent_dim_, "number")
    does = f"squeezes each {what} into {size} and rebuilds it from them"
    if measured.restores:
        by = restored.spoiled_by(model)
        does = f"restores {noun}s of {row_words(measured)}{f' that {by} spoiled' if by else ''}"
        does += f" and squeezes each into {size} on the way" if model.latent_dim_ else ""
    return f"A model that {does}. Fitted on {count(model.n_rows_, 'row')}; this report looks at {count(len(measured.data), 'row')}."


def row_words(measured: Measured) -> str:
    """The size of a row."""
    encoder = measured.model.encoder_
    if measured.pictures:
        channels, height, width = encoder.layout.shape
        return f"{height}\xa0×\xa0{width} pixels" + (f" in {channels} channels" if channels > 1 else "")
    return count(len(encoder.kinds), "column")


def kinds_words(measured: Measured) -> str:
    """The range of the pixels, or how many columns there are of each kind."""
    encoder = measured.model.encoder_
    if measured.pictures:
        return f"pixels from {encoder.low:g} to {encoder.high:g}"
    tally = {kind: encoder.kinds.count(kind) for kind in ("number", "category", "flag", "date")}
    plurals = {"category": "categories"}
    return joined([f"{n:,} {kind if n == 1 else plurals.get(kind, kind + 's')}" for kind, n in tally.items() if n])


def _facts(measured: Measured) -> list[tuple[str, str, str]]:
    model = measured.model
    before, after = _row_bytes(measured), 4 * model.latent_dim_
    parameters = sum(p.numel() for p in model.network_.parameters())
    trained = max((entry["epoch"] for entry in model.history_), default=0)
    squeezed = [
        ("Latent", count(model.latent_dim_, "number"), "what is kept of each row"),
        ("Compression", f"{before / max(after, 1):.3g} to 1", f"{amount(before)} a row before, {amount(after)} after"),
    ]
    return [
        ("Data", row_words(measured), kinds_words(measured)),
        (
            "Rows",
            f"{len(measured.data):,}",
            f"fitted on {model.n_rows_:,}, {model.plan_.validation_rows:,} of them held out",
        ),
        *(squeezed if after else _sizes(measured)),
        ("Network", escaped(model.plan_.network), f"{parameters:,} parameters, {trained:.0f} epochs"),
        ("Seed", str(model.seed_), "the same seed and rows give the same model"),
    ]


def _sizes(measured: Measured) -> list[tuple[str, str, str]]:
    """Facts about a network without a latent."""
    by = restored.spoiled_by(measured.model)
    return [
        ("Spoiled by", by or "pairs", "drawn anew at every step" if by else "spoiled pictures with their clean form"),
        ("Size", "any", "pictures of another size are restored in overlapping tiles"),
    ]


def _row_bytes(measured: Measured) -> float:
    """Bytes that a row of the model's columns takes in memory, as it came."""
    if isinstance(measured.data, Table):
        return float(measured.data.columns.nbytes) / len(measured.data)
    return float(measured.data[:1].nbytes)
