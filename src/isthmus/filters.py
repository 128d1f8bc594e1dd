"""Classical filters: how pictures are restored without a network, as a table of named functions.

Pictures are (n, height, width) or (n, height, width, channels), their values about 0 to 1; what comes back is float64 of
the same shape. Nothing is clipped: noise may reach beyond the range, and so may what is left of it.

A filter against noise takes the noise level, the standard deviation of the noise as a fraction of the range, or None where
it is not known: it is then estimated in each picture. A filter against holes takes a mask, True where a pixel is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.ndimage
import scipy.sparse
import scipy.sparse.linalg
from numpy.typing import NDArray

from isthmus.errors import DataError, ParameterError
from isthmus.optional import need

Pictures = NDArray[np.float64]
NoiseFilter = Callable[[NDArray[Any], float | None], Pictures]
HoleFilter = Callable[[NDArray[Any], NDArray[Any]], Pictures]

QUIET = 1e-4
"""Noise below this share of the range is left as it is: less than a tenth of one of 256 grey levels."""
NLM_STRENGTH = 0.7
"""Non-local means: filter strength over noise level. Best (to 0.05 dB) on 25 pictures of train400 at noise of 10 to 50
of 255; the 0.8 that scikit-image advises for the same algorithm loses 0.1 dB there."""
TV_PRECISION = 5e-5
"""Change of the energy at which the iterations stop. scikit-image's 2e-4 stops early enough to cost 0.1 dB."""
TV_WEIGHTS = np.geomspace(5e-3, 2.0, 13)
"""Among these, then around the best of these, the best weight is looked for: the error is too rugged for a descent."""
DB2 = (-0.48296291314453416, 0.8365163037378079, -0.2241438680420134, -0.12940952255126037)
"""The high-pass filter of Daubechies' wavelet with two vanishing moments."""
HALF_OF_NORMAL = 0.6744897501960817
"""Median of the size of a standard normal number."""


def noise_level(noisy: NDArray[Any]) -> Pictures:
    """Standard deviation of the noise of each picture, estimated from its finest details.

    The median size of the diagonal wavelet coefficients over 0.6745 (Donoho and Johnstone 1994, "Ideal spatial adaptation
    by wavelet shrinkage"). Coefficients of exactly 0, those of flat areas where noise was clipped away, are left out.

    Parameters
    ----------
    noisy : (n, h, w) or (n, h, w, channels)

    Returns
    -------
    (n,) in the unit of the pictures; the mean over the channels; 0 for a flat picture.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(0, 0.1, size=(1, 200, 200))
    >>> noise_level(0.5 + noise).round(2)
    array([0.1])
    """
    planes = np.asarray(noisy, dtype=np.float64)
    planes = planes[..., None] if planes.ndim == 3 else planes
    details = scipy.ndimage.correlate1d(scipy.ndimage.correlate1d(planes, DB2, axis=1), DB2, axis=2)
    # A flat area leaves rounding errors, not exactly 0.
    sizes = np.where(np.abs(details) > 1e-12 * np.abs(planes).max(initial=0.0), np.abs(details), np.nan)
    levels = [
        [np.nanmedian(plane) if np.isfinite(plane).any() else 0.0 for plane in np.moveaxis(picture, -1, 0)]
        for picture in sizes
    ]
    estimate: Pictures = np.reshape(levels, (len(planes), planes.shape[3])).mean(axis=1) / HALF_OF_NORMAL
    return estimate


def untouched(noisy: NDArray[Any], sigma: float | None = None) -> Pictures:
    """The noisy pictures themselves: what doing nothing gives."""
    return np.asarray(noisy, dtype=np.float64)


def median(noisy: NDArray[Any], sigma: float | None = None) -> Pictures:
    """Each pixel becomes the median of the 3 x 3 pixels around it, channel by channel."""
    pictures = np.asarray(noisy, dtype=np.float64)
    size = (1, 3, 3, 1)[: pictures.ndim]
    filtered: Pictures = scipy.ndimage.median_filter(pictures, size=size, mode="reflect")
    return filtered


