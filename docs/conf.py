"""Sphinx's settings: `make docs` builds the site from the Markdown files that GitHub shows, and the docstrings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from azid.version import __version__

if TYPE_CHECKING:
    from docutils.nodes import Element
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

project = "azid"
copyright = "azid's authors"  # noqa: A001 - Sphinx's name
version = release = __version__

# The source folder is the checkout's root, so that links between the Markdown files mean here what they mean on GitHub.
root_doc = "docs/README"
include_patterns = ["*.md", "docs/**.md", "docs/**.rst", "drop-in/README.md", "samples/README.md"]
extensions = ["myst_parser", "sphinx.ext.autodoc"]
nitpicky = True
# Other people's names, since the site is built without a network, and types of azid's that are no public names.
nitpick_ignore_regex = [
    ("py:.*", r"(azure|collections|contextlib|os|pathlib|requests|sqlite3|threading|typing)\..*"),
    ("py:.*", r"(.*\.)?(Path|Redis|TokenProvider|datetime|floating point number)"),
    (
        "py:.*",
        r"(.*\.)?(ConnectionCut|ErrorReply|ReplyTooLate|Reply|Request|TokenInfo|UnknownKeyError|UnreadableError)",
    ),
]

myst_enable_extensions = ["html_image"]
myst_heading_anchors = 6

default_role = "code"
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"azid {version}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_additional_pages = {"index": "to_the_root.html"}
templates_path = ["templates"]
html_show_sourcelink = False
html_copy_source = False

_LINK = re.compile(r"\[([^]]+)\]\(([^)#]+\.(?:md|rst))\)")
_HEADING = re.compile(r"^## (.+)$")


def navigation(text: str) -> str:
    """Return the site's navigation: the links of docs/README.md, under its headings."""
    trees: list[str] = []
    for line in text.splitlines():
        if heading := _HEADING.match(line):
            trees.append(f"```{{toctree}}\n:hidden:\n:caption: {heading[1]}\n\n```")
        elif trees and (link := _LINK.search(line)):
            trees[-1] = trees[-1].removesuffix("```") + f"{link[1]} <{link[2]}>\n```"
    return "\n\n".join(trees)


def add_navigation(app: Sphinx, docname: str, source: list[str]) -> None:  # noqa: ARG001 - Sphinx's signature
    if docname == root_doc:
        source[0] += "\n\n" + navigation(source[0])


def find_public_name(
    app: Sphinx,  # noqa: ARG001 - Sphinx's signature
    env: BuildEnvironment,
    node: pending_xref,
    content: Element,
) -> Element | None:
    """Resolve what is meant by a name that docstrings and annotations use: azid's, wherever it is defined."""
    public = f"azid.{node['reftarget'].rpartition('.')[2]}"
    if node.get("refdomain") != "py" or public not in env.domains.python_domain.objects:
        return None
    builder = env.app.builder
    return env.domains.python_domain.resolve_xref(env, node["refdoc"], builder, "obj", public, node, content)


def setup(app: Sphinx) -> None:
    app.connect("source-read", add_navigation)
    app.connect("missing-reference", find_public_name)
