"""What the loss curves say: whether they part, and whether training ended too early.

In: a history, one dict per epoch. Out: a sentence with what to do, or nothing.
"""

from __future__ import annotations

import math

from isthmus.views.words import percent

History = list[dict[str, float]]
RISE = 1.1
"""Last validation error over the best from which on the curves are said to part."""
GAP = 0.25
"""Share of the validation error that the gap to the training error must be over, and growing."""
STILL_FALLING = 0.02
"""Share by which validation fell in the last tenth of the epochs from which on more epochs are advised."""


def parting(history: History) -> str:
    """A warning where the curves of training and validation part; else nothing.

    They part where validation ends over 1.1 times its best, or where the gap from training to validation ends over a
    quarter of the validation error and wider than half-way.

    >>> falling = [{"epoch": e, "training_loss": 1 / e, "validation_loss": 1.1 / e} for e in range(1, 9)]
    >>> parting(falling)
    ''
    >>> parting([{**entry, "validation_loss": 1.0} for entry in falling])[:16]
    'The curves part:'
    """
    trained = [entry for entry in history if entry["epoch"] > 0 and math.isfinite(entry["training_loss"])]
    if len(trained) < 3:
        return ""
    last, middle = trained[-1], trained[len(trained) // 2]
    best = min(entry["validation_loss"] for entry in history if not math.isnan(entry["validation_loss"]))
    reasons = []
    if last["validation_loss"] > RISE * best:
        reasons.append(f"validation ended {percent(last['validation_loss'] / best - 1)} above its best")
    gap = _gap(last)
    if gap > GAP * last["validation_loss"] and gap > _gap(middle):
        share = percent(gap / last["validation_loss"])
        reasons.append(f"training ended {share} below validation, and the gap was growing")
    if not reasons:
        return ""
    return (
        f"The curves part: {' and '.join(reasons)}. The network learns its training rows by heart; new rows gain less. The "
        "kept weights are those of the best validation error. More rows help most; else try a smaller hidden_dims or "
        "latent_dim, or fewer epochs."
    )


def unfinished(history: History) -> str:
    """Advice to train on, where validation was still falling at the end; else nothing."""
    if len(history) <= 3:
        return ""
    last, before = history[-1], history[-1 - max(1, len(history) // 10)]
    falling = last.get("kept") and last["validation_loss"] < (1 - STILL_FALLING) * before["validation_loss"]
    return "Validation was still falling at the end: a larger max_epochs may give a better model." if falling else ""


def _gap(entry: dict[str, float]) -> float:
    return entry["validation_loss"] - entry["training_loss"]
