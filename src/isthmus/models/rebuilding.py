"""A model's part of a file back to a fitted autoencoder: first what its JSON alone says, then its arrays.

`outline` takes no memory for weights: `Outline.shapes` says which arrays the file must hold, and a reader compares before
`Outline.fill` gets any.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from isthmus.corruptions import Corruption, from_spec
from isthmus.errors import ModelFileError, ParameterError, UserError
from isthmus.layout import ColumnLayout, Layout, PixelLayout
from isthmus.models import encoder_state, fitting
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.base import BaseAutoencoder
from isthmus.models.denoising import DenoisingAutoencoder
from isthmus.models.encoder_state import Shapes
from isthmus.models.model_state import HISTORY, tensor_names
from isthmus.nets.build import with_memory, wrap
from isthmus.nets.layers import layers_from
from isthmus.nets.network import Network
from isthmus.parameters import check
from isthmus.plan import Plan
from isthmus.train.optimizers import check_options

ESTIMATORS: dict[str, type[BaseAutoencoder]] = {
    "Autoencoder": Autoencoder,
    "DenoisingAutoencoder": DenoisingAutoencoder,
}


@dataclass(frozen=True)
class Outline:
    """A model without its arrays.

    Attributes
    ----------
    spec : obeys `isthmus.models.model_state.SCHEMA`.
    network : the user's own one, handed over to load; None: there is none.
    model : the estimator, not fitted yet.
    corruption : of the fit.
    plan, layout : of the model.
    parts : the network and the baseline by name, without memory; None: there is none.
    """

    spec: dict[str, Any]
    network: Any
    model: Any
    corruption: Corruption | None
    plan: Plan
    layout: Layout
    parts: dict[str, Network | None]

    def shapes(self) -> Shapes:
        """Type and shape of each array that belongs to the model."""
        found = {f"encoder.{name}": value for name, value in encoder_state.shapes(self.spec["encoder"]).items()}
        for part, made in self.parts.items():
            if made is not None:
                names, state = self._names(part, made), made.state_dict().items()
                found |= {names[name]: (str(value.dtype)[6:], tuple(value.shape)) for name, value in state}
        return found

    def fill(self, tensors: dict[str, Any]) -> Any:
        """The fitted estimator, on the CPU."""
        model, spec = self.model, self.spec
        encoder = encoder_state.from_state(spec["encoder"], part_of(tensors, "encoder"))
        main, baseline = (self._fill(part, tensors) for part in ("network", "baseline"))
        if main is None:
            raise ModelFileError("it holds no network.")
        model._keep(fitting.Fitted(encoder, self.plan, main, baseline, spec["work"]))
        if isinstance(model, DenoisingAutoencoder):
            model.corruption_ = self.corruption
        model.seed_, model.n_rows_, model.n_features_in_ = spec["seed"], spec["n_rows"], spec["n_features"]
        model.notes_ = tuple(spec["notes"])
        model.history_ = [
            {key: math.nan if value is None else value for key, value in zip(HISTORY, entry, strict=True)}
            for entry in spec["history"]
        ]
        if spec["encoder"].get("names"):
            model.feature_names_in_ = np.array(spec["encoder"]["names"], dtype=object)
        return model

    def _fill(self, part: str, tensors: dict[str, Any]) -> Network | None:
        made = self.parts[part]
        if made is None:
            return None
        names = self._names(part, made)
        made = with_memory(made) if any(p.is_meta for p in made.parameters()) else made
        made.load_state_dict({name: torch.from_numpy(tensors[key]) for name, key in names.items()})
        return made.eval()

    def _names(self, part: str, made: Network) -> dict[str, str]:
        return tensor_names(part, made, custom=self.network is not None and part == "network")


def outline(spec: dict[str, Any], network: Any) -> Outline:
    """What ``spec`` alone says of a model.

    Parameters
    ----------
    spec : obeys `isthmus.models.model_state.SCHEMA`.
    network : the user's own one; None: there is none.
    """
    model, corruption = estimator_of(spec, network), _corruption(spec["corruption"])
    shapes, plan = encoder_state.shapes(spec["encoder"]), _plan(spec["plan"])
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
    baseline = fitting.outline_baseline(plan, layout) if spec["baseline"] else None
    return Outline(spec, network, model, corruption, plan, layout, {"network": main, "baseline": baseline})


def part_of(tensors: dict[str, Any], part: str) -> dict[str, Any]:
    """The arrays of one part, by their names in it."""
    return {name.removeprefix(f"{part}."): value for name, value in tensors.items() if name.startswith(f"{part}.")}


def estimator_of(spec: dict[str, Any], network: Any) -> Any:
    """The estimator with the parameters of ``spec``, not fitted."""
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
