"""QR codes of characters, read back by a reader of barcodes."""

from __future__ import annotations

import re

import zxingcpp
from PIL import Image, ImageOps

from azid.cli.qr_code import in_black_and_white, qr_code

PAGE = "https://login.microsoft.com/device"
HALVES = {"\u2588": (255, 255), "\u2580": (255, 0), "\u2584": (0, 255), " ": (0, 0)}
"""Upper and lower half of each character on a dark screen."""


def picture(lines: list[str]) -> Image.Image:
    image = Image.new("L", (len(lines[0]), 2 * len(lines)))
    for row, line in enumerate(lines):
        for column, character in enumerate(line):
            for half, colour in enumerate(HALVES[character]):
                image.putpixel((column, 2 * row + half), colour)
    return image.resize((image.width * 6, image.height * 6), Image.Resampling.NEAREST)


def read(image: Image.Image, *, inverted: bool) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(image, try_invert=inverted, try_downscale=False)]


def test_phones_read_it_from_a_dark_screen() -> None:
    assert read(picture(qr_code(PAGE)), inverted=False) == [PAGE]


def test_without_colours_a_light_screen_inverts_it() -> None:
    on_light = ImageOps.invert(picture(qr_code(PAGE)))
    assert read(on_light, inverted=False) == []
    assert read(on_light, inverted=True) == [PAGE]


def test_in_black_and_white_it_is_the_same_on_every_screen() -> None:
    lines = qr_code(PAGE)
    styled = in_black_and_white(lines)
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in styled] == lines
    # White on black, of the 256 colours that no theme changes.
    assert all(line.startswith("\x1b[38;5;231m\x1b[48;5;16m") and line.endswith("\x1b[0m") for line in styled)


def test_it_fits_a_small_terminal() -> None:
    lines = qr_code(PAGE)
    assert {len(line) for line in lines} == {37}
    assert len(lines) == 19
