"""What a model restores: the section of the report, and the classical filters beside it as text.

In: what was measured; rows of `isthmus.restoration.compare_filters`, the model's with the name `OURS`. Out: a `Section`, text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from isthmus.corruptions import to_text
from isthmus.filters import evenly
from isthmus.models.restoring import LARGEST, OURS, filters_beside, most_filtered, noise_of
from isthmus.models.summary import best_epoch, size_of_pca
from isthmus.restoration import Row
from isthmus.views import baseline, page
from isthmus.views.measured import Measured
from isthmus.views.pictures import strip
from isthmus.views.sections import Section, error_words, how_to_read, worst_strip
from isthmus.views.words import count, escaped, number, percent

UNTOUCHED = "untouched"
SAME = 0.05
"""Difference in dB below which two ways are called as good."""


def spoiled_by(model: Any) -> str:
    """What spoiled the rows of training, as it is typed and escaped; nothing where they came spoiled."""
    if model.corruption_ is None:
        return ""
    return escaped(to_text(model.corruption_) or repr(model.corruption_), 200)


def restoration(measured: Measured) -> Section:
    """How much of the damage is undone; of pictures a strip, and classical filters beside the model."""
    if measured.untouched is None:
        body = page.paragraph(_of_rows(measured), "lead") + page.paragraph(_how(measured))
        body += page.paragraph(_too_far(measured), "warning")
        return Section("restoration", "Restoration", body)
    ours, before = measured.ours.mean, measured.untouched.mean
    longest = max(ours, before) or 1.0
    bars = page.bars([
        ("Spoiled", "spoiled", before / longest, error_words(measured, before)),
        ("Restored", "ours", ours / longest, error_words(measured, ours)),
    ])  # fmt: skip
    shown, rows = strip(measured, measured.spread, "restored"), _beside_filters(measured)
    body = (
        page.paragraph(_verdict(ours, before), "verdict")
        + page.paragraph(in_words(rows) if rows else "", "lead")
        + page.paragraph(_how(measured))
        + page.paragraph(_too_far(measured), "warning")
        + bars
        + page.paragraph(how_to_read(measured), "fine")
        + page.paragraph(_held_out(measured))
        + page.paragraph(
            f"{count(len(shown.index), 'picture')} at equal distances through the rows: clean, spoiled, restored by the model, and "
            "what a median filter makes of the spoiled."
        )
        + page.strips(shown)
        + _filters(measured, rows)
        # With PCA the section against it says this.
        + (page.paragraph(baseline.in_own_unit(measured)) if measured.pca is None else "")
    )
    return Section("restoration", "Restoration", body, (), (shown,))


def worst(measured: Measured) -> Section:
    """The pictures that are restored least well."""
    shown = worst_strip(measured)
    unit = "mean squared error" if measured.raw_errors else "unexplained share"
    words = (
        f"The pictures that are restored least well, each with its row number (the first is 1) and its {unit}: rare ones, and "
        "those that lost most."
    )
    return Section("pictures", "The worst", page.paragraph(words) + page.strips(shown), (), (shown,))


def _verdict(ours: float, before: float) -> str:
    if not before:
        return "Nothing was spoiled"
    ratio = ours / before
    return f"{percent(1 - ratio)} of the error gone" if ratio < 1 else "No better than leaving it alone"


def _how(measured: Measured) -> str:
    """What was measured, in words."""
    noun = "picture" if measured.pictures else "row"
    by = spoiled_by(measured.model)
    if measured.given_spoiled:
        first = f"Each spoiled {noun} that was given was restored by the model, and the result compared with its clean form."
    else:
        first = f"Each clean {noun} was spoiled by {by}, restored by the model, and the result compared with the clean {noun}."
    return f"{first} Every error in this report is measured in this way, none on clean {noun}s as they are."


def _of_rows(measured: Measured) -> str:
    ours = error_words(measured, measured.ours.mean)
    theirs = (
        ""
        if measured.theirs is None
        else f" (PCA at {size_of_pca(measured.model.plan_)}: {error_words(measured, measured.theirs.mean)})"
    )
    what = "The mean squared error of restored rows is" if measured.raw_errors else "Restored rows miss"
    rest = "" if measured.raw_errors else " of what the clean ones hold"
    return f"{what} {ours}{rest}{theirs}."


def _too_far(measured: Measured) -> str:
    """A warning where the mean would have been a better guess, or nothing."""
    if measured.raw_errors or measured.ours.mean <= 1:
        return ""
    guesses = (
        "" if measured.pictures else " A few guesses of a category that are sure and wrong can make it so; see Columns."
    )
    return f"An error above 100\xa0% is worse than always guessing the average.{guesses}"


def _held_out(measured: Measured) -> str:
    """The same for the rows that the fit held out, which the weights were not made from; where errors are alike."""
    model = measured.model
    plan, history = model.plan_, model.history_
    if plan.loss != "mse" or not plan.validation_rows or model.latent_dim_ or not history or history[0]["epoch"]:
        return ""
    # Epoch 0 of a network without a latent leaves pictures as they are.
    kept, before = best_epoch(history)["validation_loss"], history[0]["validation_loss"]
    pictures = count(plan.validation_rows, "picture")
    return (
        f"On the {pictures} held out in the fit: {error_words(measured, before)} spoiled, {error_words(measured, kept)} restored. "
        "That is the fairer figure if the pictures of this report were used to fit the model."
    )


def _beside_filters(measured: Measured) -> list[Row]:
    """Classical filters and the model on some of the pictures; nothing where pixels are missing."""
    trial, data = measured.trial, measured.data
    if trial is None or not isinstance(data, np.ndarray):
        return []
    index = evenly(len(data), most_filtered(data[0].size))
    part = (trial.spoiled(index), data[index], trial.restored(index))
    return filters_beside(measured.model, [part], by_model=not measured.given_spoiled)


def _filters(measured: Measured, rows: Sequence[Row]) -> str:
    """The table of classical filters."""
    if not rows:
        return page.paragraph("The pictures have missing pixels, so classical filters were not run on them.")
    used, large = max(row.pictures for row in rows), max(measured.model.encoder_.center.shape[1:]) > LARGEST
    of = f" of {len(measured.data):,}" if used < len(measured.data) else ""
    where = f", over their middle {LARGEST}\xa0×\xa0{LARGEST} pixels" if large else ""
    table = page.table(("", "PSNR", "SSIM", "MSE"), [(row.name, *cells(row)) for row in rows])
    words = (
        f"On {count(used, 'picture')}{of}{where}. PSNR and SSIM: higher is better; MSE, the mean squared error in the pictures' "
        "own unit: lower is better. The filters need no training; "
    )
    told = not measured.given_spoiled and noise_of(measured.model, 1.0) is not None
    words += (
        "they were told how strong the noise is."
        if told
        else "they are made for noise, were told nothing of what spoiled these pictures, and know of no other damage."
    )
    return f"<h3>Beside classical filters</h3>{table}{page.paragraph(words, 'fine')}"


def cells(row: Row) -> tuple[str, str, str]:
    """PSNR, SSIM and MSE as text; a note in the place of figures that there are not.

    >>> cells(Row("median", 0.01234, 19.087, 0.5123)), cells(Row("median", note="needs scikit-image"))
    (('19.09 dB', '0.512', '0.01234'), ('needs scikit-image', '', ''))
    """
    if row.mse is None or row.psnr is None or row.ssim is None:
        return row.note, "", ""
    return f"{row.psnr:.2f} dB", f"{row.ssim:.3f}", number(row.mse)


def in_words(rows: Sequence[Row]) -> str:
    """Which is best, by PSNR: the model, the best filter, or leaving the pictures as they are.

    >>> in_words([Row("untouched", 0.1, 10.0, 0.2), Row("median", 0.05, 13.0, 0.3), Row("this model", 0.01, 20.0, 0.9)])
    'The model is 7.0 dB better than the best filter (median), and 10.0 dB better than the spoiled pictures.'
    """
    known = {row.name: row.psnr for row in rows if row.psnr is not None}
    ours, before = known.pop(OURS), known.pop(UNTOUCHED)
    if ours <= before + SAME:
        return "The model is no better than leaving the pictures as they are."
    gained = f"{ours - before:.1f} dB better than the spoiled pictures"
    if not known:
        return f"The model is {gained}."
    best = max(known, key=known.__getitem__)
    ahead = ours - known[best]
    if ahead > SAME:
        return f"The model is {ahead:.1f} dB better than the best filter ({best}), and {gained}."
    if ahead > -SAME:
        return f"The model is as good as the best filter ({best}), which needs no training; it is {gained}."
    return f"The best filter ({best}) is {-ahead:.1f} dB better than the model, and needs no training: use it, or train longer."
