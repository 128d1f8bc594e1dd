"""How good restored pictures are, beside classical filters: error, PSNR and SSIM per picture, and a table of them.

Pictures are (n, height, width) or (n, height, width, channels), in any one unit; ``data_range`` is the difference between
the highest and the lowest value that a pixel can have (255 for 8 bits). Every function
here raises `DataError` where pictures do not fit each other, `ParameterError` where ``data_range`` is not above 0.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from isthmus.errors import DataError, MissingPackageError, ParameterError
from isthmus.filters import HOLE_FILTERS, NOISE_FILTERS, HoleFilter, NoiseFilter, evenly, holes_of, total_variation

WINDOW_SIGMA, WINDOW_RADIUS = 1.5, 5
"""The Gaussian window of SSIM: 11 x 11 pixels."""
K1, K2 = 0.01, 0.03
"""SSIM's guards against division by nearly nothing, in data ranges."""
EXACT = 100.0
"""PSNR in dB at which a picture counts in a mean at most, so that one restored exactly does not make the mean infinite."""
BLOCK = 2**20
"""Pixel values measured at a time."""

Way = Callable[[int], NDArray[Any]]  # the number of a picture -> that picture restored, (1, h, w[, channels])


def mse(restored: NDArray[Any], clean: NDArray[Any]) -> NDArray[np.float64]:
    """Mean squared error of each picture, in the square of the pictures' unit.

    Parameters
    ----------
    restored, clean : (n, h, w) or (n, h, w, channels)

    Returns
    -------
    (n,)

    Examples
    --------
    >>> mse(np.full((1, 2, 2), 3), np.full((1, 2, 2), 1))
    array([4.])
    """
    _check_pictures(restored, clean)
    return _measured(lambda a, b: np.mean((a - b) ** 2, axis=tuple(range(1, a.ndim))), restored, clean)


def psnr(restored: NDArray[Any], clean: NDArray[Any], data_range: float) -> NDArray[np.float64]:
    """Peak signal-to-noise ratio of each picture in dB: 10 log10(data_range^2 / mse); higher is better.

    Parameters
    ----------
    restored, clean : (n, h, w) or (n, h, w, channels)
    data_range : highest minus lowest possible value, > 0.

    Returns
    -------
    (n,); infinite for a picture restored exactly.

    Examples
    --------
    >>> psnr(np.full((1, 2, 2), 0.1), np.zeros((1, 2, 2)), data_range=1).round(6)
    array([20.])
    """
    _check_range(data_range)
    with np.errstate(divide="ignore"):
        decibels: NDArray[np.float64] = 10 * np.log10(data_range**2 / mse(restored, clean))
    return decibels


