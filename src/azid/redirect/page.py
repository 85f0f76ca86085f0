"""The page that ends a sign-in in the browser: what became of it, and what to do next.

Self-contained and without script. It does not take the code out of the address bar: azid asks for `form_post`, which
never puts it there, and a code is worth nothing without its verifier (RFC 7636) and after its first use.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from http import HTTPStatus

__all__ = ["STYLE", "Outcome", "render_page"]

_MAX_REASON = 2000
_CLOSE = "You can close this window and return to the program."


@dataclass(frozen=True)
class Outcome:
    """What became of a sign-in, in the words of its page. Made by the class methods."""

    kind: str
    """`success`, `denied`, `failed`, `too-late`, `ended` or `stray`."""
    title: str
    advice: str
    """What the person can do now."""
    account: str | None = None
    """Who signed in."""
    reason: str | None = None
    """Why it did not work."""
    status: HTTPStatus = HTTPStatus.OK

    @classmethod
    def success(cls, username: str | None = None) -> Outcome:
        """Tokens were received.

        :param username: the account that signed in, as the person knows it.
        """
        return cls("success", "You are signed in", _CLOSE, account=username)

    @classmethod
    def denied(cls, reason: str | None = None) -> Outcome:
        """The person, or someone on their behalf, said no: `access_denied` (RFC 6749 section 4.1.2.1).

        :param reason: the authority's words, if it gave any.
        """
        advice = (
            "Nothing was shared with the program. If you did not mean to decline, return to the program and sign in "
            "again."
        )
        return cls("denied", "Sign-in was declined", advice, reason=reason)

    @classmethod
    def failed(cls, reason: str) -> Outcome:
        """It did not work.

        :param reason: why, and if possible what helps. It is shown as it is: no secrets.
        """
        advice = (
            "Return to the program, which shows the same message, and try again. If it keeps failing, pass the message "
            "on to whoever runs the program or your organisation's sign-ins."
        )
        return cls("failed", "Sign-in failed", advice, reason=reason)

    @classmethod
    def too_late(cls) -> Outcome:
        """The response came when nobody waited for it any more."""
        advice = "The program waited for a while and then gave up. Return to it and sign in again."
        return cls("too-late", "This came too late", advice, status=HTTPStatus.GONE)

    @classmethod
    def ended(cls) -> Outcome:
        """The program stopped waiting, or ended, before there was an outcome."""
        advice = "The program stopped before the sign-in was complete. Return to it and sign in again."
        return cls("ended", "The sign-in was ended", advice, status=HTTPStatus.GONE)

    @classmethod
    def stray(cls) -> Outcome:
        """This is no answer, or another sign-in's: of an older window, for example. The wait goes on."""
        advice = (
            "The program on this computer waits for another answer. If you began to sign in more than once, go on in "
            "the newest window."
        )
        return cls("stray", "This sign-in is not expected", advice, status=HTTPStatus.BAD_REQUEST)


STYLE = """
:root { color-scheme: light dark; --ground: #f3f4f6; --card: #fff; --edge: #e2e5ea; --text: #1b1f26; --soft: #59616e;
  --good: #0f7b3f; --bad: #b42318; --warn: #8a5300; --well: #f6f7f9; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #111418; --card: #1b1f25; --edge: #303640; --text: #eceff3; --soft: #a4adba;
    --good: #4cc38a; --bad: #ff8a80; --warn: #f0b429; --well: #13161b; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 24px 16px; background: var(--ground);
  color: var(--text); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { width: 100%; max-width: 460px; padding: 40px 36px 28px; background: var(--card); border: 1px solid var(--edge);
  border-radius: 14px; box-shadow: 0 1px 2px rgb(0 0 0 / 5%), 0 12px 32px rgb(0 0 0 / 6%); text-align: center; }
svg { display: block; width: 56px; height: 56px; margin: 0 auto 18px; fill: none; stroke: currentColor;
  stroke-width: 3; stroke-linecap: round; stroke-linejoin: round; }
svg circle { fill: currentColor; fill-opacity: .12; stroke: none; }
.success svg { color: var(--good); }
.denied svg, .failed svg { color: var(--bad); }
.too-late svg, .ended svg, .stray svg { color: var(--warn); }
h1 { margin: 0 0 10px; font-size: 1.6rem; line-height: 1.25; font-weight: 650; letter-spacing: -.01em; }
p { margin: 0; color: var(--soft); text-wrap: pretty; }
.account { display: inline-block; max-width: 100%; margin: 8px 0 18px; padding: 6px 16px; color: var(--text);
  background: var(--well); border: 1px solid var(--edge); border-radius: 20px; overflow-wrap: anywhere; }
.reason { margin: 10px 0 18px; padding: 12px 14px; color: var(--text); background: var(--well);
  border: 1px solid var(--edge); border-radius: 8px; font-size: .925rem; text-align: left; white-space: pre-line;
  overflow-wrap: anywhere; }
footer { margin-top: 28px; padding-top: 16px; border-top: 1px solid var(--edge); color: var(--soft);
  font-size: .8125rem; }
@media (max-width: 420px) {
  main { padding: 32px 20px 22px; } h1 { font-size: 1.4rem; } .account { padding: 6px 10px; font-size: .9375rem; }
}
"""

_CROSS = '<path d="M18 18l12 12M30 18L18 30"/>'
_CLOCK = '<path d="M24 15v9l6 4"/>'
_SIGNS = {
    "success": '<path d="M15.5 24.5l6 6 11-12.5"/>',
    "denied": '<path d="M16 24h16"/>',
    "failed": _CROSS,
    "too-late": _CLOCK,
    "ended": '<path d="M20 17v14M28 17v14"/>',
    "stray": '<path d="M24 14v12M24 33v.1"/>',
}

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body class="{kind}">
<main>
<svg viewBox="0 0 48 48" aria-hidden="true"><circle cx="24" cy="24" r="24"/>{sign}</svg>
<h1>{title}</h1>
{detail}<p>{advice}</p>
<footer>This page comes from the program on this computer that asked you to sign in.</footer>
</main>
</body>
</html>
"""


def render_page(outcome: Outcome) -> str:
    """Return the HTML that tells the person the outcome."""
    detail = ""
    if outcome.account:
        detail = f'<p class="account"><bdi>{escape(outcome.account)}</bdi></p>\n'
    elif outcome.reason:
        detail = f'<p class="reason" dir="auto">{escape(outcome.reason[:_MAX_REASON])}</p>\n'
    return _PAGE.format(
        title=escape(outcome.title),
        style=STYLE,
        kind=escape(outcome.kind),
        sign=_SIGNS[outcome.kind],
        detail=detail,
        advice=escape(outcome.advice),
    )
