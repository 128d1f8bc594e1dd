"""Weights moved into one piece of memory, and optimizers over it: one call moves them all.

Every optimizer of isthmus treats each number by itself, so it does not matter to it where one layer's weights end. The formulas
are those of `isthmus.train.optimizers.OPTIMIZERS`, which `tests/train/test_steps.py` holds them against; here they work in place
and without their classes, which make memory anew in each step and load torch's compiler first, for longer than a small fit takes.
"""

from __future__ import annotations

import copy
import inspect
import math
from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from isthmus.errors import ParameterError
from isthmus.nets.memory import Memory
from isthmus.plan import Plan
from isthmus.train.optimizers import OPTIMIZERS, Group, give_back, groups_of, kept_by, make_optimizer, set_rate


class Flat:
    """The weights of a group as views of one tensor, and their gradients likewise, until `close`.

    Attributes
    ----------
    group : ``weights`` is the one tensor with all of them.
    gradient : that of all.
    """

    def __init__(self, group: Group) -> None:
        self._weights = group.weights
        whole = nn.Parameter(torch.cat([weight.detach().flatten() for weight in group.weights]))
        self.gradient = whole.grad = torch.zeros_like(whole)
        self.group = Group([whole], group.share, group.decay)
        sizes = [weight.numel() for weight in group.weights]
        parts = zip(group.weights, whole.detach().split(sizes), self.gradient.split(sizes), strict=True)
        for weight, value, gradient in parts:
            weight.data, weight.grad = value.view_as(weight), gradient.view_as(weight)

    def close(self) -> None:
        """Give each weight memory of its own again, and no gradient."""
        for weight in self._weights:
            weight.data, weight.grad = weight.detach().clone(), None


class Halves:
    """A network's weights and gradients in bfloat16, for products that are several times as fast; the weights proper stay float32.

    Steps are too small for the 8 digits of bfloat16, so they are made in float32 (Micikevicius et al. 2018, section 3.1).

    Attributes
    ----------
    network : a copy of the network that computes in bfloat16.
    """

    def __init__(self, network: nn.Module, flats: list[Flat], plan: Plan) -> None:
        self.network = copy.deepcopy(network)
        for weight in self.network.parameters():
            weight.data = weight.data.bfloat16()
        self._pairs = list(zip(flats, [Flat(group) for group in groups_of(self.network, plan)], strict=True))

    def take_weights(self) -> None:
        """Round the weights anew."""
        for whole, half in self._pairs:
            half.group.weights[0].data.copy_(whole.group.weights[0].data)

    def give_gradients(self) -> None:
        """Hand what `backward` of the copy wrote to the weights proper."""
        for whole, half in self._pairs:
            whole.gradient.copy_(half.gradient)


def flat_optimizer(flats: list[Flat], plan: Plan) -> FlatRule | FlatOptimizer:
    """What moves the weights as the plan says."""
    rule = RULES.get(plan.optimizer)
    return FlatOptimizer(flats, plan) if rule is None else rule(flats, plan)


class FlatOptimizer:
    """The plan's optimizer, as torch has it."""

    def __init__(self, flats: list[Flat], plan: Plan) -> None:
        self._optimizer = make_optimizer([flat.group for flat in flats], plan)

    def step(self, rate: float) -> None:
        """Move all weights by their gradients."""
        set_rate(self._optimizer, rate)
        self._optimizer.step()

    def tensors(self) -> dict[str, Tensor]:
        """What it keeps from step to step."""
        return kept_by(self._optimizer)

    def put_back(self, tensors: dict[str, Tensor]) -> None:
        """Go on from what `tensors` gave."""
        give_back(self._optimizer, tensors)


class FlatRule(ABC):
    """An optimizer's formula over each group's one tensor."""

    names: tuple[str, ...]
    """Of the tensors that it keeps from step to step, beside each weight."""

    def __init__(self, flats: list[Flat], plan: Plan) -> None:
        self._groups = [flat.group for flat in flats]
        self._options = _options(plan)
        self._memory = Memory()
        self._kept = [self._start(flat.group.weights[0].detach()) for flat in flats]

    def _start(self, weights: Tensor) -> dict[str, Tensor]:
        return {name: torch.zeros_like(weights) for name in self.names}

    def step(self, rate: float) -> None:
        """Move all weights by their gradients."""
        for group, kept in zip(self._groups, self._kept, strict=True):
            (whole,) = group.weights
            assert whole.grad is not None  # `Flat` made it
            self._move(whole.data, whole.grad, kept, group.share * rate, group.decay)

    def tensors(self) -> dict[str, Tensor]:
        """What it keeps from step to step."""
        return {f"{n}.{name}": value for n, kept in enumerate(self._kept) for name, value in kept.items()}

    def put_back(self, tensors: dict[str, Tensor]) -> None:
        """Go on from what `tensors` gave."""
        for name, value in self.tensors().items():
            value.copy_(tensors[name])

    @abstractmethod
    def _move(self, weights: Tensor, gradient: Tensor, kept: dict[str, Tensor], rate: float, decay: float) -> None:
        """Move ``weights`` by their ``gradient``, and what is ``kept`` of them along."""


