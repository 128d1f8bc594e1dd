"""Weights moved into one piece of memory, and optimizers over it: one call moves them all.

Every optimizer of isthmus treats each number by itself, so it does not matter to it where one layer's weights end.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim.adamw import adamw

from isthmus.errors import ParameterError
from isthmus.plan import Plan
from isthmus.train.optimizers import Group, make_optimizer, set_rate


class Flat:
    """The weights of a group as views of one tensor, and their gradients likewise, until `close`.

    Attributes
    ----------
    group : ``weights`` is the one tensor with all of them.
    """

    def __init__(self, group: Group) -> None:
        self._weights = group.weights
        whole = nn.Parameter(torch.cat([weight.detach().flatten() for weight in group.weights]))
        whole.grad = torch.zeros_like(whole)
        self.group = Group([whole], group.share, group.decay)
        sizes = [weight.numel() for weight in group.weights]
        parts = zip(group.weights, whole.detach().split(sizes), whole.grad.split(sizes), strict=True)
        for weight, value, gradient in parts:
            weight.data, weight.grad = value.view_as(weight), gradient.view_as(weight)

    def close(self) -> None:
        """Give each weight memory of its own again, and no gradient."""
        for weight in self._weights:
            weight.data, weight.grad = weight.detach().clone(), None


class FlatOptimizer:
    """The plan's optimizer, as torch has it."""

    def __init__(self, flats: list[Flat], plan: Plan) -> None:
        self._optimizer = make_optimizer([flat.group for flat in flats], plan)

    def step(self, rate: float) -> None:
        """Move all weights by their gradients."""
        set_rate(self._optimizer, rate)
        self._optimizer.step()


class FlatAdam:
    """Adam with decoupled weight decay (Kingma, Ba 2015; Loshchilov, Hutter 2019).

    By torch's function and not by its class: the class loads torch's compiler on its first step, which takes longer than a
    small fit.
    """

    def __init__(self, flats: list[Flat], plan: Plan) -> None:
        self._groups = [flat.group for flat in flats]
        self._state = [_State(group.weights[0]) for group in self._groups]
        options: dict[str, Any] = {"betas": plan.betas, "eps": 1e-8} | plan.optimizer_options
        self._betas, self._eps = options["betas"], options["eps"]
        if not all(0 <= beta < 1 for beta in self._betas) or not self._eps >= 0:
            raise ParameterError(
                f"optimizer_options={plan.optimizer_options!r} of {plan.optimizer}: betas lie from 0 to below 1, eps is at least 0."
            )

    def step(self, rate: float) -> None:
        """Move all weights by their gradients."""
        for group, state in zip(self._groups, self._state, strict=True):
            (whole,) = group.weights
            adamw(
                [whole], [whole.grad], [state.mean], [state.square], [], [state.steps],  # type: ignore[list-item]  # it is there
                fused=True, amsgrad=False, beta1=self._betas[0], beta2=self._betas[1], lr=group.share * rate,
                weight_decay=group.decay, eps=self._eps, maximize=False,
            )  # fmt: skip


class _State:
    """The running means of gradients and of their squares, and how many there were."""

    def __init__(self, whole: nn.Parameter) -> None:
        self.mean, self.square = torch.zeros_like(whole.data), torch.zeros_like(whole.data)
        self.steps = torch.zeros((), dtype=torch.float32, device=whole.device)