def total_variation(noisy: NDArray[Any], sigma: float | None = None, weight: float | None = None) -> Pictures:
    """The picture nearest to the noisy one whose total variation is small (Chambolle 2004). Needs scikit-image.

    Parameters
    ----------
    noisy : (n, h, w) or (n, h, w, channels), about 0 to 1.
    sigma : noise level; None estimates it in each picture.
    weight : how much the variation counts. None: ``sigma * (0.5 + 2 * sigma)``, at most ``sigma``, which is within
        0.1 dB of the best weight on 10 pictures of train400 at noise of 10 to 75 of 255. `best_tv_weight` finds the weight
        that suits one's own pictures.

    Raises
    ------
    MissingPackageError
        Without scikit-image.
    """
    restoration = need("skimage.restoration", extra="images")

    def denoise(picture: Pictures, level: float) -> Any:
        strength = level * min(1.0, 0.5 + 2 * level) if weight is None else weight
        axis = -1 if picture.ndim == 3 else None
        return restoration.denoise_tv_chambolle(picture, weight=strength, eps=TV_PRECISION, channel_axis=axis)

    return _one_by_one(denoise, noisy, sigma if weight is None else 1.0)


def non_local_means(noisy: NDArray[Any], sigma: float | None = None) -> Pictures:
    """Each pixel becomes a mean of pixels whose surroundings look alike (Buades et al. 2005). Needs scikit-image.

    Patches of 5 x 5, looked for within 6 pixels, in the fast form of Darbon et al. 2008, the noise taken off the patches'
    distances; strength `NLM_STRENGTH` x noise level.

    Parameters
    ----------
    noisy : (n, h, w) or (n, h, w, channels), about 0 to 1.
    sigma : noise level; None estimates it in each picture.

    Raises
    ------
    MissingPackageError
        Without scikit-image.
    """
    restoration = need("skimage.restoration", extra="images")

    def denoise(picture: Pictures, level: float) -> Any:
        return restoration.denoise_nl_means(
            picture, patch_size=5, patch_distance=6, h=NLM_STRENGTH * level, sigma=level, fast_mode=True,
            channel_axis=-1 if picture.ndim == 3 else None,
        )  # fmt: skip

    return _one_by_one(denoise, noisy, sigma)


def _one_by_one(denoise: Callable[[Pictures, float], Any], noisy: NDArray[Any], sigma: float | None) -> Pictures:
    """``denoise(picture, noise level)`` of each picture that has noise."""
    pictures = np.asarray(noisy, dtype=np.float64)
    levels = noise_level(pictures) if sigma is None else np.full(len(pictures), sigma)
    restored = pictures.copy()
    for i, level in enumerate(levels):
        if level > QUIET:
            restored[i] = denoise(pictures[i], float(level))
    return restored


def fill(noisy: NDArray[Any], mask: NDArray[Any]) -> Pictures:
    """Fill holes by diffusion: each missing pixel is the mean of its neighbours (Laplace's equation).

    Parameters
    ----------
    noisy : (n, h, w) or (n, h, w, channels); what stands in the holes is not looked at.
    mask : (n, h, w), (h, w) for all pictures, or of the shape of ``noisy``; True where a pixel is missing.

    Returns
    -------
    The pictures with their holes filled. A picture without any known pixel has nothing to be filled from: zeros.

    Examples
    --------
    >>> ramp = np.linspace(0, 1, 5)[None, None, :].repeat(5, axis=1)
    >>> hole = np.zeros((5, 5), dtype=bool)
    >>> hole[1:4, 1:4] = True
    >>> bool(np.allclose(fill(np.where(hole, 0, ramp), hole), ramp, atol=0.05))
    True
    """
    return _into_holes(_diffuse, noisy, mask)


def inpainting(noisy: NDArray[Any], mask: NDArray[Any]) -> Pictures:
    """Fill holes smoothly, slopes included (biharmonic; Damelin and Hoang 2018). Needs scikit-image.

    Parameters and result are those of `fill`.

    Raises
    ------
    MissingPackageError
        Without scikit-image.
    """
    restoration = need("skimage.restoration", extra="images")

    def inpaint(picture: Pictures, hole: NDArray[np.bool_]) -> Any:
        # It asks for a mask that can be written to, and ours may be one picture's, shown for all.
        return restoration.inpaint_biharmonic(picture, hole.copy(), channel_axis=-1)

    return _into_holes(inpaint, noisy, mask)


