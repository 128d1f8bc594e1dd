"""From scores to minus the logarithm of a chance."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from isthmus.scores.tail import KNOTS, Tail

DRAWS = {
    "exponential": lambda r, n: r.exponential(size=n),
    "heavy": lambda r, n: np.exp(2 * r.normal(size=n)),
    "narrow": lambda r, n: 5 + 0.01 * r.uniform(size=n),
    "few values": lambda r, n: r.integers(1, 6, n).astype(float),
}


def draw(name="exponential", n=1_000, seed=0):
    """Scores of a distribution, (n,)."""
    return torch.from_numpy(DRAWS[name](np.random.default_rng(seed), n)).float()


def fitted(scores):
    """A tail of these scores."""
    made = Tail()
    made.set(scores)
    return made


@pytest.mark.parametrize("n", [1, 2, 5, 20, 300, 3_000])
@pytest.mark.parametrize("name", DRAWS)
def test_it_never_falls(name, n):
    """A higher score never has a lower height, from far below the held-out scores to far beyond them."""
    scores = draw(name, n)
    asked = torch.cat([torch.linspace(0, float(scores.max()) * 1.5, 5_000), torch.logspace(0, 8, 500)]).sort().values
    heights = fitted(scores)(asked)
    assert heights.isfinite().all()
    assert (heights.diff() >= 0).all()


@pytest.mark.parametrize("name", ["exponential", "heavy", "narrow"])
def test_it_is_the_share_above(name):
    """Within the held-out scores the height is -log of the share of them that is at least as high."""
    scores = draw(name)
    for share in (0.9, 0.5, 0.2, 0.1):
        height = float(fitted(scores)(scores.quantile(1 - share)[None]))
        assert height == pytest.approx(-np.log(share), abs=0.03)


def test_it_has_no_jumps():
    """Scores that hardly differ have heights that hardly differ, at the start of the tail too."""
    scores = draw()
    asked = torch.linspace(0, float(scores.max()) * 2, 100_001)
    assert fitted(scores)(asked).diff().max() < 0.01


def test_far_scores_have_an_order():
    """Beyond all that was seen it goes on rising, with the logarithm of the score."""
    tail = fitted(draw())
    heights = tail(torch.tensor([1e2, 1e4, 1e6, 1e8]))
    assert (heights.diff() > 1).all()
    assert torch.allclose(heights.diff(), heights.diff()[0], rtol=1e-3)


def test_a_power_law_is_continued():
    """The chance of a score that was never seen is told where the tail is a power: 1e-5 from 4,000 scores, within a factor 4."""
    scores = torch.from_numpy(1 + np.random.default_rng(0).pareto(3.0, 4_000)).float()
    far = torch.tensor([1e5 ** (1 / 3)])
    assert float(fitted(scores)(far)) == pytest.approx(-np.log(1e-5), abs=np.log(4))


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_the_unit_does_not_matter(factor):
    """Scores in another unit have the heights they had."""
    scores, new = draw(), draw(seed=1)
    assert torch.allclose(fitted(scores * factor)(new * factor), fitted(scores)(new), atol=1e-3)


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_scores_all_alike(value):
    """Where all held-out scores are one value, higher ones are still told apart."""
    heights = fitted(torch.full((50,), value))(torch.tensor([value, value + 1, value + 2]))
    assert heights.isfinite().all()
    assert (heights.diff() > 0).all()


def test_its_size_does_not_depend_on_the_rows():
    """A tail of ten scores has the buffers of one of a thousand, so a file can be read before it."""
    shapes = [{k: v.shape for k, v in fitted(draw(n=n)).state_dict().items()} for n in (10, 1_000)]
    assert shapes[0] == shapes[1] == {"knots": (KNOTS,), "heights": (KNOTS,), "fall": ()}
