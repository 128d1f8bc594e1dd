"""Classical filters beside a model that restores: figures as text, and in words which was better.

In: rows of `isthmus.restoration.compare_filters`, the model's with the name `OURS`. Out: text.
"""

from __future__ import annotations

from collections.abc import Sequence

from isthmus.models.restoring import OURS
from isthmus.restoration import Row
from isthmus.views.words import number

UNTOUCHED = "untouched"
SAME = 0.05
"""Difference in dB below which two ways are called as good."""


def cells(row: Row) -> tuple[str, str, str]:
    """MSE, PSNR and SSIM as text; a note in the place of figures that there are not.

    >>> cells(Row("median", 0.01234, 19.087, 0.5123)), cells(Row("median", note="needs scikit-image"))
    (('0.01234', '19.09 dB', '0.512'), ('needs scikit-image', '', ''))
    """
    if row.mse is None or row.psnr is None or row.ssim is None:
        return row.note, "", ""
    return number(row.mse), f"{row.psnr:.2f} dB", f"{row.ssim:.3f}"


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
    return f"The best filter ({best}) is {-ahead:.1f} dB better than the model, and needs no training: use that."
