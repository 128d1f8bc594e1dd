"""A fitted autoencoder as plain JSON and arrays: its part of a model file. The way back is `isthmus.models.rebuilding`.

`SCHEMA` is what the JSON must look like; what it must mean besides is checked on the way back.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import torch
from torch import nn

from isthmus.corrupting.kinds import MOST_PARTS
from isthmus.files import schema
from isthmus.files.schema import Either, Enum, Flag, List, Null, Number, Object, Text
from isthmus.models import encoder_state, fitting
from isthmus.parameters import (
    ACTIVATIONS,
    MOST,
    MOST_MEMBERS,
    OPTIMIZERS,
    SCALINGS,
    AutoencoderParameters,
    DenoisingParameters,
)  # fmt: skip
from isthmus.version import __version__

_SIZE = Number(1, MOST, integer=True)
_COUNT = Number(0, 2**53, integer=True)
_TEXT = Text(2_000)
_OPTIONS = schema.Map(Either((Flag(), Number(), List(Number(), 4))), 20, Text(50))
_LAYERS = Object({"encoder": List(Text(200), 200), "decoder": List(Text(200), 200), "initializer": Text(50)})
_PLAN = Object(
    {
        "network": Enum(("dense", "conv", "conv1d", "unet", "layers", "custom")),
        "latent_dim": Number(0, MOST, integer=True),
        "hidden_dims": List(_SIZE, 64),
        "activation": Enum(ACTIVATIONS),
        "output": Enum(("linear", "sigmoid")),
        "scaling": Enum(SCALINGS[1:]),
        "loss": Enum(("mse", "mae", "huber", "bce")),
        "anchored": Flag(),
        "optimizer": Enum(OPTIMIZERS),
        "learning_rate": Number(0),
        "linear_share": Number(0),
        "betas": List(Number(0, 1), 2, 2),
        "weight_decay": Number(0),
        "clip_norm": Either((Null(), Number(0))),
        "warmup": Number(0, 1),
        "batch_size": _SIZE,
        "max_epochs": _COUNT,
        "patience": Either((Null(), _COUNT)),
        "validation_rows": _COUNT,
        "precision": Enum(("float32", "bfloat16")),
        "device": Enum(("cpu", "cuda", "mps")),
        "schedule": Enum(("anneal", "constant")),
        "keep": Enum(("best", "last")),
        "optimizer_options": _OPTIONS,
        "layers": Either((Null(), _LAYERS)),
        "crop": _COUNT,
        "trim": Number(0, 0.5),
        "members": Number(1, MOST_MEMBERS, integer=True),
        "notes": List(_TEXT, 100),
    }
)
_VALUE = Either((Null(), Flag(), Number(), Text(200), List(Number(), 64), schema.Map(Text(20), 100_000)))
_CORRUPTION = List(
    schema.Map(Either((Null(), Flag(), Number(), Text(1_000), List(Number(), 8))), 20, Text(50)), MOST_PARTS
)
_SPECIAL = {
    "network": Either((Text(200), _LAYERS)),
    "optimizer_options": Either((Null(), _OPTIONS)),
    "corruption": Either((Text(200), _CORRUPTION)),
}
UNSAVED = ("callbacks", "device", "progress", "run_dir", "checkpoint_seconds", "fresh", "resume_from")
"""Parameters that say how a fit runs, not what comes of it."""


def parameters_rule(owner: type, unsaved: tuple[str, ...] = UNSAVED) -> Object:
    """What the saved parameters of ``owner`` must look like."""
    return Object({name: _SPECIAL.get(name, _VALUE) for name in saved_names(owner, unsaved)})


def saved_names(owner: type, unsaved: tuple[str, ...] = UNSAVED) -> list[str]:
    """The parameters of ``owner`` that a file holds."""
    return [f.name for f in dataclasses.fields(owner) if f.name not in unsaved]


_EPOCH = List(Either((Null(), Number())), 5, 5)
_FITTED: dict[str, schema.Rule] = {
    "encoder": encoder_state.SCHEMA,
    "plan": _PLAN,
    "corruption": Either((Null(), _CORRUPTION)),
    "baseline": Flag(),
    "work": _COUNT,
    "seed": Number(0, 2**63, integer=True),
    "n_rows": _COUNT,
    "n_features": _COUNT,
    "history": List(_EPOCH, 1_000_000),
    "notes": List(_TEXT, 1_000),
    "versions": schema.Map(Text(50), 20),
}
PARAMETERS = {"Autoencoder": AutoencoderParameters, "DenoisingAutoencoder": DenoisingParameters}
SCHEMA = schema.Tagged(
    "estimator", {name: Object({"parameters": parameters_rule(owner), **_FITTED}) for name, owner in PARAMETERS.items()}
)
HISTORY = ("epoch", "training_loss", "validation_loss", "learning_rate", "kept")


def to_state(model: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The JSON and the arrays of a fitted ``model``."""
    encoder_spec, arrays = encoder_state.to_state(model.encoder_)
    tensors = {f"encoder.{name}": array for name, array in arrays.items()}
    for part, network in (("network", model.network_), ("baseline", model.baseline_)):
        if network is not None:
            names = tensor_names(part, network, custom=model.plan_.network == "custom" and part == "network")
            values = fitting.state_of(network)
            tensors |= {names[name]: value for name, value in values.items()}
    spec = {
        "estimator": type(model).__name__,
        "parameters": _model_parameters(model),
        "encoder": encoder_spec,
        "plan": {name: plain(value) for name, value in dataclasses.asdict(model.plan_).items()},
        "corruption": None if (used := getattr(model, "corruption_", None)) is None else used.to_spec(),
        "baseline": model.baseline_ is not None,
        "work": model._work,
        "seed": model.seed_,
        "n_rows": model.n_rows_,
        "n_features": model.n_features_in_,
        "history": [[plain(entry.get(key, math.nan)) for key in HISTORY] for entry in model.history_],
        "notes": [note[:2_000] for note in model.notes_],
        "versions": versions(),
    }
    return spec, tensors


