"""Signing in from a Jupyter notebook: a card for the device code, and where a kernel's browser is of no use.

IPython is used where it already runs the program, and is never loaded.
"""

from __future__ import annotations

import html
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

__all__ = ["card_html", "ended_html", "is_notebook", "show_card", "why_remote"]

_REMOTE: Final = {
    "JUPYTERHUB_USER": "This notebook runs on a JupyterHub",
    "COLAB_RELEASE_TAG": "This notebook runs on Google Colab",
    "DATABRICKS_RUNTIME_VERSION": "This notebook runs on Databricks",
    "AZUREML_ROOT_PATH": "This notebook runs on Azure Machine Learning",
    "SAGEMAKER_DOMAIN_ID": "This notebook runs on SageMaker",
    "KAGGLE_KERNEL_RUN_TYPE": "This notebook runs on Kaggle",
    "BINDER_SERVICE_HOST": "This notebook runs on Binder",
    "CODESPACES": "This notebook runs in a codespace",
    "GITPOD_WORKSPACE_ID": "This notebook runs in a Gitpod workspace",
    "SSH_CONNECTION": "This notebook's kernel was started through SSH",
}
"""Variables that are set where the person's browser is on another machine than the kernel."""


def is_notebook(modules: Mapping[str, Any] | None = None) -> bool:
    """Whether this program is a Jupyter kernel, and not IPython in a terminal.

    :param modules: the modules that are loaded. Defaults to `sys.modules`.
    """
    ipython = (sys.modules if modules is None else modules).get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


def why_remote(environ: Mapping[str, str] | None = None) -> str | None:
    """Return why the person's browser is on another machine than the kernel, as a sentence; None if it may be here.

    :param environ: environment variables. Defaults to the process's.
    """
    environ = os.environ if environ is None else environ
    if environ.get("BROWSER"):
        return None  # whoever set it up, as VS Code does, brings the answer back, too
    return next((why for name, why in _REMOTE.items() if environ.get(name)), None)


def show_card(
    message: str,
    verification_uri: str,
    user_code: str,
    expires_on: datetime,
    *,
    display: Callable[..., Any] | None = None,
) -> Callable[[str], None]:
    """Show a device code below the cell that runs; return what to call with one sentence when the sign-in has ended.

    Front ends without HTML show the message instead. The code is taken away in the end: it is of no more use, and
    notebooks are saved.

    :param message: the authority's own instructions.
    :param verification_uri: where the code is to be entered.
    :param user_code: the code.
    :param expires_on: when it ends, with a time zone.
    :param display: as `IPython.display.display`, which is the default.
    """
    if display is None:
        from IPython.display import display as shown_by_ipython

        display = shown_by_ipython
    card = {"text/plain": message, "text/html": card_html(verification_uri, user_code, expires_on)}
    handle = display(card, raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def end(outcome: str) -> None:
        if handle is not None:
            with suppress(Exception):  # a front end that has gone fails no sign-in
                handle.update({"text/plain": outcome, "text/html": ended_html(outcome)}, raw=True)

    return end


def card_html(verification_uri: str, user_code: str, expires_on: datetime) -> str:
    """Return the card for a code. Without scripts it lacks the copy button and the countdown, and nothing else."""
    name = f"azid-{secrets.token_hex(8)}"
    uri, code = html.escape(verification_uri), html.escape(user_code)
    local = expires_on.astimezone()
    return (
        f'<section id="{name}" class="azid-card" aria-label="Sign in to Microsoft Entra ID" '
        f'data-expires="{int(expires_on.timestamp() * 1000)}">{_STYLE}'
        f'<p>To sign in, open <a href="{uri}" target="_blank" rel="noopener noreferrer">{uri}</a> on any device '
        "and enter this code:</p>"
        f'<p><code class="azid-code">{code}</code> '
        '<button type="button" class="azid-copy" hidden>Copy code</button></p>'
        f'<p class="azid-left">The code expires at {local:%H:%M}.</p>'
        f'<p class="azid-said" role="status"></p>{_script(name)}</section>'
    )


def ended_html(outcome: str) -> str:
    """Return what takes the card's place."""
    return f'<section class="azid-card" role="status">{_STYLE}<p>{html.escape(outcome)}</p></section>'


# Jupyter's own colours where the front end has them; else by what the person's system prefers.
_STYLE: Final = """<style>
.azid-card { --azid-ink: #1b1b1f; --azid-paper: #fff; --azid-line: #767680; --azid-link: #0b57b0;
  box-sizing: border-box; max-width: 34rem; margin: .5rem 0; padding: .75rem 1rem;
  border: 1px solid var(--jp-border-color1, var(--azid-line));
  border-radius: 8px; background: var(--jp-layout-color1, var(--azid-paper));
  color: var(--jp-content-font-color1, var(--azid-ink)); font: 1rem/1.5 system-ui, sans-serif; }
@media (prefers-color-scheme: dark) {
  .azid-card { --azid-ink: #ececf1; --azid-paper: #1f1f24; --azid-line: #90909a; --azid-link: #9cc8ff; } }
.azid-card p { margin: .25rem 0; overflow-wrap: anywhere; }
.azid-card a { color: var(--jp-content-link-color, var(--azid-link)); }
.azid-card .azid-code { font: 600 1.75rem/1.4 ui-monospace, monospace; letter-spacing: .08em; user-select: all;
  background: none; color: inherit; }
.azid-card .azid-copy { min-height: 2.75rem; padding: 0 1rem; border: 1px solid currentcolor; border-radius: 6px;
  background: none; color: inherit; font: inherit; cursor: pointer; vertical-align: .25rem; }
.azid-card .azid-copy:focus-visible, .azid-card a:focus-visible {
  outline: 3px solid currentcolor; outline-offset: 2px; }
.azid-card .azid-said:empty { display: none; }
</style>"""


def _script(name: str) -> str:
    return (
        f'<script>(() => {{ const card = document.getElementById("{name}"); if (!card) return;'
        """
  const find = (part) => card.querySelector(".azid-" + part);
  const copy = find("copy"), left = find("left"), said = find("said"), end = Number(card.dataset.expires);
  copy.hidden = !navigator.clipboard;
  copy.addEventListener("click", () => navigator.clipboard.writeText(find("code").textContent).then(
    () => { said.textContent = "Copied."; }, () => { said.textContent = "The browser did not let it be copied."; }));
  const tick = () => {
    if (!card.isConnected) { clearInterval(timer); return; }
    const seconds = Math.max(0, Math.round((end - Date.now()) / 1000));
    left.textContent = seconds ? "The code expires in " + Math.floor(seconds / 60) + ":"
      + String(seconds % 60).padStart(2, "0") + "." : "The code has expired. Run the cell again for another one.";
    if (!seconds) { copy.disabled = true; clearInterval(timer); }
  };
  const timer = setInterval(tick, 1000); tick();
})();</script>"""
    )
