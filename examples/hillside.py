"""Pictures of one hillside as a camera on a mast sees it: every hour of the day, every weather, now and then smoke or fire.

In: seeds. Out: 64 x 96 RGB pictures of bytes, and where smoke or fire was drawn. NumPy only; the same seed gives the same picture.
The camera stands still: ridges, trees and hut are always the same. Light, sun, clouds, their shadows, mist, haze, a slight shake
of the mast and the noise of the sensor change from picture to picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
HEIGHT, WIDTH = 64, 96
VISIBLE = 6.0
"""Grey levels that smoke or fire must change a pixel by, to count as seen there."""
ROWS, COLUMNS = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
FAR, MIDDLE, NEAR = (np.array(colour) for colour in ((112.0, 128, 150), (86.0, 112, 84), (70.0, 92, 48)))


@dataclass(frozen=True, eq=False)
class Shot:
    """One picture.

    Attributes
    ----------
    pixels : (64, 96, 3) uint8.
    hour : time of day, 5 (dawn) to 21 (dusk).
    what : "", "smoke" or "fire".
    seen : (64, 96) bool, where smoke or fire changes the picture visibly.
    """

    pixels: NDArray[np.uint8]
    hour: float
    what: str
    seen: NDArray[np.bool_]


def shoot(seed: int, what: str = "") -> Shot:
    """Take the picture number ``seed``, with ``what`` drawn into it: "", "smoke" or "fire"."""
    draw = np.random.default_rng((2026, seed))
    hour = float(draw.uniform(5, 21))
    height = np.sin(np.pi * (hour - 5) / 16)  # of the sun: 0 at dawn and dusk, 1 at noon
    light = 0.28 + 0.72 * height**0.7
    warm = np.exp(-((height / 0.25) ** 2))
    clear = _landscape(draw, hour, height, light, warm)
    camera = _camera(draw)
    picture = (
        clear if not what else (_smoke if what == "smoke" else _fire)(clear, np.random.default_rng((7, seed)), light)
    )
    changed = np.abs(_shaken(picture, camera) - _shaken(clear, camera)).mean(axis=2)
    return Shot(_exposed(_shaken(picture, camera), draw, light), hour, what, changed > VISIBLE)


def soft_noise(draw: np.random.Generator, height: int, width: int, coarse: float) -> Floats:
    """Smooth noise between 0 and 1: random values every ``coarse`` pixels and at half that, straight lines between them."""
    total = np.zeros((height, width))
    for step, weight in ((coarse, 0.65), (coarse / 2, 0.35)):
        knots = draw.random((int(height / step) + 3, int(width / step) + 3))
        y, x = np.arange(height) / step, np.arange(width) / step
        y, x = (v + draw.random() for v in (y, x))
        i, j = y.astype(int), x.astype(int)
        fy, fx = ((f * f * (3 - 2 * f)) for f in ((y - i)[:, None], (x - j)[None]))
        upper = knots[i][:, j] * (1 - fx) + knots[i][:, j + 1] * fx
        lower = knots[i + 1][:, j] * (1 - fx) + knots[i + 1][:, j + 1] * fx
        total += weight * (upper * (1 - fy) + lower * fy)
    return total


def _scene() -> tuple[Floats, Floats, Floats]:
    """What never changes: how far each pixel is (0 sky, 1 far, 2 middle, 3 near), the ground's colour, and its texture."""
    draw = np.random.default_rng(1926)
    ridges = [
        base + amplitude * (2 * soft_noise(draw, 1, WIDTH, coarse)[0] - 1)
        for base, amplitude, coarse in ((26, 6, 22), (35, 7, 30), (47, 6, 40))
    ]
    depth = sum((ridge <= ROWS).astype(np.float64) for ridge in ridges)
    ground = np.select([depth[..., None] == d for d in (1, 2, 3)], [FAR, MIDDLE, NEAR], 0.0)
    texture = 1 + 0.22 * (soft_noise(draw, HEIGHT, WIDTH, 4) - 0.5) * (depth > 1)
    for _ in range(70):  # trees: dark triangles that get larger towards the camera
        x, y = draw.uniform(0, WIDTH), draw.uniform(38, 62)
        tall = 2 + 5 * (y - 34) / 28
        inside = (np.abs(COLUMNS - x) < 0.35 * (ROWS - y + tall)) & (y - tall < ROWS) & (y >= ROWS) & (depth > 1)
        texture[inside] *= draw.uniform(0.5, 0.7)
    ground[52:55, 18:23], ground[50:52, 18:23] = (165.0, 150, 130), (120.0, 60, 45)  # a hut
    return depth, ground, texture


DEPTH, GROUND, TEXTURE = _scene()


