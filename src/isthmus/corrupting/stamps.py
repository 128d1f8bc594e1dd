"""What a watermark lays over pictures: a text or a picture, at the size that the pictures ask for.

In: a text, or an array of pixels. Out: a stamp, float32 (h, w, 4): red, green and blue, each already times the last, which
tells how opaque a pixel is (1 hides what is below). So a stamp can be shrunk, and laid over, channel by channel.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn import functional

from isthmus.errors import DataError, ParameterError

MOST_CHARACTERS = 200
FEWEST_ROWS = 5
"""A line of text that is less high cannot be read."""
_NO_CHARACTER = "\U0010ffff"
_TRIAL = 64.0  # font size at which a text is measured


def check_text(text: object) -> None:
    """Refuse what is no text, shows nothing or has characters that Pillow's own font lacks."""
    if not isinstance(text, str) or not text.strip() or len(text) > MOST_CHARACTERS:
        raise ParameterError(
            f"text of Watermark must be 1 to {MOST_CHARACTERS} characters that show something; got {text!r:.60}."
        )
    nothing = _drawn(_NO_CHARACTER, 20.0)
    for character in sorted(set(text) - {" ", "\n"}):
        if np.array_equal(_drawn(character, 20.0), nothing):
            raise ParameterError(
                f"text of Watermark has {character!r}, which Pillow's own font cannot draw; give the text as a picture."
            )


def checked_picture(picture: Any) -> NDArray[np.float32]:
    """A picture (h, w), (h, w, 3) or (h, w, 4) as floats (h, w, 4) from 0 to 1 that nobody can change."""
    pixels = np.asarray(picture) if hasattr(picture, "__array__") or hasattr(picture, "__array_interface__") else None
    if pixels is None or pixels.ndim not in (2, 3) or 0 in pixels.shape or pixels.shape[2:] not in ((), (3,), (4,)):
        got = type(picture).__name__ if pixels is None else f"shape {pixels.shape}"
        raise ParameterError(
            f"picture of Watermark must be an array of shape (h, w), (h, w, 3) or (h, w, 4); got {got}."
        )
    values = pixels / np.float32(255) if pixels.dtype == np.uint8 else pixels
    if pixels.dtype.kind not in "buf" or not bool(((values >= 0) & (values <= 1)).all()):
        raise ParameterError(
            f"picture of Watermark must hold uint8, or floats from 0 to 1; got {pixels.dtype} from {pixels.min()} to "
            f"{pixels.max()}."
        )
    whole = np.ones((*pixels.shape[:2], 4), dtype=np.float32)
    whole[..., : values.shape[2] if values.ndim == 3 else 3] = values if values.ndim == 3 else values[..., None]
    whole.setflags(write=False)
    return whole


def picture_stamp(picture: NDArray[np.float32], size: float | None, height: int, width: int) -> Tensor:
    """The stamp of a picture that `checked_picture` gave, its width a share ``size`` of ``width`` (None: as it is)."""
    h, w = picture.shape[:2]
    wide = w if size is None else max(1, round(size * width))
    high = max(1, round(h * wide / w))
    _check_room(high, wide, height, width)
    pixels = torch.from_numpy(picture.copy())
    stamp = torch.cat([pixels[..., :3] * pixels[..., 3:], pixels[..., 3:]], dim=2)
    if (high, wide) == (h, w):
        return stamp
    planes = stamp.permute(2, 0, 1)[None]
    resized = functional.interpolate(planes, (high, wide), mode="bilinear", antialias=True, align_corners=False)
    return resized[0].permute(1, 2, 0).clamp(0, 1)


@functools.lru_cache(maxsize=64)
def text_stamp(text: str, size: float, height: int, width: int) -> Tensor:
    """The stamp of a white text, its width a share ``size`` of ``width``. Not to be changed: it is kept for the next batch.

    It is drawn large and shrunk, because a font at a few pixels sets its letters at uneven distances.
    """
    trial = _drawn(text, _TRIAL)
    wide = max(1, round(size * width))
    high = max(1, round(trial.shape[0] * wide / trial.shape[1]))
    _check_room(high, wide, height, width)
    if high < FEWEST_ROWS * len(text.strip("\n").split("\n")):
        raise DataError(
            f"the watermark {text!r:.60} would be {high} high in pictures that are {width} wide (pixels), too small to "
            "read; give it a larger size or a shorter text."
        )
    factor = min(8, max(1, 2048 // wide))
    letters = Image.fromarray(_drawn(text, factor * _TRIAL * wide / trial.shape[1]))
    shrunk = np.asarray(letters.resize((wide, high), Image.Resampling.BOX), dtype=np.float32)
    alpha = torch.from_numpy(shrunk / max(float(shrunk.max()), 1e-3))  # the thin letters of a small text stay visible
    return alpha[..., None].expand(-1, -1, 4).contiguous()


def _drawn(text: str, size: float) -> NDArray[np.float32]:
    """A white text, float32 (h, w) from 0 to 1, cut to what shows."""
    font = ImageFont.load_default(max(size, 1.0))
    gap = 0.3 * size
    box = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox((0, 0), text, font, spacing=gap, align="center")
    left, top, right, bottom = (round(side) for side in box)
    canvas = Image.new("L", (right - left + 4, bottom - top + 4))
    ImageDraw.Draw(canvas).multiline_text((2 - left, 2 - top), text, 255, font, spacing=gap, align="center")
    return np.asarray(canvas.crop(canvas.getbbox()), dtype=np.float32) / np.float32(255)


def _check_room(high: int, wide: int, height: int, width: int) -> None:
    if high > height or wide > width:
        raise DataError(
            f"the watermark is {high} high and {wide} wide, larger than the pictures, which are {height} high and {width} "
            "wide (pixels); give it a smaller size."
        )
