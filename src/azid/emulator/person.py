"""A person at a browser, for tests and demos: opens pages, reads them, fills in forms. No JavaScript."""

from __future__ import annotations

import html.parser
import threading
import urllib.parse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import requests

from azid.emulator.transport import EmulatorAdapter

if TYPE_CHECKING:
    import datetime

    from azid.emulator.authority import Emulator

__all__ = ["Person"]

_MOST_PAGES = 20  # a longer walk goes in circles
_TIMEOUT = 60.0  # seconds for one page: the application's own page comes after it redeemed the code


@dataclass
class _Form:
    action: str = ""
    method: str = "get"
    inputs: dict[str, str] = field(default_factory=dict, repr=False)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Document(html.parser.HTMLParser):
    """What a person sees of a page: its forms and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.name = ""
        self.forms: list[_Form] = []
        self.problem = False
        self._words: list[str] = []
        self._hidden = 0
        self.feed(text)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        attrs = {name: value or "" for name, value in attributes}
        if tag == "body":
            self.name = attrs.get("data-page", "")
        elif tag in ("script", "style", "title"):
            self._hidden += 1
        elif tag == "form":
            self.forms.append(_Form(attrs.get("action", ""), attrs.get("method", "get").lower()))
        elif tag == "input" and self.forms and "name" in attrs:
            self.forms[-1].inputs[attrs["name"]] = attrs.get("value", "")
        elif tag == "button" and self.forms:
            self.forms[-1].buttons.append((attrs.get("name", ""), attrs.get("value", "")))
        if attrs.get("role") == "alert":
            self.problem = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "title"):
            self._hidden -= 1

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._words.append(data)


class Person:
    """Signs in on the emulator's pages as a person would.

    :param username: which account the person picks.
    :param password: what the person types; never shown by `repr`.
    :param entra: the emulator whose pages to open in process, at whatever host they are. None opens every page over a
        real connection.
    :param then: `"approve"` goes all the way; `"deny"` takes Cancel wherever it comes first after the password, or
        before it where nothing comes after; `"leave"` opens the first page and walks away.
    """

    def __init__(
        self,
        username: str,
        password: str,
        *,
        entra: Emulator | None = None,
        then: Literal["approve", "deny", "leave"] = "approve",
    ) -> None:
        self.username = username
        self.then = then
        self.last_page = ""
        """Text of the page seen last: after a browser sign-in, the application's own."""
        self.error: Exception | None = None
        """Why the walk ended early, if it did."""
        self._password = password
        self._entra = entra
        self._thread: threading.Thread | None = None
        self._entering = threading.Lock()  # whoever shows them, codes are entered one after another
        self._answered: set[str] = set()
        self._session = requests.Session()
        self._session.trust_env = False
        if entra is not None:
            self._session.mount("https://", EmulatorAdapter(entra.answer))

    def __repr__(self) -> str:
        return f"Person({self.username!r}, then={self.then!r})"

    def open(self, url: str) -> bool:
        """Begin to walk through the pages in a thread of its own: a browser's `open`.

        :returns: True, at once.
        """
        self.error = None
        self._thread = threading.Thread(target=self._run, args=(url, ""), name="azid-person", daemon=True)
        self._thread.start()
        return True

    def enter_code(self, verification_uri: str, user_code: str, expires_on: datetime.datetime | None = None) -> None:  # noqa: ARG002
        """Walk through the device page with a code, and return at its end: a device code prompt's callback.

        A code that this person has already answered is not entered again.

        :param expires_on: not looked at; prompt callbacks get it.
        """
        with self._entering:
            if user_code in self._answered:
                return
            self.error = None
            self._run(verification_uri, user_code)
            if self.error is None and self.then != "leave":
                self._answered.add(user_code)

    def join(self, timeout: float = _TIMEOUT) -> None:
        """Wait until the walk that `open` began has ended.

        :param timeout: seconds.
        :raises TimeoutError: it has not.
        """
        if self._thread is not None:
            self._thread.join(timeout)
            if self._thread.is_alive():
                raise TimeoutError(f"{self!r} is still on the way after {timeout:g} s")

    def _run(self, url: str, user_code: str) -> None:
        try:
            self._walk(url, user_code)
        except Exception as error:
            self.error = error
        finally:
            self._session.close()  # the connections; the cookies stay, as in a browser

    def _walk(self, url: str, user_code: str) -> None:
        response = self._session.get(url, timeout=_TIMEOUT)
        for _ in range(_MOST_PAGES):
            page = _Document(response.text)
            self.last_page = page.text
            if self.then == "leave":
                return
            step = self._decide(page, user_code)
            if step is None:
                if page.problem and page.name:
                    raise RuntimeError(f"the page says: {page.text}")
                return
            form, values = step
            target = urllib.parse.urljoin(response.url, form.action)
            response = self._session.request(form.method, target, data=values, timeout=_TIMEOUT)
        raise RuntimeError("the pages go in circles")

    def _decide(self, page: _Document, user_code: str) -> tuple[_Form, dict[str, str]] | None:
        """Return the form to send and its values, or None where a person would stop."""
        if not page.forms or (page.problem and page.name != "refused"):
            return None
        form = page.forms[0]
        typed = {"otc": user_code, "username": self.username, "password": self._password}
        values = {name: typed.get(name) or value for name, value in form.inputs.items()}
        if page.name == "form_post":
            return form, dict(form.inputs)
        buttons = {value: name for name, value in form.buttons}
        if self.then == "deny" and "cancel" in buttons and page.name in ("confirm", "consent", "mfa", "password"):
            choice = "cancel"
        elif page.name == "pick":
            return self._pick(page)
        else:
            choice = next((value for value in buttons if value != "cancel"), "cancel")
        if not form.buttons:
            return None
        if buttons.get(choice):
            values[buttons[choice]] = choice
        return form, values

    def _pick(self, page: _Document) -> tuple[_Form, dict[str, str]] | None:
        """Take the entry with the person's name, else "use another account"."""
        for form in page.forms:
            if form.inputs.get("username", "").lower() == self.username.lower():
                return form, {**form.inputs, "action": "pick"}
        for form in page.forms:
            if ("action", "other") in form.buttons:
                return form, {**form.inputs, "action": "other"}
        return None
