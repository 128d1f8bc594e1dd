"""U-shaped convolutional network: what a damaged picture lacks, from fine and from coarse views of it."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class UNet(nn.Module):
    """(n, channels, height, width) to a correction of the same shape (Ronneberger et al. 2015)."""

    def __init__(self, channels: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, widths[0], 3, padding=1)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in zip(widths, widths[1:], strict=False))
        self.up = nn.ModuleList(nn.Conv2d(b, a, 3, padding=1) for a, b in zip(widths, widths[1:], strict=False))
        self.last = nn.Conv2d(widths[0], channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Pictures to corrections."""
        side = 2 ** len(self.down)
        height, width = x.shape[2:]
        x = functional.pad(x, (0, -width % side, 0, -height % side), mode="replicate")
        levels = [functional.relu(self.first(x))]
        for layer in self.down:
            levels.append(functional.relu(layer(functional.avg_pool2d(levels[-1], 2))))
        y = levels.pop()
        for layer in reversed(self.up):
            y = functional.relu(functional.interpolate(layer(y), scale_factor=2) + levels.pop())
        return self.last(y)[:, :, :height, :width]


