"""RMSprop as TensorFlow has it: epsilon inside the root, and an average that may start at one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.optim.optimizer import ParamsT


class RMSpropTF(torch.optim.Optimizer):
    """``ms = alpha ms + (1 - alpha) g^2``, then a step of ``lr g / sqrt(ms + eps)`` against the gradient ``g``.

    `torch.optim.RMSprop` adds epsilon to the root instead, and starts at zero. The defaults are those of TensorFlow 1's
    ``tf.train.RMSPropOptimizer``; Keras 3's RMSprop is ``eps=1e-7, start=0``. Which one it is decides whether a network
    of saturated sigmoids learns: gradients of 1e-5 pass an epsilon of 1e-10 and drown in one of 1e-7.

    Parameters
    ----------
    params : weights, or groups of them.
    lr : learning rate.
    alpha : share of the average that stays from step to step, default 0.9, from 0 to 1.
    eps : what is added to the average inside the root, default 1e-10, at least 0.
    start : the average before the first step, default 1: the first steps are small; at least 0.
    weight_decay : times a weight, added to its gradient, default 0.

    Raises
    ------
    ValueError
        If one of them is out of range.

    References
    ----------
    The step: TensorFlow's documentation of ``tf.raw_ops.ApplyRMSProp``. Decay 0.9 and epsilon 1e-10:
    ``tf.train.RMSPropOptimizer`` of TensorFlow 1.15 (today ``tf.compat.v1.train``). The start at one is only in its code,
    tensorflow/python/training/rmsprop.py, ``_create_slots``. Method: Tieleman and Hinton 2012.

    Examples
    --------
    >>> weight = torch.nn.Parameter(torch.tensor([0.0]))
    >>> weight.grad = torch.tensor([2.0])
    >>> RMSpropTF([weight], lr=0.1).step()  # 0.1 * 2 / sqrt(0.9 + 0.4)
    >>> round(weight.item(), 4)
    -0.1754
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float,
        alpha: float = 0.9,
        eps: float = 1e-10,
        start: float = 1.0,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {"lr": lr, "alpha": alpha, "eps": eps, "start": start, "weight_decay": weight_decay}
        for name, value in defaults.items():
            if not value >= 0 or (name == "alpha" and value > 1):
                raise ValueError(f"Invalid {name} value: {value}")
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]  # as torch's own
        """Move every weight that has a gradient.

        Parameters
        ----------
        closure : computes the gradients anew and gives the loss, which is returned.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._step(group)
        return loss

    def _step(self, group: dict[str, Any]) -> None:
        weights = [weight for weight in group["params"] if weight.grad is not None]
        if not weights:
            return
        for weight in weights:
            if not self.state[weight]:
                self.state[weight]["mean_square"] = torch.full_like(weight, group["start"])
        means = [self.state[weight]["mean_square"] for weight in weights]
        gradients = tuple(weight.grad for weight in weights)
        if group["weight_decay"]:
            gradients = torch._foreach_add(gradients, weights, alpha=group["weight_decay"])
        torch._foreach_mul_(means, group["alpha"])
        torch._foreach_addcmul_(means, gradients, gradients, value=1 - group["alpha"])
        scales = torch._foreach_add(means, group["eps"])
        torch._foreach_rsqrt_(scales)  # a sixth faster than a root and a division
        torch._foreach_addcmul_(weights, gradients, scales, value=-group["lr"])
