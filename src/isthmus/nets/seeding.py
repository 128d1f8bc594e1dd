"""Seeds: what ``random_state`` stands for; torch's own random state, lent out and put back."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from isthmus.errors import ParameterError

CPU = torch.device("cpu")


@contextlib.contextmanager
def seeded(seed: int, device: torch.device = CPU) -> Iterator[None]:
    """Seed torch's own generators for what runs inside, and put them back afterwards.

    Only a user's network draws from them: dropout in training, the first weights of layers that their callable makes.
    """
    gpus = [torch.cuda.current_device()] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):
        torch.default_generator.manual_seed(seed)
        if gpus:
            torch.cuda.manual_seed(seed)
        yield


def draw_seed(random_state: Any) -> int:
    """The seed that ``random_state`` stands for; None draws one."""
    if random_state is None:
        return int(np.random.default_rng().integers(2**31))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    try:
        return operator.index(random_state)
    except TypeError as error:
        raise ParameterError(
            f"random_state must be an integer, None or a numpy RandomState; got {random_state!r}."
        ) from error
