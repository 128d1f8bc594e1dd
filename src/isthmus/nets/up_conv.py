"""An enlarged picture, convolved, without enlarging it.

Why this is worth a file of its own: tutorials decode by repeating each pixel S x S times and convolving the result. That reads
each value S x S times, and with few channels a convolution uses half of the processor's lanes or less. But a window on the large
picture sees few pixels of the small one, and which it sees depends only on where it stands within its S x S square. So each of the
S x S places gets a window of its own on the small picture, in which the weights that meet the same pixel are summed; one
convolution applies them all, and its channels are the pixels of the square (Shi et al. 2016, "sub-pixel convolution").
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from isthmus.nets.same import same_padding


class UpConv2d(nn.Conv2d):
    """(n, in_channels, height, width) to (n, out_channels, scale * height, scale * width).

    The same as ``nn.Upsample(scale_factor=scale, mode="nearest")`` and a `isthmus.nets.same.SameConv2d`, to rounding, with the
    weights of the latter.

    Parameters
    ----------
    in_channels, out_channels : channels before and after.
    size : height and width of the window on the enlarged picture, in pixels.
    scale : how many times as high and wide the picture becomes.
    """

    def __init__(self, in_channels: int, out_channels: int, size: int, scale: int) -> None:
        super().__init__(in_channels, out_channels, size)
        self.scale = scale
        before = same_padding(size, size, 1)[0]
        # Of the window at place a of a square, weight k meets pixel (a + k - before) // scale of the small picture.
        meets = [[(a + k - before) // scale for k in range(size)] for a in range(scale)]
        self.before, self.after = -meets[0][0], meets[-1][-1]
        taps = range(-self.before, self.after + 1)
        self.sums = [[[float(met == tap) for met in place] for tap in taps] for place in meets]

    def forward(self, x: Tensor) -> Tensor:
        """Enlarge and convolve pictures."""
        scale, sums = self.scale, self.weight.new_tensor(self.sums)
        folded = torch.einsum("auk,bvl,ockl->abouvc", sums, sums, self.weight)
        # Channels last, as in all convolutions of isthmus.
        folded = folded.reshape(-1, sums.shape[1], sums.shape[1], self.in_channels).permute(0, 3, 1, 2)
        bias = None if self.bias is None else self.bias.repeat(scale * scale)
        if self.before == self.after:  # saves a copy of the pictures
            y = functional.conv2d(x, folded, bias, 1, self.after)
        else:
            y = functional.conv2d(functional.pad(x, (self.before, self.after) * 2), folded, bias)
        n, _, height, width = y.shape
        squares = y.permute(0, 2, 3, 1).reshape(n, height, width, scale, -1).transpose(2, 3)
        return squares.reshape(n, scale * height, scale * width, -1).permute(0, 3, 1, 2)