def holes_of(mask: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The mask of pictures of ``shape`` as (n, h, w); a pixel is missing where any of its channels is."""
    holes: NDArray[np.bool_] = np.asarray(mask, dtype=bool)
    if holes.shape == shape and len(shape) == 4:
        holes = np.any(holes, axis=3)
    if holes.shape not in (shape[:3], shape[1:3]):
        raise DataError(
            f"the mask has shape {np.shape(mask)}, the pictures {shape}; the mask must be {shape[:3]}, True where a pixel "
            f"is missing, or {shape[1:3]} for all pictures."
        )
    full: NDArray[np.bool_] = np.broadcast_to(holes, shape[:3])
    return full


def _into_holes(inpaint: Callable[[Pictures, NDArray[np.bool_]], Any], noisy: NDArray[Any], mask: Any) -> Pictures:
    """``inpaint(picture (h, w, channels), hole (h, w))`` of each picture that has holes and known pixels."""
    pictures = np.array(noisy, dtype=np.float64)
    holes = holes_of(mask, pictures.shape)
    pictures[holes] = 0.0
    planes = pictures[..., None] if pictures.ndim == 3 else pictures
    for picture, hole in zip(planes, holes, strict=True):
        if hole.any() and not hole.all():
            picture[hole] = np.reshape(inpaint(picture, hole), picture.shape)[hole]
    return pictures


def _diffuse(picture: Pictures, hole: NDArray[np.bool_]) -> Pictures:
    """Solve Laplace's equation in the hole; the picture's border lets nothing through."""
    rows, columns = np.nonzero(hole)
    count = len(rows)
    number = np.full(hole.shape, -1)
    number[hole] = np.arange(count)
    neighbours, entries = np.zeros(count), []
    known = np.zeros((count, picture.shape[2]))
    for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        y, x = rows + down, columns + right
        inside = np.flatnonzero((y >= 0) & (y < hole.shape[0]) & (x >= 0) & (x < hole.shape[1]))
        y, x = y[inside], x[inside]
        neighbours[inside] += 1
        missing = hole[y, x]
        known[inside[~missing]] += picture[y[~missing], x[~missing]]
        entries.append((inside[missing], number[y[missing], x[missing]]))
    i, j = np.concatenate(entries, axis=1)
    matrix = scipy.sparse.diags_array(neighbours) - scipy.sparse.coo_array((np.ones(len(i)), (i, j)), (count, count))
    factors = scipy.sparse.linalg.splu(
        matrix.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
    )
    filled = picture.copy()
    filled[hole] = factors.solve(known)
    return filled


NOISE_FILTERS: dict[str, NoiseFilter] = {
    "untouched": untouched,
    "median": median,
    "total variation": total_variation,
    "non-local means": non_local_means,
}
"""Name -> function(noisy, noise level or None) -> restored."""
HOLE_FILTERS: dict[str, HoleFilter] = {"fill": fill, "inpainting": inpainting}
"""Name -> function(noisy, mask) -> restored."""


def best_tv_weight(noisy: NDArray[Any], clean: NDArray[Any], most: int = 10) -> float:
    """The weight of `total_variation` with the highest mean PSNR on training pictures.

    The fair strength for a filter that is compared with a network: both have then seen the training pictures.

    Parameters
    ----------
    noisy, clean : (n, h, w) or (n, h, w, channels), about 0 to 1.
    most : pictures to look at, drawn evenly (default 10: seconds for pictures of 180 x 180).

    Returns
    -------
    float between 0.003 and 3.3, in steps of 13 %.

    Raises
    ------
    MissingPackageError
        Without scikit-image.
    """
    if np.shape(noisy) != np.shape(clean) or len(noisy) == 0:
        raise DataError(f"noisy and clean must be pictures of one shape; got {np.shape(noisy)} and {np.shape(clean)}.")
    chosen = evenly(len(noisy), most)
    seen, truth = np.asarray(noisy)[chosen], np.asarray(clean, dtype=np.float64)[chosen]

    def error(weight: float) -> float:
        squares = (total_variation(seen, weight=weight) - truth) ** 2
        return float(np.log(squares.reshape(len(squares), -1).mean(axis=1) + 1e-12).mean())

    step = TV_WEIGHTS[1] / TV_WEIGHTS[0]
    coarse = min(TV_WEIGHTS, key=error)
    return float(min(np.geomspace(coarse / step, coarse * step, 9), key=error))


def evenly(count: int, most: int) -> NDArray[np.intp]:
    """At most ``most`` numbers below ``count``, evenly spread from the first to the last.

    >>> evenly(10, 4)
    array([0, 3, 6, 9])
    """
    if most < 1:
        raise ParameterError(f"most must be an integer >= 1, the pictures to look at; got {most!r}.")
    return np.round(np.linspace(0, count - 1, min(count, most))).astype(np.intp)
