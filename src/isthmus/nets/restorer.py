"""A network that restores pictures: the picture plus a correction, without a latent between them."""

from __future__ import annotations

from torch import Tensor, nn

from isthmus.nets.network import Network, Output
from isthmus.nets.unet import UNet


class Restorer(Network):
    """A picture of any height and width to the restored one: the picture plus what a U-shaped network adds to it.

    Predicting the correction, not the picture, lets the network start at the identity (Zhang et al. 2017, "Beyond a
    Gaussian denoiser"); its last layer starts at zero.

    Parameters
    ----------
    channels : of a picture.
    widths : channels of the network's levels, the finest first.
    halved : whether the finest level has half the size of the picture.
    """

    def __init__(self, channels: int, widths: tuple[int, ...], *, halved: bool = True) -> None:
        # One bound for each channel, so that a picture may have any size.
        super().__init__(UNet(channels, widths, halved=halved), nn.Identity(), None, (channels, 1, 1), 0)

    def encode(self, x: Tensor) -> Tensor:
        """There is no latent to encode to."""
        raise TypeError("a network that restores pictures has no latent")

    def decode(self, z: Tensor) -> Tensor:
        """There is no latent to decode."""
        raise TypeError("a network that restores pictures has no latent")

    def forward(self, x: Tensor) -> Output:
        """Damaged pictures (n, channels, height, width), missing pixels NaN, to restored ones."""
        x = x.nan_to_num()
        return Output(self.bounds(x + self.encoder(x)), x.new_zeros(len(x), 0), {})
