"""Runs programs one after the other, each as if by itself, in one process: starting Python takes longer than most do.

Reads a request, one line of JSON, and runs it as ``__main__``; what it prints is printed. Then a line that begins with
`END` says how it ended. Run as ``python -m tests.docs.runner``.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any, Final

__all__ = ["END"]

END: Final = "\x04"
"""What no program prints (ASCII's end of transmission)."""


def main() -> None:
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # nobody types
    for line in requests:
        outcome = run(**json.loads(line))
        sys.stdout.flush()
        sys.stderr.flush()
        print(f"\n{END}{json.dumps(outcome)}", flush=True)


def run(code: str, file: str, first_line: int, folder: str, environment: dict[str, str]) -> str:
    """Run a program; return why it failed, or nothing.

    :param code: its text.
    :param file: where its text stands, for tracebacks.
    :param first_line: where in that file.
    :param folder: where it is run.
    :param environment: what it finds in its environment besides what this process has.
    """
    os.chdir(folder)
    before = dict(os.environ)
    os.environ.update(environment)
    names: dict[str, Any] = {"__name__": "__main__", "__file__": file}
    try:
        exec(compile("\n" * (first_line - 1) + code, file, "exec"), names)
    except SystemExit as end:
        return "" if not end.code else f"exit code {end.code}"
    except BaseException:
        return traceback.format_exc()
    finally:
        os.environ.clear()
        os.environ.update(before)
    return ""


if __name__ == "__main__":
    main()
