"""A text or a picture laid over pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from isthmus.corrupting.base import Declared, Spec, uniform
from isthmus.corrupting.damage import luminance
from isthmus.corrupting.stamps import check_text, checked_picture, picture_stamp, text_stamp
from isthmus.errors import ParameterError
from isthmus.parameters import parameter

PLACES = ("random", "center", "top-left", "top-right", "bottom-left", "bottom-right")
MARGIN = 0.03
"""Distance of a watermark in a corner from the edges, as a share of the side."""


@dataclass(frozen=True, eq=False)
class Watermark(Declared):
    """Lay a text or a picture over pictures, half transparent.

    Parameters
    ----------
    text : str, default "isthmus"
        At most 200 characters; a line break begins a new line. Drawn in Pillow's own font, which has English letters. Not
        used where there is a picture.
    picture : array (h, w), (h, w, 3) or (h, w, 4), uint8 or floats from 0 to 1, default None
        Grey, colours, or colours and how opaque each pixel is. On pictures that are no colour pictures it becomes grey.
    opacity : float above 0 up to 1, default 0.5
        1 hides what is below.
    place : "random", "center", "top-left", "top-right", "bottom-left" or "bottom-right", default "random"
        Random: anywhere within the picture, drawn for each.
    size : float above 0 up to 1, or None, default 0.8
        Width of the watermark as a share of the width of the pictures. None: a picture as large as it is.
    ink : float from 0 to 1, or "auto", default "auto"
        Brightness of a text; "auto": white on what is dark and black on what is bright, in each picture.

    Examples
    --------
    >>> import numpy as np
    >>> marked = Watermark("ok", place="center").apply(np.zeros((1, 16, 16), dtype=np.uint8))
    >>> print(marked.max(), (marked[:, :2] > 0).any(), (marked[:, 2:-2] > 0).any())
    128 False True
    """

    text: str = "isthmus"
    picture: Any = None
    opacity: float = parameter(0.5, "1 hides what is below.", number="float", low=0, open_low=True, high=1)
    place: str = parameter("random", "Where in the picture.", choices=PLACES)
    size: float | None = parameter(
        0.8, "Width as a share of the width of the pictures; None: a picture as large as it is.",
        number="float", low=0, open_low=True, high=1, none=True,
    )  # fmt: skip
    ink: float | str = parameter("auto", "Brightness of a text.", choices=("auto",), number="float", low=0, high=1)

    def __post_init__(self) -> None:
        """Check the parameters, and keep a picture as floats (h, w, 4) that nobody can change."""
        check_text(self.text)
        super().__post_init__()
        if self.picture is not None:
            object.__setattr__(self, "picture", checked_picture(self.picture))
        elif self.size is None:
            raise ParameterError(
                "size of Watermark may be None only with a picture; a text needs a share of the width."
            )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Watermark) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        pixels = None if self.picture is None else (self.picture.shape, self.picture.tobytes())
        return (self.text, pixels, self.opacity, self.place, self.size, self.ink)

    def to_spec(self) -> Spec | None:
        """The description of a text; None for a picture, which JSON cannot hold."""
        if self.picture is not None:
            return None
        return [
            {name: value for name, value in entry.items() if name != "picture"} for entry in super().to_spec() or ()
        ]

    def on_pictures(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Lay the watermark over each picture; a fourth channel, which tells how opaque a pixel is, stays as it is."""
        n, channels, height, width = x.shape
        coloured = channels in (3, 4)
        spoilt = x.clone()
        canvas = (spoilt[:, :3] if coloured else spoilt).permute(0, 2, 3, 1)
        stamp = self._stamp(height, width).to(x)
        colour, alpha = stamp[..., :3] if coloured else _grey(stamp), stamp[..., 3:]
        rows, columns = self._places(n, (height, width), tuple(stamp.shape[:2]), generator, x)
        where = (torch.arange(n, device=x.device)[:, None, None], rows[:, :, None], columns[:, None, :])
        below = canvas[where]
        colour = colour if self.picture is not None else alpha * self._ink_on(below)
        canvas[where] = below + self.opacity * (colour - alpha * below)
        return spoilt

    def _stamp(self, height: int, width: int) -> Tensor:
        if self.picture is not None:
            return picture_stamp(self.picture, self.size, height, width)
        return text_stamp(self.text, self.size or 1.0, height, width)

    def _ink_on(self, below: Tensor) -> Tensor | float:
        """Brightness of the text on what lies below it, (n, h, w, channels)."""
        if not isinstance(self.ink, str):
            return self.ink
        return (below.nanmean(dim=(1, 2, 3), keepdim=True) < 0.5).to(below)

    def _places(
        self, n: int, sides: tuple[int, int], stamp: tuple[int, ...], generator: torch.Generator, x: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The rows (n, h) and the columns (n, w) that the stamp covers in each picture."""
        rooms = [side - covered for side, covered in zip(sides, stamp, strict=True)]
        if self.place == "random":
            draw = uniform((n, 2), generator, x)
            starts = [(draw[:, i] * (room + 1)).long().clamp_(max=room) for i, room in enumerate(rooms)]
        else:
            fixed = [
                self._start(edge, room, side) for edge, room, side in zip(("top", "left"), rooms, sides, strict=True)
            ]
            starts = [torch.full((n,), start, device=x.device) for start in fixed]
        spans = [s[:, None] + torch.arange(length, device=x.device) for s, length in zip(starts, stamp, strict=True)]
        return spans[0], spans[1]

    def _start(self, edge: str, room: int, side: int) -> int:
        """First row or column of a watermark whose place does not change."""
        if self.place == "center":
            return room // 2
        margin = min(round(MARGIN * side + 0.5), room)
        return margin if edge in self.place else room - margin


def _grey(stamp: Tensor) -> Tensor:
    return luminance(stamp.permute(2, 0, 1)[None])[0].permute(1, 2, 0)
