"""What the loss curves say."""

from __future__ import annotations

from isthmus.views.curves import parting, unfinished


def history(training, validation, kept):
    """A history of these losses."""
    return [
        {"epoch": e, "training_loss": t, "validation_loss": v, "kept": e == kept}
        for e, (t, v) in enumerate(zip(training, validation, strict=True))
    ]


def test_together():
    """Curves that stay together give no warning."""
    assert parting(history([1, 0.5, 0.4, 0.3], [1, 0.55, 0.44, 0.33], 3)) == ""


def test_validation_rises():
    """Validation that ends over 1.1 times its best is named with its rise."""
    assert "validation ended 50\xa0% above its best" in parting(history([1, 0.5, 0.4, 0.4], [1, 0.4, 0.5, 0.6], 1))


def test_gap_grows():
    """A wide gap that grows is named with its share."""
    warning = parting(history([1, 0.5, 0.4, 0.2], [1, 0.5, 0.5, 0.5], 1))
    assert "training ended 60\xa0% below validation, and the gap was growing" in warning


def test_wide_but_steady_gap():
    """A gap that no longer grows is no warning."""
    assert parting(history([1, 0.1, 0.1, 0.15], [1, 0.3, 0.3, 0.3], 1)) == ""


def test_unfinished():
    """More epochs are advised only where validation was still falling."""
    assert "larger max_epochs" in unfinished(history([1, 0.8, 0.6, 0.4], [1, 0.8, 0.6, 0.4], 3))
    assert unfinished(history([1, 0.5, 0.4, 0.4], [1, 0.5, 0.4, 0.4], 2)) == ""
