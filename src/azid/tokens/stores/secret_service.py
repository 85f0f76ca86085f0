"""Linux: a secret in the person's keyring (GNOME Keyring, KWallet, KeePassXC), through the Secret Service on D-Bus.

It is the very secret that MSAL's `LibsecretPersistence` keeps, found by the attributes that MSAL gives it.

Source: freedesktop.org, Secret Service API.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from azid.clock import Clock
from azid.errors import CredentialUnavailableError
from azid.tokens.stores.file import AHEAD_OF_MSAL, OPEN_SAFELY, FileItem, hand_over, make_private_folder
from azid.tokens.stores.secret_service_errors import (
    KeyringChangedError,
    KeyringLockedError,
    SecretServiceMissingError,
    SecretServiceTimeoutError,
    SecretStorageMissingError,
    SessionBusUnreachableError,
    meaning_of,
)

if TYPE_CHECKING:
    import secretstorage

    from azid.tokens.stores.session_bus import SessionBus

__all__ = ["SecretServiceItem", "can_ask_a_person", "find_session_bus", "probe"]

_LOGGER = logging.getLogger(__name__)

_T = TypeVar("_T")

_PROBE_TIMEOUT: Final = 3.0  # seconds
_TIMEOUT: Final = 10.0  # seconds
_PROMPT_TIMEOUT: Final = 60.0  # seconds for a person to type a password

_ATTEMPTS: Final = 3

# How MSAL's LibsecretPersistence files what azure-identity has it keep. libsecret adds the schema's name.
_CLIENT: Final = ("MsalClientID", "Microsoft.Developer.IdentityService")
_SCHEMA: Final = "xdg:schema"
_LABEL: Final = "MSALCache"
_CONTENT_TYPE: Final = "text/plain"

_SERVICE: Final = "org.freedesktop.secrets"


def find_session_bus(environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the session bus's address, or None if there is none.

    Source: D-Bus specification, "Well-known Message Bus Instances"; the second place is the one that systemd gives.

    :param environ: environment variables. Defaults to the process's.
    """
    if address := environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return address
    runtime = environ.get("XDG_RUNTIME_DIR")
    return f"unix:path={runtime}/bus" if runtime and Path(runtime, "bus").is_socket() else None


