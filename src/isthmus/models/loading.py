"""Model files to fitted estimators."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import torch

from isthmus.corruptions import Corruption, from_spec
from isthmus.errors import ModelFileError, ParameterError, UserError
from isthmus.files import container, schema
from isthmus.layout import ColumnLayout, Layout, PixelLayout
from isthmus.models import encoder_state, fitting
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.base import BaseAutoencoder
from isthmus.models.denoising import DenoisingAutoencoder
from isthmus.models.saving import HISTORY, SCHEMA, tensor_names
from isthmus.nets.build import wrap
from isthmus.nets.layers import layers_from
from isthmus.nets.network import Network
from isthmus.parameters import check
from isthmus.plan import Plan
from isthmus.train.optimizers import check_options

ESTIMATORS: dict[str, type[BaseAutoencoder]] = {
    "Autoencoder": Autoencoder,
    "DenoisingAutoencoder": DenoisingAutoencoder,
}


def load(path: str | os.PathLike[str], network: Any = None) -> Any:
    """Read a model file and return the fitted estimator.

    Parameters
    ----------
    path : a file that ``save`` wrote.
    network : for a model with a network of your own: the same pair or callable that it was fitted with, whose weights are
        then taken from the file; leave it out for all others.

    Returns
    -------
    The estimator, fitted, on the CPU.

    Raises
    ------
    ModelFileError : the file is damaged, edited, foreign, of a newer version, or holds something that a model cannot.

    Examples
    --------
    >>> import numpy as np, tempfile, isthmus
    >>> X = np.random.default_rng(0).normal(size=(100, 4))
    >>> model = isthmus.Autoencoder(2, max_epochs=1, random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/model.safetensors")
    ...     again = isthmus.load(f"{folder}/model.safetensors")
    >>> bool((again.transform(X) == model.transform(X)).all())
    True
    """
    outlined: list[Network | None] = []
    made: list[Any] = []

    def expected(spec: dict[str, Any]) -> dict[str, tuple[str, tuple[int, ...]]]:
        schema.check(spec, SCHEMA)
        made[:] = [_estimator(spec, network), _corruption(spec["corruption"])]
        outlined[:] = _outline(spec, network)
        found = {f"encoder.{name}": value for name, value in encoder_state.shapes(spec["encoder"]).items()}
        for part, outline in zip(("network", "baseline"), outlined, strict=True):
            if outline is not None:
                names = tensor_names(part, outline, custom=network is not None and part == "network")
                state = outline.state_dict().items()
                found |= {names[name]: (str(value.dtype)[6:], tuple(value.shape)) for name, value in state}
        return found

    spec, tensors = container.read(path, expected)
    model, corruption = made
    encoder = encoder_state.from_state(spec["encoder"], _part(tensors, "encoder"))
    filled = [_fill(part, tensors, name, network) for name, part in zip(("network", "baseline"), outlined, strict=True)]
    main, baseline = filled
    if main is None:
        raise ModelFileError("it holds no network.")
    model._keep(fitting.Fitted(encoder, _plan(spec["plan"]), main, baseline, spec["work"]))
    if isinstance(model, DenoisingAutoencoder):
        model.corruption_ = corruption
    model.seed_, model.n_rows_, model.n_features_in_ = spec["seed"], spec["n_rows"], spec["n_features"]
    model.notes_ = tuple(spec["notes"])
    model.history_ = [
        {key: math.nan if value is None else value for key, value in zip(HISTORY, entry, strict=True)}
        for entry in spec["history"]
    ]
    if spec["encoder"].get("names"):
        model.feature_names_in_ = np.array(spec["encoder"]["names"], dtype=object)
    return model


def _outline(spec: dict[str, Any], network: Any) -> list[Network | None]:
    shapes = encoder_state.shapes(spec["encoder"])
    plan = _plan(spec["plan"])
    empty = {name: np.broadcast_to(np.array(0.5, dtype), shape) for name, (dtype, shape) in shapes.items()}
    layout = encoder_state.from_state(spec["encoder"], empty).layout
    _check_network(spec, plan, layout)
    if plan.network == "custom":
        if network is None:
            raise ModelFileError(
                "it holds the weights of a user's own network; load it with isthmus.load(path, network=...)."
            )
        main = wrap(network, layout, plan.latent_dim, squash=plan.output == "sigmoid")
    else:
        if network is not None:
            raise ParameterError("this model has a network of isthmus's own; load it without network=.")
        main = fitting.outline_for(plan, layout)
    return [main, fitting.outline_baseline(plan, layout) if spec["baseline"] else None]


def _check_network(spec: dict[str, Any], plan: Plan, layout: Layout) -> None:
    """What the schema cannot say: which kinds of network go with which layouts and sizes."""
    restores = plan.network == "unet"
    agree = [
        restores == (plan.latent_dim == 0),
        not restores or (isinstance(layout, PixelLayout) and bool(plan.hidden_dims) and not spec["baseline"]),
        (plan.network == "layers") == (plan.layers is not None),
        plan.network != "conv1d" or (isinstance(layout, ColumnLayout) and layout.only_numbers),
        not restores or spec["estimator"] == "DenoisingAutoencoder",
        plan.network != "custom" or plan.members == 1,
    ]
    if not all(agree):
        raise ModelFileError("its network does not agree with its data; the file was edited or damaged.")


def _fill(made: Network | None, tensors: dict[str, Any], part: str, network: Any) -> Network | None:
    if made is None:
        return None
    names = tensor_names(part, made, custom=network is not None and part == "network")
    made = made.to_empty(device="cpu") if any(p.is_meta for p in made.parameters()) else made
    made.load_state_dict({name: torch.from_numpy(tensors[key]) for name, key in names.items()})
    return made.eval()


def _part(tensors: dict[str, Any], part: str) -> dict[str, Any]:
    return {name.removeprefix(f"{part}."): value for name, value in tensors.items() if name.startswith(f"{part}.")}


def _estimator(spec: dict[str, Any], network: Any) -> Any:
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in spec["parameters"].items()
    }
    given["optimizer_options"] = _with_tuples(given["optimizer_options"])
    try:
        if isinstance(given.get("corruption"), tuple):
            given["corruption"] = _corruption(spec["parameters"]["corruption"])
        model = ESTIMATORS[spec["estimator"]](**given)
        check(model)
        check_options(model.optimizer, model.optimizer_options)
        if isinstance(model.network, dict):
            layers_from(model.network)
    except UserError as error:
        raise ModelFileError(str(error)) from error
    if network is not None:
        model.network = network
    return model


def _corruption(spec: list[dict[str, Any]] | None) -> Corruption | None:
    try:
        return None if spec is None else from_spec(spec)
    except ParameterError as error:
        raise ModelFileError(f"its corruption cannot be made: {error}") from error


def _plan(spec: dict[str, Any]) -> Plan:
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in spec.items()}
    options = _with_tuples(values["optimizer_options"])
    try:
        check_options(values["optimizer"], options)
        layers = None if values["layers"] is None else layers_from(values["layers"])
    except ParameterError as error:
        raise ModelFileError(f"its plan cannot be carried out: {error}") from error
    return Plan(**{**values, "layers": layers, "optimizer_options": options, "device": "cpu"})


def _with_tuples(options: dict[str, Any] | None) -> dict[str, Any] | None:
    """Settings of an optimizer as a user gives them, where JSON has lists."""
    if options is None:
        return None
    return {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}
