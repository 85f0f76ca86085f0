"""A stand-in for a desktop's keyring, which asks a person to unlock it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from jeepney import (
    DBusAddress,
    HeaderFields,
    Message,
    MessageType,
    message_bus,
    new_error,
    new_method_call,
    new_method_return,
    new_signal,
)

from tests.support.gnome_keyring import Bus

__all__ = ["PromptingKeyring"]

PATIENCE = 20  # seconds
SECRET = "org.freedesktop.Secret."
COLLECTION = "/org/freedesktop/secrets/aliases/default"
ITEM = "/org/freedesktop/secrets/collection/login/1"
PROMPT = "/org/freedesktop/secrets/prompt/1"
SESSION = "/org/freedesktop/secrets/session/1"


class PromptingKeyring:
    """It is locked and keeps one secret. Use it in a `with` block.

    Its answers have the form that the Secret Service API gives them, and it addresses none of its signals, as KeePassXC
    does not.

    :param bus: the bus that it serves on.
    :param answer: what the person does: True unlocks it, False declines, None does nothing.
    :param content: its secret. None means that there is no keyring yet: one is made once the person agrees.
    """

    def __init__(self, bus: Bus, *, answer: bool | None, content: bytes | None) -> None:
        self.answer = answer
        self.content = content
        self.locked = True
        self.confused = 0
        """How often it will not know how to search."""
        self.prompts = 0
        """How often the person was asked."""
        self._exists = content is not None
        self._bus = bus
        self._connection = bus.connect()
        self._connection.send_and_get_reply(message_bus.RequestName("org.freedesktop.secrets"), timeout=PATIENCE)
        self._thread = threading.Thread(target=self._serve, name="prompting-keyring", daemon=True)

    def __enter__(self) -> PromptingKeyring:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._bus.connect() as connection:
            connection.send(new_method_call(DBusAddress("/", self._connection.unique_name), "End"))
        self._thread.join(PATIENCE)
        self._connection.close()

    def _serve(self) -> None:
        while (message := self._connection.receive()).header.fields.get(HeaderFields.member) != "End":
            if message.header.message_type is MessageType.method_call:
                for reply in self._replies(message):
                    self._connection.send(reply)

    def _replies(self, call: Message) -> Iterator[Message]:
        member, path = call.header.fields[HeaderFields.member], call.header.fields[HeaderFields.path]
        if member == "Get" and path == COLLECTION and not self._exists:
            yield new_error(call, SECRET + "Error.NoSuchObject", "s", ("no such object",))
        elif member == "Get":
            value = {"Label": ("s", "any"), "Locked": ("b", self.locked)}[call.body[1]]
            yield new_method_return(call, "v", (value,))
        elif member == "SearchItems" and self.confused:
            self.confused -= 1
            yield new_error(call, "org.freedesktop.DBus.Error.UnknownMethod", "s", ("not implemented",))
        elif member == "SearchItems":
            found = [] if self.content is None else [ITEM]
            yield new_method_return(call, "aoao", ([], found) if self.locked else (found, []))
        elif member == "Unlock":
            yield new_method_return(call, "aoo", ([], PROMPT))
        elif member == "CreateCollection":
            yield new_method_return(call, "oo", ("/", PROMPT))
        elif member == "Prompt":
            self.prompts += 1
            yield new_method_return(call)
            if self.answer is not None:
                result = ("ao", [ITEM]) if self._exists else ("o", COLLECTION if self.answer else "/")
                self._exists = self._exists or self.answer
                self.locked = not self.answer
                body = (not self.answer, result)
                yield new_signal(DBusAddress(PROMPT, interface=SECRET + "Prompt"), "Completed", "bv", body)
        elif member == "OpenSession" and call.body[0] == "plain":
            yield new_method_return(call, "vo", (("s", ""), SESSION))
        elif member == "GetSecret":
            yield new_method_return(call, "(oayays)", ((SESSION, b"", self.content, "text/plain"),))
        elif member == "CreateItem":
            self.content = bytes(call.body[1][2])
            yield new_method_return(call, "oo", (ITEM, "/"))
        else:
            yield new_error(call, "org.freedesktop.DBus.Error.NotSupported", "s", (member,))
