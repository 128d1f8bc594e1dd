"""Pictures of every mode and format to one array."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from isthmus.data.images import Pictures, read_pictures
from isthmus.data.png import png_bytes
from isthmus.errors import DataError, MixedSizesError, ParameterError

GREY = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10
RGB = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=-1)
ALPHA = np.dstack([RGB, GREY])
WIDE = GREY.astype(np.uint16) * 257 + 3


@pytest.fixture
def save(tmp_path):
    """Save a picture and give its path."""

    def save_picture(name, picture, **options):
        picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        picture.save(tmp_path / name, **options)
        return tmp_path / name

    return save_picture


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "webp"])
@pytest.mark.parametrize("pixels", [GREY, RGB, ALPHA], ids=["grey", "rgb", "alpha"])
def test_lossless_round_trip(suffix, pixels, save):
    """Pixels come back as they were written, in the formats that keep them."""
    if suffix == "bmp" and pixels is ALPHA:
        pytest.skip("Pillow reads the fourth channel of a BMP file as padding")
    options = {"lossless": True, "exact": True} if suffix == "webp" else {}
    found = read_pictures([save(f"a.{suffix}", pixels, **options)])
    expected = np.stack([pixels] * 3, axis=-1) if suffix == "webp" and pixels is GREY else pixels  # WebP has no grey
    np.testing.assert_array_equal(found.array, expected[None])


@pytest.mark.parametrize(("pixels", "shape"), [(GREY, (1, 4, 6)), (RGB, (1, 4, 6, 3))])
def test_jpeg(pixels, shape, save):
    """JPEG pictures are grey or RGB."""
    assert read_pictures([save("a.jpg", pixels)]).shape == shape


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_16_bits(suffix, save):
    """Grey pictures of 16 bits keep them."""
    found = read_pictures([save(f"a.{suffix}", WIDE)]).array
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found[0], WIDE)


def test_grey_of_8_bits_beside_16(save):
    """White stays white: 255 becomes 65535."""
    found = read_pictures([save("a.png", WIDE), save("b.png", GREY)]).array
    np.testing.assert_array_equal(found[1], GREY.astype(np.uint16) * 257)


def test_16_bits_beside_colours(save):
    """Beside coloured pictures 16 bits become 8."""
    found = read_pictures([save("a.png", WIDE), save("b.png", RGB)]).array
    np.testing.assert_array_equal(found[0], np.stack([WIDE >> 8] * 3, axis=-1))


def test_floats(save):
    """TIFF pictures of floats stay floats, and do not mix with others."""
    floats = GREY.astype(np.float32) / 7
    found = read_pictures([save("a.tiff", floats)]).array
    np.testing.assert_array_equal(found[0], floats)
    with pytest.raises(DataError, match="floats and of integers cannot be mixed"):
        read_pictures([save("a.tiff", floats), save("b.png", GREY)])


def test_one_bit_is_grey(save):
    """Black and white are 0 and 255."""
    found = read_pictures([save("a.png", Image.fromarray(GREY > 100))]).array
    np.testing.assert_array_equal(found[0], (GREY > 100) * 255)


@pytest.mark.parametrize(("mode", "name"), [("P", "a.png"), ("CMYK", "a.tiff"), ("YCbCr", "a.tiff")])
def test_other_modes_become_rgb(mode, name, save):
    """Palettes and other colour models are three channels of 8 bits."""
    found = read_pictures([save(name, Image.fromarray(RGB).convert(mode))])
    assert (found.shape, found.array.dtype) == ((1, 4, 6, 3), np.uint8)


def test_one_coloured_picture_makes_all_rgb(save):
    """Grey pictures beside coloured ones have three equal channels."""
    found = read_pictures([save("a.png", GREY), save("b.png", RGB)]).array
    np.testing.assert_array_equal(found, np.stack([np.stack([GREY] * 3, axis=-1), RGB]))


@pytest.mark.parametrize(("mode", "shape"), [("RGBA", (1, 4, 6, 3)), ("LA", (1, 4, 6))])
def test_opaque_alpha_is_dropped(mode, shape, save):
    """An alpha channel that is 255 everywhere is not data; without it grey is grey."""
    picture = Image.fromarray(GREY).convert(mode)
    assert read_pictures([save("a.png", picture)]).shape == shape


def test_alpha_of_one_picture_is_kept_for_all(save):
    """One transparent pixel gives all pictures four channels."""
    found = read_pictures([save("a.png", ALPHA), save("b.png", GREY)]).array
    np.testing.assert_array_equal(found[0], ALPHA)
    np.testing.assert_array_equal(found[1, ..., 3], 255)


def test_transparent_palette_has_alpha(save):
    """A palette with a transparent colour has four channels."""
    picture = Image.fromarray(GREY).convert("P")
    assert read_pictures([save("a.png", picture, transparency=0)]).shape == (1, 4, 6, 4)


def test_orientation_is_applied(save):
    """A photograph that says it lies on its side is turned."""
    exif = Image.Exif()
    exif[0x0112] = 6
    found = read_pictures([save("a.png", GREY, exif=exif)]).array
    np.testing.assert_array_equal(found[0], np.rot90(GREY, -1))


@pytest.mark.parametrize("name", ["a.png", "a.tiff", "a.webp"])
def test_first_frame(name, save):
    """Of several frames the first is used, which is said."""
    frames = [Image.fromarray(RGB), Image.fromarray(255 - RGB)]
    options = {"lossless": True} if name.endswith("webp") else {}
    found = read_pictures([save(name, frames[0], save_all=True, append_images=frames[1:], **options)])
    np.testing.assert_array_equal(found.array[0], RGB)
    assert found.notes == (f"Picture '{name}' has several frames; the first is used.",)


def test_several_sizes_are_an_error(save):
    """The odd ones are named, at most five, with the size of most."""
    most = [save(f"m{i}.png", GREY) for i in range(8)]
    odd = [save(f"o{i}.png", GREY[: i % 2 + 1]) for i in range(7)]
    message = r"3 sizes: 8 of 15 are 4 x 6 .*o0\.png \(1 x 6\), .*o4\.png \(1 x 6\) and 2 more; .*--size 4x6"
    with pytest.raises(MixedSizesError, match=message) as error:
        read_pictures(most + odd)
    assert error.value.groups == [[str(f) for f in files] for files in (most, odd[::2], odd[1::2])]


@pytest.mark.parametrize("pixels", [GREY, RGB, ALPHA, WIDE, GREY / np.float32(7)], ids=["L", "RGB", "RGBA", "16", "F"])
def test_size_stretches_all(pixels, save):
    """With a size all pictures get it, in every mode, and a picture of that size is unchanged."""
    files = [save("a.tiff", pixels), save("b.tiff", np.repeat(np.repeat(pixels, 2, axis=0), 2, axis=1))]
    found = read_pictures(files, size=(4, 6)).array
    np.testing.assert_array_equal(found[0], pixels)
    assert found.shape[1:3] == (4, 6)
    inner = np.abs(found[1][1:-1, 1:-1].astype(float) - pixels[1:-1, 1:-1])
    assert inner.max() < 0.1 * pixels.max()


@pytest.mark.parametrize("size", [(0, 4), (4,), "4x4", (2**14, 2**14), (2.0, 2)])
def test_size_is_checked(size, save):
    """A size that cannot be is an error with what is allowed."""
    with pytest.raises(ParameterError, match=r"size must be \(height, width\)"):
        read_pictures([save("a.png", GREY)], size=size)
    with pytest.raises(ParameterError, match="on_bad_image must be"):
        read_pictures([save("a.png", GREY)], on_bad_image="ignore")


@pytest.mark.parametrize("share", [0.1, 0.6])
def test_broken_picture(share, save):
    """A broken picture is an error with its name, or is skipped and counted."""
    good, bad = save("good.png", RGB), save("bad.png", np.random.default_rng(0).integers(0, 255, (4, 6, 3), np.uint8))
    bad.write_bytes(bad.read_bytes()[: int(len(bad.read_bytes()) * share)])
    with pytest.raises(DataError, match=r"bad\.png is not a picture that can be read .*--on-bad-image skip"):
        read_pictures([good, bad])
    found = read_pictures([bad, good], on_bad_image="skip")
    assert (len(found), found.files, found.skipped) == (1, (good.as_posix(),), (bad.as_posix(),))
    assert found.notes == ("Skipped 1 of 2 pictures as unreadable: 'bad.png'.",)
    with pytest.raises(DataError, match=r"None of the 1 pictures could be read; the first: .*bad\.png"):
        read_pictures([bad], on_bad_image="skip")


def test_other_formats_are_not_tried(save):
    """A GIF file is refused even under the name of another format."""
    file = save("a.gif", GREY)
    renamed = file.rename(file.with_suffix(".png"))
    with pytest.raises(DataError, match="readable are PNG, JPEG, WebP, BMP and TIFF"):
        read_pictures([renamed])


@pytest.mark.parametrize("most", [20, 5])
def test_too_many_pixels(most, save, monkeypatch):
    """A picture whose header states too many pixels is refused before it is decoded."""
    monkeypatch.setattr("isthmus.data.picture_checks.MAX_PIXELS", most)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(DataError, match=rf"a\.png has .*more than the {most} "):
        read_pictures([save("a.png", GREY)])


def test_nothing_to_read():
    """An empty list is an error."""
    with pytest.raises(DataError, match="no pictures to read"):
        read_pictures([])


def test_pictures_are_arrays():
    """NumPy sees the pixels."""
    pictures = Pictures(RGB[None], ("a.png",))
    np.testing.assert_array_equal(np.asarray(pictures), RGB[None])
    assert (len(pictures), pictures.shape) == (1, (1, 4, 6, 3))


@pytest.mark.parametrize("pixels", [GREY, RGB, ALPHA, GREY[..., None]], ids=["grey", "rgb", "alpha", "one channel"])
def test_png_round_trip(pixels):
    """Pixels drawn over their own range are those of the file."""
    found = np.asarray(Image.open(io.BytesIO(png_bytes(pixels))))
    np.testing.assert_array_equal(found, pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def test_png_of_16_bits():
    """Grey of 16 bits over its whole range keeps it."""
    found = np.asarray(Image.open(io.BytesIO(png_bytes(WIDE, (0, 65535)))))
    np.testing.assert_array_equal(found, WIDE)


def test_png_range():
    """Values are drawn between the ends of the range, clipped beyond; NaN is black."""
    values = np.array([[-1.0, 0.0, 0.5, 1.0, 2.0, np.nan]])
    found = np.asarray(Image.open(io.BytesIO(png_bytes(values, (0, 1)))))
    assert found.tolist() == [[0, 0, 128, 255, 255, 0]]


def test_png_of_what_is_no_picture():
    """A shape or range that cannot be drawn is an error."""
    with pytest.raises(DataError, match=r"\(h, w, 4\); got \(2, 2, 2\)"):
        png_bytes(np.zeros((2, 2, 2)))
    with pytest.raises(ParameterError, match="low < high"):
        png_bytes(GREY, (1, 1))
