"""Tests of `isthmus.corrupting.watermark` and `stamps`: place, size and ink of texts and pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from isthmus.corruptions import Watermark


@pytest.mark.parametrize("place", ["random", "center", "top-left", "top-right", "bottom-left", "bottom-right"])
def test_a_watermark_is_where_it_was_asked_for(place, seeded):
    """The text has the width asked, lies within the picture and in its place."""
    x = torch.zeros(50, 1, 40, 80)
    marked = Watermark("SAMPLE", opacity=1.0, place=place, size=0.5).on_pictures(x, seeded())[:, 0] > 0
    rows, columns = marked.any(dim=2), marked.any(dim=1)
    assert (columns.sum(dim=1) > 25).all()
    assert ((columns * torch.arange(80)).amax(dim=1) - columns.int().argmax(dim=1) == 39).all()
    middle = (rows.int().argmax(dim=1) < 20), (columns.int().argmax(dim=1) < 20)
    if place == "random":
        assert len({tuple(row) for row in rows.tolist()}) > 5
    elif place != "center":
        assert [bool(m.all()) for m in middle] == ["top" in place, "left" in place]
        assert not (rows[:, 0] | rows[:, -1] | columns[:, 0] | columns[:, -1]).any()


def test_a_text_is_seen_on_dark_and_on_bright(seeded):
    """The ink is chosen against what lies below, unless it is given."""
    x = torch.tensor([0.1, 0.9])[:, None, None, None].expand(2, 1, 60, 60)
    change = (Watermark("ok", opacity=1.0).on_pictures(x, seeded()) - x).flatten(1)
    assert change.amax(dim=1)[0] == pytest.approx(0.9)
    assert change.amin(dim=1)[1] == pytest.approx(-0.9)
    given = Watermark("ok", opacity=1.0, ink=0.5).on_pictures(x, seeded())
    assert given[0].max() == given[1].min() == 0.5


def test_a_picture_is_laid_over(seeded):
    """An opaque part at opacity 0.5 is half of each, a transparent part leaves the picture alone; grey gets luminance."""
    logo = np.zeros((4, 6, 4), dtype=np.uint8)
    logo[:, :3] = (255, 0, 0, 255)
    x = torch.full((2, 3, 10, 10), 0.4)
    mark = Watermark(picture=logo, place="center", size=None)
    spoilt = mark.on_pictures(x, seeded())
    assert spoilt[0, :, 4, 3].tolist() == pytest.approx([0.7, 0.2, 0.2])
    assert torch.equal(spoilt[..., 5:], x[..., 5:])
    assert float(mark.on_pictures(x[:, :1], seeded())[0, 0, 4, 3]) == pytest.approx(0.2 + 0.299 / 2)


def test_a_shrunk_picture_keeps_its_colour(seeded):
    """Half transparent edges of a shrunk picture do not turn dark."""
    logo = np.zeros((32, 32, 4))
    logo[:, ::3] = 1.0
    spoilt = Watermark(picture=logo, opacity=1.0, place="center", size=0.5).on_pictures(
        torch.ones(1, 3, 20, 20), seeded()
    )
    assert torch.allclose(spoilt, torch.ones_like(spoilt))


def test_watermarks_are_equal_by_their_pictures():
    """Two marks are equal when all they show is equal; what one holds cannot be changed from outside."""
    logo = np.eye(4)
    a, b = Watermark(picture=logo), Watermark(picture=np.eye(4))
    logo[:] = 0
    assert a == b
    assert hash(a) == hash(b)
    assert a != Watermark(picture=logo)