def can_ask_a_person(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a person would see a keyring's question: on the desktop that this program runs on, and not through SSH.

    :param environ: environment variables. Defaults to the process's.
    """
    screen = environ.get("WAYLAND_DISPLAY") or environ.get("DISPLAY")
    return bool(screen) and not environ.get("SSH_CONNECTION")


def probe(
    timeout: float = _PROBE_TIMEOUT,
    *,
    bus_address: str | None = None,
    ask: Callable[[], bool] = can_ask_a_person,
) -> None:
    """Make sure that there is a keyring to keep tokens in. Asks nobody anything.

    A locked keyring will do where a person can be asked to unlock it, once its content is needed.

    :param timeout: seconds after which it gives up. Defaults to 3.
    :param bus_address: the session bus's address. Found in the environment by default.
    :param ask: whether a person can be asked. By default, whether there is a screen here.
    :raises SecretServiceError: there is none; its class and its message say why.
    """
    with _connected(timeout, bus_address) as bus:
        _require_service(bus)
        collection = _default_collection(bus)
        if (collection is None or collection.is_locked()) and not ask():
            raise KeyringLockedError()


class SecretServiceItem:
    """One secret of the Secret Service, and the file whose time tells other programs that it changed.

    A connection is made for each call, so that threads and forked processes share none.

    :param schema_name: which cache it is: its name with its suffix.
    :param signal_file: touched after each change, as other MSAL libraries do. Its content is left alone.
    :param timeout: seconds after which a call gives up. Defaults to 10.
    :param prompt_timeout: seconds that a person may take to unlock the keyring. Defaults to 60.
    :param bus_address: the session bus's address. Found in the environment by default.
    :param ask: whether a person can be asked to unlock the keyring. By default, whether there is a screen here.
    :param clock: what the age of changes is counted by. Defaults to the machine's clock.
    """

    def __init__(
        self,
        schema_name: str,
        signal_file: Path,
        *,
        timeout: float = _TIMEOUT,
        prompt_timeout: float = _PROMPT_TIMEOUT,
        bus_address: str | None = None,
        ask: Callable[[], bool] = can_ask_a_person,
        clock: Clock | None = None,
    ) -> None:
        self._attributes = {_SCHEMA: schema_name, _CLIENT[0]: _CLIENT[1]}
        self._signal = FileItem(signal_file, clock)
        self._timeout = timeout
        self._prompt_timeout = prompt_timeout
        self._bus_address = bus_address
        self._ask = ask
        self._declined = False

    @property
    def description(self) -> str:
        """What it is, for messages."""
        return _describe(self._attributes[_SCHEMA])

    def load(self) -> bytes | None:
        """Return the secret, or None if there is none.

        :raises SecretServiceError: the keyring cannot be used.
        """

        def load(bus: SessionBus) -> bytes | None:
            item = self._find_unlocked(bus)
            return None if item is None else item.get_secret()

        return self._do(load)

    def save(self, data: bytes) -> None:
        """Replace the secret.

        :param data: what it is to be.
        :raises SecretServiceError: the keyring cannot be used; nothing has changed.
        """

        def save(bus: SessionBus) -> None:
            item = self._find_unlocked(bus)
            if item is not None:
                # In whichever keyring it is: a second one elsewhere might be found before it, or not.
                item.set_secret(data, _CONTENT_TYPE)
            else:
                collection = self._unlocked_collection(bus)
                collection.create_item(_LABEL, self._attributes, data, replace=True, content_type=_CONTENT_TYPE)

        self._do(save)
        self._touch()

    def set_aside(self, suffix: str) -> str | None:
        """Give the secret another schema name, under which nobody looks for it.

        :param suffix: what the other name ends with.
        :returns: what it is now, for messages; None if there is no secret.
        :raises SecretServiceError: the keyring cannot be used.
        """
        schema_name = f"{self._attributes[_SCHEMA]}{suffix}"

        def rename(bus: SessionBus) -> bool:
            item = self._find_unlocked(bus)
            if item is not None:
                item.set_attributes({**self._attributes, _SCHEMA: schema_name})
            return item is not None

        if not self._do(rename):
            return None
        self._touch()
        return _describe(schema_name)

    def version(self) -> Hashable | None:
        """Return what differs after another program's change, or None if only the secret itself can tell."""
        return self._signal.version() or None

    def _do(self, work: Callable[[SessionBus], _T]) -> _T:
        """Return what `work` returns; do it again if the keyring lost track. What it does may be done twice.

        GNOME Keyring 42 refuses to know its own methods about once in 5,000 connections, if many come at once.
        """
        for _ in range(_ATTEMPTS - 1):
            with suppress(KeyringChangedError), _connected(self._timeout, self._bus_address) as bus:
                return work(bus)
        with _connected(self._timeout, self._bus_address) as bus:
            return work(bus)

    def _find_unlocked(self, bus: SessionBus) -> secretstorage.Item | None:
        """Return the item that libsecret's lookup returns: the first, of those that are not locked if there are any."""
        import secretstorage

        items = list(secretstorage.search_items(bus, self._attributes))
        item = min(items, key=secretstorage.Item.is_locked, default=None)
        if item is not None:
            self._unlock(bus, item)
        return item

    def _unlocked_collection(self, bus: SessionBus) -> secretstorage.Collection:
        import secretstorage

        collection = _default_collection(bus)
        if collection is None:
            with self._asking(bus):
                return secretstorage.get_default_collection(bus)  # asks for a password for the new keyring
        self._unlock(bus, collection)
        return collection

    def _unlock(self, bus: SessionBus, locked: secretstorage.Item | secretstorage.Collection) -> None:
        if locked.is_locked():
            with self._asking(bus):
                if locked.unlock():  # True says that the person declined
                    raise KeyringLockedError()

    @contextmanager
    def _asking(self, bus: SessionBus) -> Iterator[None]:
        """Give a person time to answer what the block asks; raise if nobody is there, or left it unanswered before."""
        from secretstorage.util import add_match_rules

        if self._declined or not self._ask():
            raise KeyringLockedError()
        self._declined = True  # unless they answer
        add_match_rules(bus)  # some services address the answer to nobody
        bus.extend(self._prompt_timeout)
        try:
            yield
        except TimeoutError as error:
            raise KeyringLockedError() from error
        bus.extend(self._timeout)
        self._declined = False

    def _touch(self) -> None:
        path = self._signal.path
        try:
            make_private_folder(path.parent)
            # Its content stays: in the same place there may be a plain file of tokens.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | OPEN_SAFELY, 0o600)
            try:
                hand_over(descriptor, path.parent)
                changed = time.time_ns() + AHEAD_OF_MSAL
                os.utime(descriptor, ns=(changed, changed))
            finally:
                os.close(descriptor)
        except OSError as error:
            _LOGGER.warning("Other programs may be late to notice that %s changed: %s", self.description, error)


def _describe(schema_name: str) -> str:
    return f"the secret {schema_name!r} in the keyring"


def _default_collection(bus: SessionBus) -> secretstorage.Collection | None:
    import secretstorage

    try:
        return secretstorage.Collection(bus)
    except secretstorage.ItemNotFoundException:
        return None


@contextmanager
def _connected(timeout: float, bus_address: str | None) -> Iterator[SessionBus]:
    """Yield a connection, and turn what goes wrong on it into the errors of this module."""
    address = find_session_bus() if bus_address is None else bus_address
    if not address:
        raise SessionBusUnreachableError("there is no D-Bus session bus")
    try:
        with _connect(address, timeout) as bus:
            yield bus
    except CredentialUnavailableError:
        raise
    except ImportError as error:
        raise SecretStorageMissingError(error) from error
    except TimeoutError as error:
        raise SecretServiceTimeoutError("the keyring's program") from error
    except OSError as error:
        raise SessionBusUnreachableError(f"the connection to the D-Bus session bus broke off ({error})") from error
    except Exception as error:
        meaning = meaning_of(error)
        if meaning is None:
            raise
        raise meaning from error


def _connect(address: str, timeout: float) -> SessionBus:
    from azid.tokens.stores.session_bus import SessionBus

    try:
        return SessionBus(address, timeout)
    except TimeoutError as error:
        raise SecretServiceTimeoutError("the D-Bus session bus") from error
    except (OSError, RuntimeError, ValueError) as error:
        reason = f"the D-Bus session bus at {address!r} cannot be reached ({error})"
        raise SessionBusUnreachableError(reason) from error


def _require_service(bus: SessionBus) -> None:
    """Raise if nobody on the bus keeps secrets or could be started to. Loads no SecretStorage, which loads a lot."""
    from jeepney import message_bus

    [running] = bus.send_and_get_reply(message_bus.NameHasOwner(_SERVICE)).body
    if not running and _SERVICE not in bus.send_and_get_reply(message_bus.ListActivatableNames()).body[0]:
        raise SecretServiceMissingError()
