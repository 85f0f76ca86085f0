"""The client's end of the redirect: a listener on this machine for the authorization response (RFC 8252 section 7.3).

RedirectListener            waits, and holds the person's browser until the outcome is known
 ├ redirect_uri             which redirect URIs can be listened on
 ├ loopback                 the listening sockets
 ├ server                   connections: accept, read, hold, reply; one thread, bounded in time, size and number
 │  └ request               bytes to an HTTP request, or the status that refuses them
 ├ authorization_response   an HTTP request to the response's parameters, or the status that refuses it
 └ page, reply              what the browser shows at the end
"""

from __future__ import annotations

from azid.redirect.authorization_response import AuthorizationResponse
from azid.redirect.errors import ListenerUnavailable, RedirectTimeout, WaitCancelled
from azid.redirect.listener import RedirectListener
from azid.redirect.page import Outcome
from azid.redirect.redirect_uri import RedirectUri, parse_redirect_uri

__all__ = [
    "AuthorizationResponse",
    "ListenerUnavailable",
    "Outcome",
    "RedirectListener",
    "RedirectTimeout",
    "RedirectUri",
    "WaitCancelled",
    "parse_redirect_uri",
]
