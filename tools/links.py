"""Find links of the documentation that lead nowhere: `python -m tools.links`.

Looks without a network: files and anchors of relative links must exist, in the form that GitHub gives to anchors, and
links to other sites must be well-formed https. Raw HTML counts too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from mdit_py_plugins.anchors import anchors_plugin

ROOT = Path(__file__).resolve().parent.parent


class _Page(HTMLParser):
    """The links and anchors of one Markdown file, gathered from the HTML that it becomes."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors = {""}
        markdown = MarkdownIt("commonmark").enable("table").use(anchors_plugin, max_level=6)
        self.feed(markdown.render(file.read_text(encoding="utf-8")))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value is not None:
                self.links.append(value)
            elif value and (name == "id" or (tag == "a" and name == "name")):
                self.anchors.add(value)


def broken_links(root: Path) -> Iterator[tuple[Path, str, str]]:
    """Yield file, link and complaint for every broken link in the Markdown files below `root`.

    Folders whose name begins with a dot are passed over, `.github` excepted.
    """
    files = [file.relative_to(root) for file in sorted(root.rglob("*.md"))]
    files = [file for file in files if not any(part[0] == "." and part != ".github" for part in file.parent.parts)]
    pages = {(root / file).resolve(): _Page(root / file) for file in files}
    for file in files:
        for link in pages[(root / file).resolve()].links:
            complaint = _complaint(root, root / file, link, pages)
            if complaint:
                yield file, link, complaint


def _complaint(root: Path, file: Path, link: str, pages: dict[Path, _Page]) -> str | None:
    url = urlsplit(link)
    if url.scheme == "mailto":
        return None
    if url.scheme or url.netloc:
        return None if url.scheme == "https" and url.hostname else "not an https link"
    target = (file.parent / unquote(url.path)).resolve() if url.path else file.resolve()
    if not target.is_relative_to(root.resolve()):
        return "outside the project"
    if not target.exists():
        return "no such file"
    if target in pages and unquote(url.fragment) not in pages[target].anchors:
        return "no such heading"
    return None


def main() -> None:
    broken = list(broken_links(ROOT))
    for file, link, complaint in broken:
        print(f"{file}: {link}: {complaint}")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