def versions() -> dict[str, str]:
    """Versions that a file was written with."""
    return {"isthmus": __version__, "torch": torch.__version__.split("+")[0]}


def tensor_names(part: str, network: nn.Module, *, custom: bool) -> dict[str, str]:
    """State name to tensor name; a user's own names may hold anything, so theirs are numbered."""
    names = list(network.state_dict())
    return {name: f"{part}.{i:04d}" if custom else f"{part}.{name}" for i, name in enumerate(names)}


def parameters_spec(estimator: Any, names: list[str]) -> dict[str, Any]:
    """Parameters as JSON; a generator of random numbers is left out."""
    spec = {name: plain(getattr(estimator, name)) for name in names}
    spec["random_state"] = seed_of(estimator.random_state)
    return spec


def seed_of(random_state: Any) -> int | None:
    """A seed as JSON; None for what only Python can hold."""
    return int(random_state) if isinstance(random_state, (int, np.integer)) else None


def _model_parameters(model: Any) -> dict[str, Any]:
    """The parameters as JSON: what only Python can hold is left at its default."""
    names = saved_names(PARAMETERS[type(model).__name__])
    spec = parameters_spec(model, [name for name in names if name != "corruption"])
    layers = model.plan_.layers
    spec["network"] = model.network if isinstance(model.network, str) else "auto"
    spec["network"] = spec["network"] if layers is None else plain(dataclasses.asdict(layers))
    if "corruption" in names:
        spec["corruption"] = "auto" if isinstance(model.corruption, str) else model.corruption.to_spec() or "auto"
    spec["kinds"] = None if model.kinds is None else {str(k): str(v) for k, v in model.kinds.items()}
    return spec


def plain(value: Any) -> Any:
    """A value as JSON holds it: NaN as None, tuples as lists, NumPy's numbers as Python's."""
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {str(key): plain(v) for key, v in value.items()}
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
