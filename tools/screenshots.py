"""Make the documentation's pictures: `python -m tools.screenshots` writes docs/images.

It signs somebody in, in Chromium, for the README. The other pages are those that the tests last looked at.
"""

from __future__ import annotations

import io
import sys

from PIL import Image
from playwright.sync_api import Page

from azid import InteractiveBrowserCredential
from azid.emulator import Emulator, User
from tools.chromium import Chromium
from tools.parts import CHROMIUM, ROOT

IMAGES = ROOT / "docs" / "images"
ADA = User("ada.lovelace@contoso.example", password="never typed elsewhere", consented=False)
PEOPLE = (
    ADA,
    User("grace.hopper@contoso.example", password="unused"),
    User("alan.turing@contoso.example", password="unused"),
)

LOOKED_AT = (
    *("phone-4-signed-in", "declined", "failed", "not-the-answer", "too-late-light", "ended-dark"),
    *("home", "username", "wrong-password", "second-factor", "phone-3-consent", "refused", "without-scripts-form-post"),
    *("device-desktop-1-wrong-code", "device-desktop-2-confirm", "device-phone-3-done", "device-declined"),
    *("notebook-light", "notebook-dark"),
)
"""What tests of the pages keep."""
WIDTH, HEIGHT = 520, 540
PIXEL_RATIO = 1.5
COLOURS = 256  # with fewer, the green and red of the small signs go grey


def main() -> None:
    executable = CHROMIUM.locate()
    if executable is None:
        sys.exit(f"{CHROMIUM.name} is missing: {CHROMIUM.remedy}")
    pages: list[bytes] = []

    def sign_in(page: Page) -> None:
        page.get_by_role("button", name=ADA.username).hover()
        pages.append(page.screenshot())
        page.get_by_role("button", name=ADA.username).click()
        page.get_by_label("Password").fill(ADA.password)
        pages.append(page.screenshot())
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Permissions requested").wait_for()
        pages.append(page.screenshot())
        page.get_by_role("button", name="Accept").click()
        page.get_by_role("heading", name="You are signed in").wait_for()
        pages.append(page.screenshot())

    with Emulator(users=PEOPLE) as entra, Chromium(executable) as chromium:
        window = chromium.visitor(sign_in, width=WIDTH, height=HEIGHT, pixel_ratio=PIXEL_RATIO)
        with window as open_browser:
            InteractiveBrowserCredential(
                authority=entra.authority,
                disable_instance_discovery=True,
                connection_verify=entra.ca_file,
                open_browser=open_browser,
                timeout=60,
            ).authenticate(entra.resource_scope)
    IMAGES.mkdir(parents=True, exist_ok=True)
    save("sign-in", pages[:3])
    save("signed-in", pages[3:])
    for name in LOOKED_AT:
        save(name, [(ROOT / ".artifacts" / "screenshots" / f"{name}.png").read_bytes()])


def save(name: str, pages: list[bytes]) -> None:
    """Write pictures, side by side, as one small file."""
    pictures = [Image.open(io.BytesIO(page)).convert("RGB") for page in pages]
    strip = Image.new("RGB", (sum(picture.width for picture in pictures), pictures[0].height))
    left = 0
    for picture in pictures:
        strip.paste(picture, (left, 0))
        left += picture.width
    strip.quantize(COLOURS, dither=Image.Dither.NONE).save(IMAGES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
