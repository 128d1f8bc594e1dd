"""What the machine offers: devices and number formats, as facts; the plan's rules decide what is used."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path

import torch

from isthmus.errors import ParameterError


def find_device(name: str) -> torch.device:
    """The device that ``name`` (auto, cpu, cuda, mps) stands for; auto takes a GPU when there is one."""
    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(device for device, there in found.items() if there))
    if not found[name]:
        there = ", ".join(device for device, is_there in found.items() if is_there)
        raise ParameterError(f'device="{name}" is not available on this machine; available: {there}.')
    return torch.device(name)


@functools.cache
def multiplies_bfloat16(device_type: str) -> bool:
    """Whether bfloat16 matrix products are faster than float32 here.

    On CPUs this takes matrix units (AMX) or AVX-512 with bfloat16 products, which are twice as fast as float32 ones;
    without either bfloat16 is emulated and many times slower. CUDA devices from compute capability 8 on have them.
    """
    if device_type == "cuda":
        return torch.cuda.get_device_capability()[0] >= 8
    if device_type != "cpu":
        return False
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
        return "amx_bf16" in flags or "avx512_bf16" in flags
    except OSError:  # not Linux: no such file, and no way to ask without one more dependency
        return False


SINGLE_THREAD_WORK, WORK_OF_VALUE = 2e7, 100
"""Multiply-adds of a step below which a second thread costs more in waiting than it saves; and what the passes over a value of the
output (activations, loss, its gradient) come to in them."""


@contextlib.contextmanager
def threads_for(multiply_adds: float, values: float = 0) -> Iterator[None]:
    """One thread for steps of few multiply-adds and output values, torch's own number for larger ones; put back afterwards."""
    before = torch.get_num_threads()
    if multiply_adds + WORK_OF_VALUE * values >= SINGLE_THREAD_WORK or before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
