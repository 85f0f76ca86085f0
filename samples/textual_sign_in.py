"""A terminal app that signs a person in with a device code while its screen stays alive.

    python samples/textual_sign_in.py               # Microsoft Entra ID
    python samples/textual_sign_in.py --emulator    # an Entra ID on this machine: no account, no network

Everything runs in Textual's event loop. `azid.aio` never blocks it, and cancelling the worker ends the sign-in.
"""

from __future__ import annotations

import argparse
from datetime import datetime, timezone
from typing import Any, ClassVar

from azure.core.exceptions import ClientAuthenticationError
from textual import on, work
from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, ContentSwitcher, Footer, Label, Link, ProgressBar

from azid.aio import DeviceCodeCredential

SCOPE = "https://graph.microsoft.com/.default"


class SignInApp(App[None]):
    """Sign in, get a token without a prompt, sign out.

    :param options: parameters of the credential, such as `client_id`, `tenant_id` or `cache_persistence_options`.
    """

    TITLE = "Microsoft Entra ID"
    BINDINGS: ClassVar = [("q", "quit", "Quit")]
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { align: center middle; }
    #card { width: 72; max-width: 100%; height: auto; border: round $primary; padding: 1 3; }
    ContentSwitcher, ContentSwitcher > Vertical, Horizontal { height: auto; }
    ContentSwitcher > Vertical > * { margin-bottom: 1; }
    Label, Link { max-width: 100%; }
    Button { margin-right: 2; }
    #code { width: 100%; padding: 1; text-align: center; text-style: bold; color: $accent; background: $boost; }
    ProgressBar, Bar { width: 100%; }
    ContentSwitcher ProgressBar { margin-bottom: 0; }
    #status { width: 100%; color: $text-muted; }
    """

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.credential = DeviceCodeCredential(
            prompt_callback=self.show_code,
            disable_automatic_authentication=True,  # only the button asks the person to sign in
            **options,
        )
        self.expires_on = datetime.now(timezone.utc)
        self.pages = ContentSwitcher(initial="signed-out")
        self.link = Link("")
        self.code = Label(id="code")
        self.bar = ProgressBar(show_percentage=False, show_eta=False)
        self.countdown = Label(id="countdown")
        self.account = Label(id="account", markup=False)
        self.status = Label(id="status", markup=False)

    def compose(self) -> ComposeResult:
        with Vertical(id="card"):
            with self.pages:
                with Vertical(id="signed-out"):
                    yield Label("Nobody is signed in.")
                    yield Button("Sign in", id="sign-in", variant="primary")
                with Vertical(id="waiting"):
                    yield Label("Open this page on any device and enter the code:")
                    yield self.link
                    yield self.code
                    yield self.bar
                    yield self.countdown
                    yield Button("Cancel", id="cancel")
                with Vertical(id="signed-in"):
                    yield self.account
                    with Horizontal():
                        yield Button("Get a token", id="get-token", variant="primary")
                        yield Button("Sign out", id="sign-out")
            yield self.status
        yield Footer()

    def on_mount(self) -> None:
        card = self.query_one("#card")
        card.border_title, card.border_subtitle = self.title, self.sub_title
        self.set_interval(1 / 4, self.count_down)

    async def on_unmount(self) -> None:
        await self.credential.close()

    @on(Button.Pressed, "#sign-in")
    @work(exclusive=True)
    async def sign_in(self) -> None:
        self.show("signed-out", "Asking for a code …")
        try:
            record = await self.credential.authenticate(SCOPE)
        except ClientAuthenticationError as error:
            self.show("signed-out", error.message)
        else:
            self.account.update(f"Signed in as {record.username}.")
            self.show("signed-in", "Get a token: nobody is asked again.")

    async def show_code(self, verification_uri: str, user_code: str, expires_on: datetime) -> None:
        """Show what the person needs. The credential awaits this in the event loop, where widgets may be changed."""
        self.link.text = self.link.url = verification_uri
        self.code.update(user_code)
        self.expires_on = expires_on
        self.bar.total = self.seconds_left()
        self.count_down()
        self.show("waiting", "This screen stays alive meanwhile.")

    def count_down(self) -> None:
        left = self.seconds_left()
        minutes, seconds = divmod(int(left), 60)
        self.bar.progress = left
        self.countdown.update(f"The code expires in {minutes}:{seconds:02}.")

    def seconds_left(self) -> float:
        return max(0.0, (self.expires_on - datetime.now(timezone.utc)).total_seconds())

    @on(Button.Pressed, "#cancel")
    def cancel(self) -> None:
        self.workers.cancel_all()  # which cancels the task in `authenticate`
        self.show("signed-out", "Cancelled.")

    @on(Button.Pressed, "#get-token")
    @work(exclusive=True)
    async def get_token(self) -> None:
        try:
            token = await self.credential.get_token(SCOPE)
        except ClientAuthenticationError as error:
            self.show("signed-out", error.message)
        else:
            expires = datetime.fromtimestamp(token.expires_on).astimezone()
            self.show("signed-in", f"No prompt needed: a token that is valid until {expires:%H:%M}.")

    @on(Button.Pressed, "#sign-out")
    @work(exclusive=True)
    async def sign_out(self) -> None:
        await self.credential.sign_out()
        self.show("signed-out", "Signed out.")

    def show(self, page: str, status: str) -> None:
        self.pages.current = page
        self.query(f"#{page} Button").focus()
        self.status.update(status)


def main() -> None:
    parser = argparse.ArgumentParser(description="Sign in with a device code in a terminal app.")
    parser.add_argument("--emulator", action="store_true", help="sign in to an Entra ID on this machine")
    if not parser.parse_args().emulator:
        SignInApp().run()
        return

    from azid.emulator import Emulator, User

    ada = User("ada@contoso.example", password="lovelace")
    with Emulator([ada]) as entra:
        app = SignInApp(authority=entra.authority, connection_verify=entra.ca_file, disable_instance_discovery=True)
        app.sub_title = f"{ada.username}, password: {ada.password}"
        app.run()


if __name__ == "__main__":
    main()
