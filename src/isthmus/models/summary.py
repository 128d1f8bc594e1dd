"""What a fitted estimator says of itself: text for a terminal, a table for a notebook."""

from __future__ import annotations

import dataclasses
import html
from typing import Any

from torch import nn

from isthmus.conformal import expected_false_alarms
from isthmus.nets.build import multiply_adds


def as_text(model: Any) -> str:
    """The plan, the layers, the parameters, the memory and what came of the fit."""
    lines = [f"{type(model).__name__}: {_sizes(model)}", ""]
    lines += ["plan"] + [f"  {name:<18} {value}" for name, value in plan_rows(model.plan_)]
    lines += ["", "layers"] + [f"  {name:<28} {words:>34} {n:>12,}" for name, words, n in layer_rows(model.network_)]
    n_parameters = sum(p.numel() for p in model.network_.parameters())
    work = multiply_adds(model.network_, model.encoder_.layout.input_shape) * model.plan_.members
    lines += [
        "",
        f"parameters           {n_parameters:,} ({n_parameters * 4 / 2**20:.1f} MiB in float32)",
        f"multiply-adds a row  {work:,}",
        f"rows in a block      {model.block_rows_:,}",
    ]
    if model.history_:
        lines += ["", outcome(model)]
    lines += [f"note: {note}" for note in model.notes_]
    return "\n".join(lines)


def as_html(model: Any) -> str:
    """A small table for notebooks."""
    cells = "".join(
        f"<tr><th style='text-align:left'>{html.escape(name)}</th><td style='text-align:left'>{html.escape(value)}</td></tr>"
        for name, value in [("data", _sizes(model)), ("result", outcome(model)), *plan_rows(model.plan_)]
    )
    return f"<details open><summary><b>{type(model).__name__}</b> (fitted)</summary><table>{cells}</table></details>"


def of_detector(detector: Any, *, apart: bool) -> str:
    """The threshold, what it promises, the notes, and the model inside; ``apart``: the model saw no row that set the threshold."""
    found, n = (
        expected_false_alarms(detector.calibration_scores_, detector.threshold_),
        len(detector.calibration_scores_),
    )
    held = detector.scorer_.shape.n_reference
    aside = f"{n:,} rows set the threshold" if apart else "none of them set aside for the threshold"
    lines = [
        f"AnomalyDetector: {detector.n_rows_:,} rows, {aside}",
        "",
        f"threshold            {detector.threshold_:.4g} by the rule {detector.rule_.words()}",
        f"expected             {found.words if apart else 'not known: no rows were set aside'}",
        f"known rows kept      {held:,} as neighbours, also in a saved file" if held else "known rows kept      none",
        *(f"note: {note}" for note in detector.notes_),
        "",
        f"model inside         {detector.model_!r}",
        as_text(detector.model_),
    ]
    return "\n".join(lines)


def outcome(model: Any) -> str:
    """One sentence on the validation error of the start and of the kept weights."""
    if not model.history_:
        return "not trained"
    first, best = model.history_[0], best_epoch(model.history_)
    if first["epoch"] > 0:
        kept = sum(1 for entry in model.history_ if entry.get("kept"))
        error = f"; error {best['validation_loss']:.4f} on the rows of the last of them" if kept else ""
        return f"{kept} of {len(model.history_)} passes made the network better{error}"
    start = "PCA (epoch 0)" if model.plan_.anchored and not model.warm_start else "the start (epoch 0)"
    if best["epoch"] == 0:
        return f"validation error {first['validation_loss']:.4f}: {start} was kept, nothing surely better was found"
    before, after = first["validation_loss"], best["validation_loss"]
    return f"validation error {after:.4f} after epoch {best['epoch']:.0f}, {start}: {before:.4f}"


def latent_words(latent_dim: int) -> str:
    """The size of a latent, or that there is none.

    >>> latent_words(16), latent_words(0)
    ('latent size 16', 'no latent')
    """
    return f"latent size {latent_dim}" if latent_dim else "no latent"


def size_of_pca(plan: Any) -> str:
    """The size of the PCA beside a network, in words; of several members each has as many numbers as it."""
    return "the same latent size" if plan.members == 1 else "the latent size of one member"


def best_epoch(history: list[dict[str, float]]) -> dict[str, float]:
    """The last entry whose weights were kept; of partial fits there may be several."""
    return next((entry for entry in reversed(history) if entry.get("kept")), history[0])


def plan_rows(plan: Any) -> list[tuple[str, str]]:
    """Name and value of each choice, as text."""
    said = {f.name: getattr(plan, f.name) for f in dataclasses.fields(plan) if f.name != "notes"}
    unsaid: tuple[Any, ...] = (None, (), {})
    if not plan.crop:
        del said["crop"]
    if plan.members == 1:
        del said["members"]
    return [(name, _value(value)) for name, value in said.items() if value not in unsaid or name == "patience"]


def layer_rows(network: nn.Module) -> list[tuple[str, str, int]]:
    """Name, form and number of parameters of each layer that has any."""
    rows = []
    for name, module in network.named_modules():
        n = sum(p.numel() for p in module.parameters(recurse=False))
        if n:
            rows.append((name, str(module).split(", bias")[0].removesuffix(")") + ")", n))
    return rows


def _sizes(model: Any) -> str:
    shape = " x ".join(str(n) for n in model.encoder_.layout.input_shape)
    return f"{model.n_rows_:,} rows of {shape} encoded values, {latent_words(model.latent_dim_)}"


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(_value(v) for v in value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
