"""A program on azid or on azure-identity, whose names are the same: it makes default credentials.

program.py LIBRARY reads cases as JSON from its standard input, environment variables and parameters, and prints which
credentials each has, sync and async. It uses nothing but the standard library and the library that it is for.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import warnings
from typing import Any


class Transport:
    """Stands in for aiohttp, which azure-identity's environment has not: nothing is sent."""


def links(library: Any, parameters: dict[str, Any]) -> list[str] | str:
    """Return the names of the credentials that a default one asks, or of the error."""
    try:
        credential = library.DefaultAzureCredential(transport=Transport(), **parameters)
    except Exception as error:
        return type(error).__name__
    return [name_of(link) for link in credential.credentials]


def name_of(link: object) -> str:
    """Return a credential's name; of one that could not be made, that of what it stands for."""
    stands_for = getattr(link, "stands_for", None) or getattr(link, "_credential_name", None)
    return f"no {stands_for}" if stands_for else type(link).__name__


if __name__ == "__main__":
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "UsernamePasswordCredential|.*username and password|.*hold a password")
    libraries = {"sync": importlib.import_module(sys.argv[1]), "async": importlib.import_module(f"{sys.argv[1]}.aio")}
    before = dict(os.environ)
    made = []
    for variables, given in json.load(sys.stdin):
        os.environ.clear()
        os.environ.update({**before, **variables})
        made.append({kind: links(library, given) for kind, library in libraries.items()})
    json.dump(made, sys.stdout)
