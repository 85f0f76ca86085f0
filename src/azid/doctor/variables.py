"""Environment variables that change what azid does."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Final

from azid.doctor.finding import Finding, Verdict

__all__ = ["check_variables"]

_KNOWN: Final = {
    "AZURE_AUTHORITY_HOST": "the authority",
    "AZURE_IDENTITY_DISABLE_MULTITENANTAUTH": "no other tenants than the credential's own",
    "AZID_STORAGE": "where the command keeps sign-ins",
    "AZID_CONFIG_DIR": "where the command notes the active account",
    "BROWSER": "which browser is opened",
    "REQUESTS_CA_BUNDLE": "which certificates are trusted",
    "CURL_CA_BUNDLE": "which certificates are trusted",
    "NO_PROXY": "which hosts are reached without the proxy",
}


def check_variables(environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Tell which variables are set that matter.

    :param environ: environment variables. Defaults to the process's.
    """
    given = {name: value for name in _KNOWN if (value := environ.get(name))}
    for name, value in given.items():
        yield Finding(name, Verdict.NOTE, f"{value} ({_KNOWN[name]})")
    if not given:
        yield Finding("variables", Verdict.NOTE, "None is set that changes what azid does.")
    if environ.get("SSL_CERT_FILE") and not (environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE")):
        yield Finding(
            "SSL_CERT_FILE",
            Verdict.WARNING,
            "It is set, but requests to the authority do not look at it.",
            "Name the file in REQUESTS_CA_BUNDLE, too",
        )
