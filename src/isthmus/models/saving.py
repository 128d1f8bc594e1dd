"""Fitted estimators to model files and back: one safetensors file, its JSON a closed schema.

Nothing in a file is run, imported or opened. The names, types and shapes of all tensors follow from the JSON (the network
is outlined without memory), and the reader compares them with the file's before it takes any.
"""

from __future__ import annotations

import dataclasses
import math
import os
from typing import Any

import numpy as np
import torch
from torch import nn

from isthmus.corrupting.kinds import MOST_PARTS
from isthmus.files import container, schema
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
_UNSAVED = ("callbacks", "device", "progress")


def _parameters(owner: type) -> Object:
    names = [f.name for f in dataclasses.fields(owner) if f.name not in _UNSAVED]
    return Object({name: _SPECIAL.get(name, _VALUE) for name in names})


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
    "estimator", {name: Object({"parameters": _parameters(owner), **_FITTED}) for name, owner in PARAMETERS.items()}
)
HISTORY = ("epoch", "training_loss", "validation_loss", "learning_rate", "kept")


def save(model: Any, path: str | os.PathLike[str]) -> None:
    """Write ``model`` as one file; `isthmus.load` reads it."""
    encoder_spec, arrays = encoder_state.to_state(model.encoder_)
    tensors = {f"encoder.{name}": array for name, array in arrays.items()}
    for part, network in (("network", model.network_), ("baseline", model.baseline_)):
        if network is not None:
            names = tensor_names(part, network, custom=model.plan_.network == "custom" and part == "network")
            values = fitting.state_of(network)
            tensors |= {names[name]: value for name, value in values.items()}
    spec = {
        "estimator": type(model).__name__,
        "parameters": _parameters_spec(model),
        "encoder": encoder_spec,
        "plan": {name: _plain(value) for name, value in dataclasses.asdict(model.plan_).items()},
        "corruption": None if (used := getattr(model, "corruption_", None)) is None else used.to_spec(),
        "baseline": model.baseline_ is not None,
        "work": model._work,
        "seed": model.seed_,
        "n_rows": model.n_rows_,
        "n_features": model.n_features_in_,
        "history": [[_plain(entry.get(key, math.nan)) for key in HISTORY] for entry in model.history_],
        "notes": [note[:2_000] for note in model.notes_],
        "versions": versions(),
    }
    schema.check(spec, SCHEMA)
    container.write(path, spec, tensors)


def versions() -> dict[str, str]:
    """Versions that a file was written with."""
    return {"isthmus": __version__, "torch": torch.__version__.split("+")[0]}


def tensor_names(part: str, network: nn.Module, *, custom: bool) -> dict[str, str]:
    """State name to tensor name; a user's own names may hold anything, so theirs are numbered."""
    names = list(network.state_dict())
    return {name: f"{part}.{i:04d}" if custom else f"{part}.{name}" for i, name in enumerate(names)}


def _parameters_spec(model: Any) -> dict[str, Any]:
    """The parameters as JSON: what only Python can hold is left at its default."""
    names = [f.name for f in dataclasses.fields(PARAMETERS[type(model).__name__]) if f.name not in _UNSAVED]
    spec = {name: _plain(getattr(model, name)) for name in names if name != "corruption"}
    layers = model.plan_.layers
    spec["network"] = model.network if isinstance(model.network, str) else "auto"
    spec["network"] = spec["network"] if layers is None else _plain(dataclasses.asdict(layers))
    if "corruption" in names:
        spec["corruption"] = "auto" if isinstance(model.corruption, str) else model.corruption.to_spec() or "auto"
    spec["random_state"] = None if not isinstance(model.random_state, (int, np.integer)) else int(model.random_state)
    spec["kinds"] = None if model.kinds is None else {str(k): str(v) for k, v in model.kinds.items()}
    return spec


def _plain(value: Any) -> Any:
    """A value as JSON holds it: NaN as None, tuples as lists, NumPy's numbers as Python's."""
    if isinstance(value, (tuple, list)):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {str(key): _plain(v) for key, v in value.items()}
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
