"""Tests of `isthmus.nets.blocks`: a row gets the same bytes alone, in a batch and in any order."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from isthmus.layout import ColumnLayout
from isthmus.nets import blocks
from isthmus.nets.blocks import MOST_ROWS, WORK, block_rows, in_blocks, in_blocks_at_once
from isthmus.nets.build import multiply_adds

CPU = torch.device("cpu")
WIDTHS = (1, 2, 3, 5, 7, 8, 13, 16, 17, 31, 33, 63, 64, 65, 100, 127, 129, 200, 257)


def reconstructed(network, x, block):
    """Reconstructions of encoded rows, in blocks."""
    return in_blocks(lambda part: network(part).reconstruction, lambda i, j: x[i:j], len(x), block, CPU)


@pytest.mark.parametrize("width", WIDTHS)
def test_rows_of_any_width_get_the_same_bytes(make, width):
    """Alone, in a batch or in another order, a row's reconstruction has the same bytes."""
    network = make("dense", ColumnLayout(width), min(width, 5), (24,), anchored=False).eval()
    x = torch.randn(75, width, generator=torch.Generator().manual_seed(width))
    whole = reconstructed(network, x, 32)
    order = torch.randperm(75, generator=torch.Generator().manual_seed(1))
    assert np.array_equal(reconstructed(network, x[order], 32), whole[order])
    for i in (0, 31, 32, 74):
        assert np.array_equal(reconstructed(network, x[i : i + 1], 32), whole[i : i + 1])


def test_pictures_get_the_same_bytes(form, make, anchor):
    """The same holds for every form of network, its linear path included."""
    kind, layout = form
    network = make(kind, layout, seed=5).eval()
    x = torch.randn(37, *layout.input_shape, generator=torch.Generator().manual_seed(2))
    anchor(network, layout, x)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if not name.startswith("linear."):
                weight.add_(0.02 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(3)))
    whole = reconstructed(network, x, 16)
    assert np.array_equal(reconstructed(network, x.flip(0), 16), whole[::-1])
    for i in (0, 15, 16, 36):
        assert np.array_equal(reconstructed(network, x[i : i + 1], 16), whole[i : i + 1])


def test_every_row_is_run_once():
    """Rows come out in order, also where the last block is not full."""
    x = torch.arange(21.0)[:, None]
    out = in_blocks(lambda part: part * 2, lambda i, j: x[i:j], 21, 4, CPU)
    assert np.array_equal(out, (x * 2).numpy())


def test_every_block_has_one_size():
    """The last block is padded to the size of all others."""
    sizes = []

    def remember(part):
        sizes.append(len(part))
        return part

    in_blocks(remember, lambda i, j: torch.ones(j - i, 3), 21, 8, CPU)
    assert sizes == [8, 8, 8]


@pytest.mark.parametrize("work", [0, 1, 1e3, 7.3e4, 1e6, 1e9])
def test_the_size_of_a_block(work):
    """A power of two from 16 to 2,048, and no more work than stated where the bounds allow."""
    rows = block_rows(work)
    assert rows in {2**k for k in range(4, 12)}
    assert rows == 16 or rows * work <= WORK
    assert rows == MOST_ROWS or 2 * rows * work > WORK


def test_more_work_never_gets_larger_blocks(make):
    """A larger network runs fewer rows at a time."""
    sizes = [block_rows(multiply_adds(make("dense", ColumnLayout(n), 2, (n,)), (n,))) for n in (10, 100, 400)]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("n_rows", [1, 8, 9, 75])
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_blocks_at_once_are_those_one_after_the_other(make, n_rows, workers):
    """In order, whole and with the same bytes, however many threads share the blocks."""
    network = make("dense", ColumnLayout(12), 3, (24,)).eval()
    x = torch.randn(n_rows, 12, generator=torch.Generator().manual_seed(0))
    threads = torch.get_num_threads()
    each = [lambda part: network(part).reconstruction for _ in range(workers)]
    found = in_blocks_at_once(each, lambda i, j: x[i:j], n_rows, 8)
    torch.set_num_threads(1)
    try:
        assert np.array_equal(found, reconstructed(network, x, 8))
    finally:
        torch.set_num_threads(threads)


def test_threads_are_put_back():
    """Each thread has one of torch's; who called, and threads that are begun later, have as many as before."""
    before, seen = torch.get_num_threads(), []

    def count(part):
        seen.append(torch.get_num_threads())
        return part

    try:
        torch.set_num_threads(2)
        in_blocks_at_once([count, count], lambda i, j: torch.ones(j - i, 3), 21, 4)
        assert set(seen) == {1}
        assert torch.get_num_threads() == 2
        with ThreadPoolExecutor(1) as later:
            assert later.submit(torch.get_num_threads).result() == 2
    finally:
        torch.set_num_threads(before)


def test_calls_that_overlap():
    """Blocks have one thread after another call began and ended, and threads that are begun meanwhile have torch's number."""
    before, inside, outside, seen = torch.get_num_threads(), threading.Event(), threading.Event(), []

    def slow(part):
        inside.set()
        assert outside.wait(10)
        seen.append(torch.get_num_threads())
        return part + part

    def rows(i, j):
        return torch.ones(j - i, 3)

    try:
        torch.set_num_threads(3)
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(in_blocks_at_once, [slow, slow], rows, 16, 4)
            assert inside.wait(10)
            with ThreadPoolExecutor(1) as meanwhile:
                assert meanwhile.submit(torch.get_num_threads).result() == 3
                meanwhile.submit(in_blocks_at_once, [lambda part: part], rows, 4, 4).result()
                assert meanwhile.submit(torch.get_num_threads).result() == 3
            outside.set()
            first.result()
        assert seen == [1] * 4
        with ThreadPoolExecutor(1) as later:
            assert later.submit(torch.get_num_threads).result() == 3
    finally:
        torch.set_num_threads(before)


def test_a_fault_in_one_thread_comes_out():
    """The others stop at their next block."""
    begun = []

    def rows(i, j):
        begun.append(i)
        if i == 8:
            raise ValueError("row 8 is broken")
        return torch.ones(j - i, 3)

    with pytest.raises(ValueError, match="row 8 is broken"):
        in_blocks_at_once([lambda part: part] * 2, rows, 10**6, 4)
    assert len(begun) < 1000


def test_a_thread_that_cannot_be_begun(monkeypatch):
    """The error comes out, and those that wait for it do not wait for ever."""

    class Scarce(ThreadPoolExecutor):
        begun = 0

        def submit(self, *args):
            self.begun += 1
            if self.begun == 2:
                raise RuntimeError("can't start new thread")
            return super().submit(*args)

    monkeypatch.setattr(blocks, "ThreadPoolExecutor", Scarce)
    with ThreadPoolExecutor(1) as caller:
        done = caller.submit(in_blocks_at_once, [lambda part: part] * 2, lambda i, j: torch.ones(j - i, 3), 9, 4)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            done.result(timeout=20)