class FlatAdam(FlatRule):
    """Adam with decoupled weight decay (Kingma, Ba 2015; Loshchilov, Hutter 2019), torch's kernel."""

    names = ("mean", "square")

    def _start(self, weights: Tensor) -> dict[str, Tensor]:
        return {**super()._start(weights), "steps": torch.zeros((), dtype=torch.float32, device=weights.device)}

    def _move(self, weights: Tensor, gradient: Tensor, kept: dict[str, Tensor], rate: float, decay: float) -> None:
        kept["steps"].add_(1)
        first, second = self._options["betas"]
        # Not `torch.optim.adamw.adamw`, which ends here: its checks take longer than a small network's whole move.
        torch._fused_adamw_(
            [weights], [gradient], [kept["mean"]], [kept["square"]], [], [kept["steps"]], amsgrad=False, lr=rate,
            beta1=first, beta2=second, weight_decay=decay, eps=self._options["eps"], maximize=False,
        )  # fmt: skip


class FlatAdadelta(FlatRule):
    """Adadelta (Zeiler 2012)."""

    names = ("square", "moved")

    def _move(self, weights: Tensor, gradient: Tensor, kept: dict[str, Tensor], rate: float, decay: float) -> None:
        rho, eps = self._options["rho"], self._options["eps"]
        if decay:
            gradient.add_(weights, alpha=decay)
        kept["square"].mul_(rho).addcmul_(gradient, gradient, value=1 - rho)
        root = torch.add(kept["square"], eps, out=self._memory.like(weights, "root")).sqrt_()
        move = torch.add(kept["moved"], eps, out=self._memory.like(weights, "move")).sqrt_().div_(root).mul_(gradient)
        kept["moved"].mul_(rho).addcmul_(move, move, value=1 - rho)
        weights.add_(move, alpha=-rate)


class FlatRMSpropTF(FlatRule):
    """`isthmus.train.rmsprop_tf.RMSpropTF`."""

    names = ("square",)

    def _start(self, weights: Tensor) -> dict[str, Tensor]:
        return {**super()._start(weights), "square": torch.full_like(weights, self._options["start"])}

    def _move(self, weights: Tensor, gradient: Tensor, kept: dict[str, Tensor], rate: float, decay: float) -> None:
        alpha = self._options["alpha"]
        if decay:
            gradient.add_(weights, alpha=decay)
        kept["square"].mul_(alpha).addcmul_(gradient, gradient, value=1 - alpha)
        root = torch.add(kept["square"], self._options["eps"], out=self._memory.like(weights, "root")).rsqrt_()
        weights.addcmul_(gradient, root, value=-rate)


def _options(plan: Plan) -> dict[str, Any]:
    """The settings of the plan's optimizer: its class's defaults, and what the plan says instead; refused out of range."""
    parameters = inspect.signature(OPTIMIZERS[plan.optimizer]).parameters
    options = {name: one.default for name, one in parameters.items()} | {"betas": plan.betas} | plan.optimizer_options
    for name, below in BELOW.items():
        numbers = options[name] if isinstance(options.get(name), (tuple, list)) else (options.get(name, 0.0),)
        if not all(0 <= number < below for number in numbers):
            raise ParameterError(
                f"optimizer_options={plan.optimizer_options!r} of {plan.optimizer}: {name} must be at least 0"
                f"{f' and below {below:g}' if math.isfinite(below) else ''}; got {options[name]!r}."
            )
    return options


BELOW = {
    "betas": 1.0,
    "rho": math.nextafter(1.0, 2.0),
    "alpha": math.nextafter(1.0, 2.0),
    "eps": math.inf,
    "start": math.inf,
}
"""What a setting must lie below; none may be negative."""
RULES: dict[str, type[FlatRule]] = {
    "adam": FlatAdam,
    "adamw": FlatAdam,
    "adadelta": FlatAdadelta,
    "rmsprop-tf": FlatRMSpropTF,
}
