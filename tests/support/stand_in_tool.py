"""What a stand-in for a developer's tool does: it notes how it was run, and then behaves as a test has scripted it.

Run as ``python -IS stand_in_tool.py SCRIPT ARGUMENT…``: SCRIPT is a JSON file that `developer_tools` has written. It
uses little of the standard library, so that it starts fast.
"""

# ruff: noqa: PTH104, PTH109, PTH123
# pathlib takes longer to load than all the rest.

from __future__ import annotations

import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def main(script: str, arguments: list[str]) -> int:
    with open(script, encoding="utf-8") as file:
        scripted = json.load(file)
    note = {"arguments": arguments, "environment": dict(os.environ), "folder": os.getcwd()}
    place = f"{script}.{os.getpid()}.note"
    with open(f"{place}~", "w", encoding="utf-8") as file:
        json.dump(note, file)
    os.rename(f"{place}~", place)
    if scripted["lives_in"]:
        # Whoever reads there learns that the tool has begun, and that the last of its processes has ended.
        os.write(os.open(scripted["lives_in"], os.O_WRONLY), b".")
    if scripted["leaves_child"] and os.fork() == 0:
        if scripted["leaves_child"] == "in a session of its own":
            os.setsid()
        hang(scripted["hangs_on"])
    if "-EncodedCommand" in arguments:
        scripted["output"] = as_powershell_prints(arguments[-1], scripted)
    for stream, text in ((sys.stdout, scripted["output"]), (sys.stderr, scripted["errors"])):
        # A byte that is no UTF-8 is a lone surrogate in JSON.
        stream.buffer.write(text.encode("utf-8", "surrogateescape"))
        stream.flush()
    if scripted["hangs"]:
        hang(scripted["hangs_on"])
    if scripted["dies_by"]:
        os.kill(os.getpid(), scripted["dies_by"])
    return int(scripted["status"])


def hang(pipe: str) -> None:
    """Wait for a pipe that nobody writes to, until a test opens it."""
    os.open(pipe, os.O_RDONLY)
    os._exit(0)


def as_powershell_prints(encoded: str, scripted: dict[str, Any]) -> str:
    """Return what PowerShell prints that runs a script which asks Az.Accounts for a token.

    Of such a script it knows ``Write-Output``: the first is for a module that is missing, the last for a token.
    """
    import base64
    import re

    script = base64.b64decode(encoded).decode("utf-16-le")
    missing, *_, found = re.findall(r"Write-Output\s+(.+?)(?:;|\n|$)", script)
    token = scripted["token"]
    if token is None:
        return str(scripted["output"])
    if not token:
        return str(missing).strip("'") + "\n"
    secret, expires_on = token
    said = json.dumps({"token": secret, "expires_on": expires_on})
    printed = str(found).strip('"').replace("`n", "\n").replace("$said", said).replace("$($tokenValue)", secret)
    return str(scripted["output"]) + printed.replace("$($token.ExpiresOn.ToUnixTimeSeconds())", str(expires_on)) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
