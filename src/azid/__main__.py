"""``python -m azid``: the command `azid`."""

from azid.cli import main

main()
