"""``azid token``: an access token, without asking anybody."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import click

from azid.cli.failures import CommandFailed
from azid.cli.output import answer, answer_json, output_option, rfc3339
from azid.cli.who import Who, claims_option, scope_option, who_options

if TYPE_CHECKING:
    from azid.tokens.access import TokenInfo

__all__ = ["exec_credential", "token"]

_EXEC_INFO: Final = "KUBERNETES_EXEC_INFO"
_EXEC_VERSIONS: Final = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")


@click.command(
    epilog="It never asks anybody: where a person has to sign in first it exits with 3, and standard error names the "
    "'azid login' that does it."
)
@scope_option
@claims_option
@click.option("--cae", is_flag=True, help="Ask for continuous access evaluation.")
@who_options
@output_option("header", "kubectl")
def token(scopes: tuple[str, ...], claims: str | None, cae: bool, who: Who, output: str) -> None:
    """Print an access token.

    \b
    Examples:
      azid token                                   for Azure Resource Manager
      azid token --scope https://graph.microsoft.com/.default
      azid token --output json | jq .expires_on
      azid token --output header | curl --header @- \\
          https://management.azure.com/subscriptions?api-version=2022-12-01

    \b
    As kubectl's credential plug-in, with your cluster's server application:
      kubectl config set-credentials azid --exec-command=azid \\
          --exec-api-version=client.authentication.k8s.io/v1 --exec-interactive-mode=Never \\
          --exec-arg=token --exec-arg=--output=kubectl --exec-arg=--scope=SERVER-APP-ID/.default
    """
    info = who.find(scopes).token(claims=claims, enable_cae=cae)
    if output == "json":
        answer_json(
            {
                "token": info.token,
                "token_type": info.token_type,
                "expires_on": info.expires_on,
                "expires": rfc3339(info.expires_on),
            }
        )
    elif output == "kubectl":
        answer_json(exec_credential(info, os.environ))
    elif output == "header":
        answer(f"Authorization: {info.token_type} {info.token}")
    else:
        answer(info.token)


def exec_credential(info: TokenInfo, environ: Mapping[str, str]) -> dict[str, object]:
    """Return what kubectl reads from a credential plug-in, in the version that it asks for.

    Source: Kubernetes documentation, "Authenticating: client-go credential plugins". Whether kubectl lends its terminal
    (`spec.interactive`) makes no difference to a program that never asks.

    :param info: the token.
    :param environ: environment variables; KUBERNETES_EXEC_INFO says what kubectl asks for.
    :raises CommandFailed: kubectl asks for a version that is not known here.
    """
    version: object = _EXEC_VERSIONS[0]
    if asked := environ.get(_EXEC_INFO):
        try:
            version = json.loads(asked)["apiVersion"]
        except (ValueError, LookupError, TypeError):
            raise CommandFailed(f"{_EXEC_INFO} is no ExecCredential, so what kubectl asks for is not known.") from None
    if version not in _EXEC_VERSIONS:
        raise CommandFailed(
            f"kubectl asks for an ExecCredential of version {version!r}. Put one of {' or '.join(_EXEC_VERSIONS)} into "
            "the 'exec' section of the kubeconfig."
        )
    return {
        "apiVersion": version,
        "kind": "ExecCredential",
        "status": {"token": info.token, "expirationTimestamp": rfc3339(info.expires_on)},
    }
