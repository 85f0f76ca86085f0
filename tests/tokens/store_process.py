"""Another process that uses a token store: it takes the pickled store from its standard input, and a command."""

from __future__ import annotations

import os
import pickle
import random
import signal
import sys
import time

from azid.tokens.store import TokenStore

LONGEST_LIFE = 0.015  # seconds: several writes


def write(store: TokenStore, writer: str, count: str) -> None:
    """Write accounts one by one, in both documents."""
    for number in range(int(count)):
        for cae in (False, True):
            with store.transaction(cae=cae) as document:
                document.setdefault("Account", {})[f"{writer}-{number}"] = {"username": "x" * 200}


def refresh(store: TokenStore, key: str) -> None:
    """Refresh until the standard input ends, then write, then leave."""
    with store.refreshing(key):
        print("refreshing", flush=True)
        sys.stdin.read()
        with store.transaction(cae=False) as document:
            document["Account"] = {"refreshed": {}}


def transact(store: TokenStore) -> None:
    """Stay within a transaction until the standard input ends."""
    with store.transaction(cae=False) as document:
        print("writing", flush=True)
        sys.stdin.read()
        document.setdefault("Account", {})["late"] = {}


def suffer(store: TokenStore, deaths: str) -> None:
    """Have writers killed at random moments. Print after each what is lost of what was written; end at a loss."""
    written = 0
    for _ in range(int(deaths)):
        readable, writable = os.pipe()
        writer = os.fork()
        if writer == 0:
            os.close(readable)
            while True:
                with store.transaction(cae=False) as document:
                    document.setdefault("Account", {})[str(written)] = {"username": "x" * 200}
                os.write(writable, b".")
                written += 1
        os.close(writable)
        time.sleep(random.uniform(0, LONGEST_LIFE))  # the moment is what is tested
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
        with os.fdopen(readable, "rb") as reports:
            written += len(reports.read())
        accounts = store.read(cae=False).get("Account", {})
        lost = {str(number) for number in range(written)} - accounts.keys()
        if lost:
            sys.exit(f"lost: {sorted(lost)}")
        written = len(accounts)  # the last one may have been written and not reported
    print(written, flush=True)


COMMANDS = {"write": write, "refresh": refresh, "transact": transact, "suffer": suffer}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](pickle.load(sys.stdin.buffer), *sys.argv[2:])  # type: ignore[operator]