def ssim(restored: NDArray[Any], clean: NDArray[Any], data_range: float) -> NDArray[np.float64]:
    """Structural similarity of each picture: 1 is the same picture (Wang, Bovik, Sheikh and Simoncelli 2004).

    Gaussian window of 11 x 11 pixels (sigma 1.5), K1 = 0.01, K2 = 0.03, averaged over the places where the window lies
    inside the picture and over the channels, as in scikit-image with ``gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False``. A picture with a side of less than 11 pixels gets the largest window of odd size that
    fits its smaller side; a window of one pixel compares brightness only.

    Parameters
    ----------
    restored, clean : (n, h, w) or (n, h, w, channels)
    data_range : highest minus lowest possible value, > 0.

    Returns
    -------
    (n,) at most 1.

    Examples
    --------
    >>> ramp = np.linspace(0, 1, 16).reshape(1, 1, 16).repeat(16, axis=1)
    >>> float(ssim(ramp, ramp, data_range=1)[0])
    1.0
    >>> bool(ssim(ramp[:, :, ::-1], ramp, data_range=1)[0] < 0.5)
    True
    """
    _check_range(data_range)
    _check_pictures(restored, clean)
    radius = min(WINDOW_RADIUS, (min(np.shape(clean)[1:3]) - 1) // 2)
    return _measured(functools.partial(_ssim, radius=radius, data_range=data_range), restored, clean)


def _ssim(a: NDArray[np.float64], b: NDArray[np.float64], radius: int, data_range: float) -> NDArray[np.float64]:
    def blurred(x: NDArray[np.float64]) -> NDArray[np.float64]:
        # What is blurred over the border is cut off, so how the border is continued does not matter.
        wide = scipy.ndimage.gaussian_filter(x, WINDOW_SIGMA, axes=(1, 2), radius=radius)
        inside: NDArray[np.float64] = wide[:, radius : x.shape[1] - radius, radius : x.shape[2] - radius]
        return inside

    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    mean_a, mean_b = blurred(a), blurred(b)
    squares, product = mean_a**2 + mean_b**2, mean_a * mean_b
    spread, shared = blurred(a * a + b * b) - squares, blurred(a * b) - product
    similar = (2 * product + c1) * (2 * shared + c2) / ((squares + c1) * (spread + c2))
    averaged: NDArray[np.float64] = similar.mean(axis=tuple(range(1, a.ndim)))
    return averaged


@dataclass(frozen=True)
class Row:
    """What one way of restoring reached.

    Attributes
    ----------
    name : of the filter or the model.
    mse : mean squared error, in the square of the pictures' unit; None where it could not be measured.
    psnr : mean over the pictures of the PSNR in dB; a picture counts with 100 at most.
    ssim : mean over the pictures.
    seconds : median per picture; None for pictures that came restored.
    pictures : how many were measured.
    note : why there are no figures, such as "needs scikit-image"; else empty.
    """

    name: str
    mse: float | None = None
    psnr: float | None = None
    ssim: float | None = None
    seconds: float | None = None
    pictures: int = 0
    note: str = ""


def compare_filters(
    noisy: NDArray[Any],
    clean: NDArray[Any],
    restored: Mapping[str, NDArray[Any]],
    data_range: float,
    mask: NDArray[Any] | None = None,
    sigma: float | None = None,
    most: int = 200,
    tv_weight: float | None = None,
) -> list[Row]:
    """Measure restored pictures and the classical filters on the same pictures.

    The filters are "untouched" and "median"; against holes (``mask`` is given) "fill" and "inpainting"; against noise
    (no mask, or ``sigma`` is given) "total variation" and "non-local means". Those that need scikit-image say so where it
    is missing.

    Parameters
    ----------
    noisy, clean : (n, h, w) or (n, h, w, channels), the damaged pictures and the truth.
    restored : name -> pictures of the same shape, such as those of a network.
    data_range : highest minus lowest possible value, > 0.
    mask : (n, h, w), (h, w) for all pictures, or of the shape of ``noisy``; True where a pixel is missing.
    sigma : standard deviation of the noise as a fraction of ``data_range``; None lets the filters estimate it in each
        picture, which serves them less well where noise was clipped.
    most : pictures to measure (default 200); of more, they are drawn evenly.
    tv_weight : weight for "total variation", see `isthmus.filters.best_tv_weight`; None: its rule for ``sigma``.

    Returns
    -------
    One `Row` per filter, then one per entry of ``restored``.

    Raises
    ------
    DataError
        When shapes differ, or a pixel of ``clean`` or ``noisy`` is missing (NaN).
    ParameterError
        When ``data_range``, ``sigma`` or ``most`` is out of range.

    Examples
    --------
    >>> clean = np.linspace(0, 1, 32).reshape(1, 1, 32).repeat(32, axis=1)
    >>> noisy = clean + np.random.default_rng(0).normal(0, 0.1, size=clean.shape)
    >>> rows = compare_filters(noisy, clean, {"perfect": clean}, data_range=1, sigma=0.1)
    >>> {row.name: round(row.psnr) for row in rows if row.name in ("untouched", "median", "perfect")}
    {'untouched': 20, 'median': 27, 'perfect': 100}
    """
    _check_range(data_range)
    for name, pictures in {"noisy": noisy, **restored}.items():
        _check_pictures(pictures, clean, name)
    if sigma is not None and not 0 <= sigma < np.inf:
        raise ParameterError(f"sigma must be a number >= 0, the noise as a fraction of data_range; got {sigma!r}.")
    if len(clean) == 0:
        raise DataError("there are no pictures to compare.")
    chosen = evenly(len(clean), most)
    _check_seen(clean, chosen, "clean")
    _check_seen(noisy, chosen, "noisy")

    def against_noise(restore: NoiseFilter) -> Way:
        return lambda i: restore(noisy[i : i + 1] / data_range, sigma) * data_range

    def against_holes(restore: HoleFilter, holes: NDArray[np.bool_]) -> Way:
        return lambda i: restore(noisy[i : i + 1], holes[i : i + 1])

    noise_filters = NOISE_FILTERS | {"total variation": functools.partial(total_variation, weight=tv_weight)}
    ways = {
        name: against_noise(restore)
        for name, restore in noise_filters.items()
        if mask is None or sigma is not None or name in ("untouched", "median")
    }
    if mask is not None:
        holes = holes_of(mask, np.shape(noisy))
        ways |= {name: against_holes(restore, holes) for name, restore in HOLE_FILTERS.items()}
    rows = [_row(name, way, clean, chosen, data_range) for name, way in ways.items()]
    for name, pictures in restored.items():
        row = _row(name, lambda i, pictures=pictures: pictures[i : i + 1], clean, chosen, data_range)  # type: ignore[misc]
        rows.append(replace(row, seconds=None))
    return rows


def _row(name: str, way: Way, clean: NDArray[Any], chosen: NDArray[np.intp], data_range: float) -> Row:
    """Restore and measure picture by picture, so that many large pictures take little memory."""
    figures, seconds = [], []
    for i in chosen.tolist():
        start = time.perf_counter()
        try:
            picture = way(i)
        except MissingPackageError:
            return Row(name, note="needs scikit-image")
        seconds.append(time.perf_counter() - start)
        truth = clean[i : i + 1]
        decibels = np.minimum(psnr(picture, truth, data_range), EXACT)
        figures.append((mse(picture, truth)[0], decibels[0], ssim(picture, truth, data_range)[0]))
    squares, decibel, similar = np.mean(figures, axis=0).tolist()
    # The median leaves out the time of the first picture, which may hold that of an import.
    return Row(name, squares, decibel, similar, float(np.median(seconds)), len(chosen))


def text_table(rows: Sequence[Row]) -> str:
    """The rows as plain text, one line each under a heading.

    Examples
    --------
    >>> print(text_table([Row("median", 0.01, 20.0, 0.5, 0.001, 8), Row("non-local means", note="needs scikit-image")]))
                     PSNR, dB   SSIM        MSE  s/picture
    median              20.00  0.500       0.01     0.0010
    non-local means  needs scikit-image
    """
    width = max((len(row.name) for row in rows), default=0)
    lines = [f"{'':{width}}  PSNR, dB   SSIM        MSE  s/picture"]
    for row in rows:
        seconds = "" if row.seconds is None else f"{row.seconds:.4f}"
        figures = row.note or f"{row.psnr:8.2f}  {row.ssim:5.3f}  {row.mse:9.4g}  {seconds:>9}"
        lines.append(f"{row.name:{width}}  {figures}".rstrip())
    return "\n".join(lines)


def _check_range(data_range: float) -> None:
    if not 0 < data_range < np.inf:
        raise ParameterError(
            f"data_range must be a number > 0, the highest minus the lowest value of a pixel; got {data_range!r}."
        )


def _check_pictures(restored: NDArray[Any], clean: NDArray[Any], name: str = "restored") -> None:
    shape = np.shape(clean)
    if len(shape) not in (3, 4) or 0 in shape[1:]:
        raise DataError(
            f"clean must be pictures, (n, height, width) or (n, height, width, channels); got shape {shape}."
        )
    if len(shape) == 4 and shape[1] <= 4 < shape[3]:
        raise DataError(
            f"clean of shape {shape} seems to hold its channels first; move them last: .transpose(0, 2, 3, 1)."
        )
    if np.shape(restored) != shape:
        raise DataError(f"{name} has shape {np.shape(restored)}, clean {shape}; both must hold the same pictures.")


def _check_seen(pictures: NDArray[Any], chosen: NDArray[np.intp], name: str) -> None:
    """A comparison needs a value in each pixel of the truth and of what the filters start from."""
    for i in chosen.tolist():
        if np.isnan(pictures[i]).any():
            advice = "; put a number, such as 0, there and name the pixels in mask" if name == "noisy" else ""
            raise DataError(f"picture {i} of {name} has missing pixels (NaN){advice}.")


def _measured(
    figure: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]],
    restored: NDArray[Any],
    clean: NDArray[Any],
) -> NDArray[np.float64]:
    """``figure`` of the pictures in float64, a block of pictures at a time."""
    step = max(1, BLOCK // max(1, int(np.prod(np.shape(clean)[1:]))))
    result = np.empty(len(clean))
    for i in range(0, len(clean), step):
        block = slice(i, i + step)
        result[block] = figure(np.asarray(restored[block], np.float64), np.asarray(clean[block], np.float64))
    return result
