"""Convolutions with "same" padding as Keras and TensorFlow have it, and their transposes.

torch pads both sides alike; TensorFlow pads by what is needed, and where that is odd, one more at the end.
"""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional


def same_padding(n: int, size: int, stride: int) -> tuple[int, int]:
    """Zeros before and after ``n`` values so that windows of ``size`` every ``stride`` give ceil(n / stride) values.

    Source: the notes on convolution in TensorFlow's ``tf.nn`` documentation, padding "SAME".

    >>> same_padding(28, 3, 1), same_padding(28, 3, 2), same_padding(7, 3, 2)
    ((1, 1), (0, 1), (1, 1))
    """
    total = max((math.ceil(n / stride) - 1) * stride + size - n, 0)
    return total // 2, total - total // 2


class SameConv2d(nn.Conv2d):
    """(n, in_channels, height, width) to (n, out_channels, ceil(height / stride), ceil(width / stride)).

    Parameters
    ----------
    in_channels, out_channels : channels before and after.
    size : height and width of the window, in pixels.
    step : pixels from one window to the next.
    """

    def __init__(self, in_channels: int, out_channels: int, size: int, step: int = 1) -> None:
        super().__init__(in_channels, out_channels, size, stride=step)
        self.size = size
        self.step = step

    def forward(self, x: Tensor) -> Tensor:
        """Convolve pictures."""
        top, bottom = same_padding(x.shape[2], self.size, self.step)
        left, right = same_padding(x.shape[3], self.size, self.step)
        if (top, left) == (bottom, right):  # saves a copy of the pictures
            return functional.conv2d(x, self.weight, self.bias, self.step, (top, left))
        return functional.conv2d(functional.pad(x, (left, right, top, bottom)), self.weight, self.bias, self.step)


class SameConvTranspose2d(nn.ConvTranspose2d):
    """(n, in_channels, height, width) to (n, out_channels, height * step, width * step).

    The transpose (gradient) of a `SameConv2d` with the same size and step, whatever the size of the pictures; so pixels
    lie where Keras's ``Conv2DTranspose(padding="same")`` puts them.

    Parameters
    ----------
    in_channels, out_channels : channels before and after.
    size : height and width of the window, in pixels.
    step : how many times as high and wide the pictures become.
    """

    def __init__(self, in_channels: int, out_channels: int, size: int, step: int = 1) -> None:
        super().__init__(in_channels, out_channels, size, stride=step)
        self.step = step
        cut = same_padding(step, size, step)[0]
        # Rows of zeros before the first let both ends be cut alike; a longer result and a slice of it take twice the time.
        self.before = max(0, math.ceil((size - step - 2 * cut) / step))
        self.cut = cut + self.before * step
        self.lacks = step * (1 + self.before) + 2 * cut - size

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Enlarge pictures; ``output_size`` is torch's and has no effect."""
        x = functional.pad(x, (self.before, 0, self.before, 0)) if self.before else x
        return functional.conv_transpose2d(x, self.weight, self.bias, self.step, self.cut, self.lacks)
