"""Build the documentation's site and look it over: `python -m tools.docs` writes it to .artifacts/site.

A warning of Sphinx's fails the build. So does a link or an anchor of the built pages that leads nowhere, and anything
that a browser would fetch from another site.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tools.parts import ROOT

__all__ = ["build", "problems"]

SITE = ROOT / ".artifacts" / "site"
_LOADING = {"audio", "embed", "iframe", "img", "script", "source", "video"}
"""Elements whose `src` a browser fetches by itself; of `link` it is the `href`."""
_IN_STYLES = re.compile(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""")


class _Page(HTMLParser):
    """What one page links to, what it loads, and its anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors = {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value is not None}
        for name in {"id", "name"} & given.keys():
            self.anchors.add(given[name])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and "href" in given:
            self.loads.append(given["href"])
        elif tag in _LOADING and "src" in given:
            self.loads.append(given["src"])


def build(site: Path) -> None:
    """Build the site anew.

    :param site: the folder to build it in. What is in it is removed.
    :raises subprocess.CalledProcessError: Sphinx warned of something, or failed.
    """
    shutil.rmtree(site, ignore_errors=True)
    options = ["--quiet", "--fail-on-warning", "--fresh-env", "--conf-dir", "docs", "--doctree-dir", f"{site}.doctrees"]
    subprocess.run([sys.executable, "-m", "sphinx", *options, ".", site], cwd=ROOT, check=True)


def problems(site: Path) -> Iterator[str]:
    """Yield what is wrong with a built site: broken links and anchors, and what is loaded from elsewhere."""
    pages = {path.resolve(): _Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        name = path.relative_to(site.resolve())
        for link in (*page.links, *page.loads):
            url = urlsplit(link)
            if url.scheme or url.netloc:
                if link in page.loads and url.scheme != "data":
                    yield f"{name} loads {link}"
                continue
            target = (path.parent / unquote(url.path)).resolve() if url.path else path
            if not target.exists():
                yield f"{name}: {link}: no such file"
            elif target in pages and unquote(url.fragment) not in pages[target].anchors:
                yield f"{name}: {link}: no such anchor"
    for path in sorted(site.rglob("*.css")):
        for link in _IN_STYLES.findall(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(site)} loads {link}"


def main() -> None:
    try:
        build(SITE)
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
    found = list(problems(SITE))
    print(*found, sep="\n", end="\n" if found else "")
    print(f"The site is {SITE / 'index.html'}.")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
