"""Tests of `isthmus.train.machine`: facts about devices and threads."""

from __future__ import annotations

import pytest
import torch

from isthmus.errors import ParameterError
from isthmus.train import machine
from isthmus.train.machine import SINGLE_THREAD_WORK, WORK_OF_VALUE, find_device, multiplies_bfloat16, threads_for


@pytest.fixture
def only_cpu(monkeypatch):
    """A machine without a GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def threads(monkeypatch):
    """Torch's number of threads, eight at first, without setting it in truth."""
    now = [8]
    monkeypatch.setattr(torch, "get_num_threads", lambda: now[0])
    monkeypatch.setattr(torch, "set_num_threads", lambda n: now.__setitem__(0, n))
    return now


@pytest.mark.usefixtures("only_cpu")
@pytest.mark.parametrize("name", ["auto", "cpu"])
def test_the_cpu_is_always_there(name):
    """Without a GPU, auto is the CPU."""
    assert find_device(name) == torch.device("cpu")


@pytest.mark.usefixtures("only_cpu")
@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_there(name):
    """The error names the devices that are."""
    with pytest.raises(ParameterError, match=f'device="{name}" is not available on this machine; available: cpu'):
        find_device(name)


def test_auto_takes_a_gpu(monkeypatch):
    """Where there is a GPU, auto is that."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert find_device("auto") == torch.device("cuda")


def test_small_steps_run_on_one_thread(threads):
    """Below the stated work one thread is used, and the number is put back, also after an error."""
    seen = []

    def fail():
        seen.extend(threads)
        raise RuntimeError("of the block")

    with pytest.raises(RuntimeError, match="of the block"), threads_for(SINGLE_THREAD_WORK - 1):
        fail()
    assert seen == [1]
    assert threads == [8]


def test_large_steps_run_on_all_threads(threads):
    """From the stated work on torch's own number stays."""
    with threads_for(SINGLE_THREAD_WORK):
        assert threads == [8]


def test_many_values_take_all_threads(threads):
    """Few multiply-adds but many output values are worth a second thread."""
    with threads_for(1.0, SINGLE_THREAD_WORK / WORK_OF_VALUE):
        assert threads == [8]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("flags: fma amx_bf16 avx", True), ("flags: avx512_bf16", True), ("flags: fma avx512f", False), (None, False)],
)
def test_bfloat16_pays_with_matrix_units(monkeypatch, text, expected):
    """A CPU multiplies bfloat16 fast if it says that it has the units; one that cannot be asked does not."""

    def read(self, **options):
        if text is None:
            raise FileNotFoundError
        return text

    monkeypatch.setattr(machine.Path, "read_text", read)
    assert multiplies_bfloat16.__wrapped__("cpu") is expected


def test_bfloat16_does_not_pay_elsewhere():
    """A device that is neither a CPU nor CUDA trains in float32."""
    assert multiplies_bfloat16.__wrapped__("mps") is False