def _landscape(draw: np.random.Generator, hour: float, height: float, light: float, warm: float) -> Floats:
    """The hillside in the light of this hour and a weather of its own, float (64, 96, 3)."""
    low_sky = np.array([190.0, 208, 226]) * (1 - warm) + np.array([236.0, 168, 116]) * warm
    high_sky = np.array([92.0, 142, 205]) * (1 - warm) + np.array([96.0, 104, 150]) * warm
    share = np.clip(ROWS / 30, 0, 1)[..., None]
    sky = (high_sky * (1 - share) + low_sky * share) * light
    sun = (COLUMNS - WIDTH * (hour - 5) / 16) ** 2 + (ROWS - (30 - 26 * height)) ** 2
    sky += np.exp(-sun / 60)[..., None] * np.array([120.0, 95, 60]) + np.exp(-sun / 6)[..., None] * 120
    cover = draw.beta(1.1, 1.6)
    puffs = soft_noise(draw, HEIGHT, WIDTH, draw.uniform(14, 26))
    cloud = np.clip((puffs - (0.85 - 0.65 * cover)) / 0.18, 0, 1)[..., None] * 0.9
    grey = (np.array([236.0, 236, 240]) * (1 - 0.45 * cover) + np.array([40.0, 0, -30]) * warm) * light
    sky = sky * (1 - cloud) + grey * cloud
    shadow = 1 - 0.3 * np.clip((soft_noise(draw, HEIGHT, WIDTH, 24) - (1 - cover)) / 0.3, 0, 1)[..., None]
    tint = 1 + warm * np.array([0.18, 0.0, -0.2])
    ground = GROUND * TEXTURE[..., None] * light * tint * (shadow if cover < 0.75 else 0.8)
    return _in_air(np.where(DEPTH[..., None] > 0, ground, sky), draw, hour, light, low_sky)


def _in_air(picture: Floats, draw: np.random.Generator, hour: float, light: float, air: Floats) -> Floats:
    """Haze, more of it the farther the ground is, and mist that lies in the valleys of some mornings."""
    far = np.select([d == DEPTH for d in (1, 2, 3)], [0.9, 0.45, 0.15], 0.0)
    haze = (draw.beta(1.2, 4) * far)[..., None]
    picture = picture * (1 - haze) + air * light * haze
    if hour < 10 and draw.random() < 0.4:
        band = np.exp(-(((ROWS - draw.uniform(36, 46)) / draw.uniform(2, 5)) ** 2)) * (DEPTH > 0)
        mist = (draw.uniform(0.2, 0.7) * band * soft_noise(draw, HEIGHT, WIDTH, 16))[..., None]
        picture = picture * (1 - mist) + np.array([222.0, 224, 228]) * light * mist
    return picture


def _camera(draw: np.random.Generator) -> Floats:
    """By how many pixels the mast leans, down and to the right."""
    return draw.uniform(-0.4, 0.4, size=2)


def _shaken(picture: Floats, by: Floats) -> Floats:
    """The picture moved by parts of a pixel."""
    for axis, amount in enumerate(by):
        side = np.roll(picture, 1 if amount > 0 else -1, axis=axis)
        picture = picture * (1 - abs(amount)) + side * abs(amount)
    return picture


def _exposed(picture: Floats, draw: np.random.Generator, light: float) -> NDArray[np.uint8]:
    """What the sensor makes of it: exposure, white balance, noise, bytes."""
    picture = picture * draw.normal(1, 0.04) * draw.normal(1, 0.012, size=3)
    picture = picture + draw.normal(0, 2.0 + 2.0 * (1 - light), size=picture.shape)
    return picture.clip(0, 255).round().astype(np.uint8)


def _place(draw: np.random.Generator) -> tuple[float, float]:
    """A place on the middle or near hillside, as (x, y)."""
    ys, xs = np.nonzero((DEPTH >= 2) & (ROWS < 60))
    pick = draw.integers(len(xs))
    return float(xs[pick]), float(ys[pick])


def _smoke(picture: Floats, draw: np.random.Generator, light: float) -> Floats:
    """A soft grey plume that rises from one place, leans with the wind, widens and thins out."""
    x, y = _place(draw)
    size = draw.uniform(0.3, 1.0)
    up = y - ROWS
    lean = draw.uniform(-0.5, 0.5)
    middle = x + lean * np.maximum(up, 0) ** 1.1 + 1.5 * np.sin(up / 4 + draw.uniform(0, 6))
    wide = 1.0 + (0.10 + 0.12 * size) * np.maximum(up, 0)
    dense = np.exp(-((COLUMNS - middle) ** 2) / (2 * wide**2)) * np.exp(-np.maximum(up, 0) / (6 + 18 * size))
    dense *= np.clip(up + 1, 0, 1) * (0.6 + 0.8 * soft_noise(draw, HEIGHT, WIDTH, 5))
    alpha = np.clip(draw.uniform(0.45, 0.95) * dense, 0, 0.95)[..., None]
    return picture * (1 - alpha) + draw.uniform(140, 205) * (0.25 + 0.75 * light) * alpha


def _fire(picture: Floats, draw: np.random.Generator, light: float) -> Floats:
    """An orange glow on the ground; it makes its own light, so dusk does not dim it."""
    x, y = _place(draw)
    size = draw.uniform(0.8, 2.6)
    apart = (COLUMNS - x) ** 2 + ((ROWS - y) / 0.9) ** 2
    glow = np.exp(-apart / (2 * (2.2 * size) ** 2))[..., None] * np.array([70.0, 30, 4]) * draw.uniform(0.6, 1.2)
    core = np.clip(np.exp(-apart / (2 * size**2)) * draw.uniform(0.7, 1.2), 0, 1)[..., None]
    flame = np.array([255.0, 150 + draw.uniform(-30, 30), 50])
    return (picture + glow) * (1 - core) + flame * core
