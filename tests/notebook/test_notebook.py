"""Real notebooks in a real kernel, and a person who reads along."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode
from playwright.sync_api import Page, expect

from azid.emulator import Emulator, Person
from tests.conftest import ADA, GRAPH
from tools.chromium import Chromium

pytest_plugins = ["tests.support.chromium"]
pytestmark = pytest.mark.filterwarnings("ignore")  # of Jupyter's own packages
PATIENCE = 60
OPTIONS = "disable_instance_discovery=True"


@pytest.fixture
def entra() -> Iterator[Emulator]:
    with Emulator(users=[ADA], device_code_interval=1) as entra:
        yield entra


class Reader(NotebookClient):
    """Runs a notebook; whoever reads it enters the code that a card shows."""

    person: Person
    cards: list[dict[str, str]]

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        if msg["msg_type"] == "display_data":
            card = msg["content"]["data"]
            self.cards.append(card)
            code = re.search(r"(http\S+deviceauth)\b.*?code\s+(\S+)", card["text/plain"])
            assert code is not None, card["text/plain"]
            threading.Thread(target=self.person.enter_code, args=(code[1], code[2]), daemon=True).start()
        return super().process_message(msg, cell, cell_index)


def run(entra: Emulator, folder: Path, *cells: str, then: Any = "approve", **variables: str) -> tuple[Reader, Any]:
    code = [{"cell_type": "code", "metadata": {}, "source": cell, "outputs": []} for cell in cells]
    cells_and_version = {"cells": code, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    notebook = nbformat.from_dict(cells_and_version)  # type: ignore[no-untyped-call]
    reader = Reader(notebook, timeout=PATIENCE, kernel_name="python3", allow_errors=True)
    reader.person, reader.cards = Person(ADA.username, ADA.password, then=then), []
    remote = ("SSH_", "JUPYTERHUB_", "CODESPACES", "BROWSER", "AZURE_")
    reader.execute(
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(remote)},
            "AZURE_AUTHORITY_HOST": entra.authority,
            "REQUESTS_CA_BUNDLE": entra.ca_file,
            "HOME": str(folder),
            "IPYTHONDIR": str(folder / "ipython"),
            **variables,
        }
    )
    return reader, notebook


def shown(cell: Any) -> list[Any]:
    return [output for output in cell.outputs if output.output_type == "display_data"]


def test_a_card_is_shown_and_ends_as_a_sentence(entra: Emulator, tmp_path: Path) -> None:
    reader, notebook = run(
        entra,
        tmp_path,
        f"from azid import DeviceCodeCredential\ncredential = DeviceCodeCredential({OPTIONS})",
        f"print(credential.authenticate(scopes=[{GRAPH!r}]).username)",
    )
    [card] = reader.cards
    assert 'class="azid-code"' in card["text/html"]
    [output] = shown(notebook.cells[1])
    assert f"Signed in as {ADA.username}." in output.data["text/html"]
    assert output.data["text/plain"] == f"Signed in as {ADA.username}."
    assert 'class="azid-code"' not in str(notebook.cells)  # the code is taken away before the notebook is saved
    assert [o.text for o in notebook.cells[1].outputs if o.output_type == "stream"] == [f"{ADA.username}\n"]


def test_a_person_reads_the_output_in_a_browser(
    entra: Emulator, tmp_path: Path, browser: Chromium, output_page: Any
) -> None:
    reader, notebook = run(
        entra,
        tmp_path,
        f"from azid import DeviceCodeCredential\nDeviceCodeCredential({OPTIONS}).get_token({GRAPH!r}).expires_on",
    )
    [card], [ended] = reader.cards, shown(notebook.cells[0])
    [code] = re.findall(r'class="azid-code">(\w+)<', card["text/html"])

    def visit(page: Page) -> None:
        expect(page.get_by_role("link")).to_have_attribute("href", re.compile(rf"^{entra.page_origin}/"))
        expect(page.get_by_text(code, exact=True)).to_be_visible()
        expect(page.get_by_role("button", name="Copy code")).to_be_visible()
        output_page.html = ended.data["text/html"]
        page.reload()
        expect(page.get_by_role("status")).to_have_text(f"Signed in as {ADA.username}.")
        expect(page.get_by_text(code)).to_have_count(0)

    output_page.html = card["text/html"]
    with browser.visitor(visit) as open_browser:
        open_browser(output_page.url)


def test_the_async_credential_shows_its_card_below_its_cell(entra: Emulator, tmp_path: Path) -> None:
    reader, notebook = run(
        entra,
        tmp_path,
        f"from azid.aio import DeviceCodeCredential\ncredential = DeviceCodeCredential({OPTIONS})",
        f"record = await credential.authenticate(scopes=[{GRAPH!r}])",
        "record.username",
    )
    assert len(reader.cards) == 1
    [output] = shown(notebook.cells[1])
    assert output.data["text/plain"] == f"Signed in as {ADA.username}."
    assert ADA.username in str(notebook.cells[2].outputs)


def test_a_code_that_was_declined_does_not_stay(entra: Emulator, tmp_path: Path) -> None:
    reader, notebook = run(
        entra,
        tmp_path,
        f"from azid import DeviceCodeCredential\nDeviceCodeCredential({OPTIONS}).get_token({GRAPH!r})",
        then="deny",
    )
    assert len(reader.cards) == 1
    [output] = shown(notebook.cells[0])
    assert "cannot be used any more" in output.data["text/html"]
    [error] = [output for output in notebook.cells[0].outputs if output.output_type == "error"]
    assert "declined" in error.evalue


def test_a_browser_on_another_machine_is_refused_at_once(entra: Emulator, tmp_path: Path) -> None:
    _, notebook = run(
        entra,
        tmp_path,
        f"from azid import InteractiveBrowserCredential\nInteractiveBrowserCredential({OPTIONS}).get_token({GRAPH!r})",
        JUPYTERHUB_USER="ada",
    )
    [error] = [output for output in notebook.cells[0].outputs if output.output_type == "error"]
    assert error.ename == "CredentialUnavailableError"
    assert "JupyterHub" in error.evalue
    assert "DeviceCodeCredential()" in error.evalue
