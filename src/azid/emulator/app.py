"""The routes, all on one page, and how a refusal becomes a reply."""

from __future__ import annotations

import secrets
import urllib.parse
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import flask
from flask import Flask, Response, jsonify, render_template, request
from werkzeug.wrappers import Request

from azid.emulator import discovery, resource, wstrust
from azid.emulator.authorize import authorization_request
from azid.emulator.deviceauth import DeviceGoal
from azid.emulator.exchange import JSONReply
from azid.emulator.federation import DEFAULT_ISSUER, FEDERATED_TOKEN_LIFETIME, TOKEN_EXCHANGE_AUDIENCE
from azid.emulator.grants import TokenRequest
from azid.emulator.refusals import Refusal
from azid.emulator.signin import Page
from azid.emulator.token_endpoint import TokenEndpoint

if TYPE_CHECKING:
    from azid.emulator.services import Services

__all__ = ["create_app"]

COOKIE = "azid-emulator"
_ENDPOINTS_WITH_PAGES = ("authorize", "deviceauth", "login")


def create_app(services: Services) -> Flask:
    """Return the WSGI application. Its endpoints' names are those of `RecordedRequest.endpoint`.

    :param services: everything the routes hand over to.
    """
    app = Flask("azid.emulator", static_folder=None)
    app.url_map.strict_slashes = False
    _add_discovery(app, services)
    _add_token_endpoints(app, services)
    _add_pages(app, services)
    _add_resource(app, services)
    _add_managed_identities(app, services)
    _add_federation_server(app, services)

    @app.errorhandler(Refusal)
    def refuse(refusal: Refusal) -> Response:
        if request.endpoint in _ENDPOINTS_WITH_PAGES:
            return _shown(Page("refused.html", {"refusal": refusal, "returns": False}, status=refusal.status), None)
        correlation_id = request.headers.get("client-request-id") or str(uuid.uuid4())
        response = jsonify(refusal.body(services.clock.time(), correlation_id))
        response.status_code = refusal.status
        return response

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"  # RFC 6749 section 5.1
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["x-ms-request-id"] = str(uuid.uuid4())
        return response

    return app


def _authority(services: Services) -> str:
    """Return the origin of the endpoints for programs: the one this request was sent to, unless that is a page's."""
    return f"https://{request.host}" if request.scheme == "https" else services.listening.authority


def _host(services: Services) -> str:
    return urllib.parse.urlsplit(_authority(services)).netloc


def _page_origin(services: Services) -> str:
    return services.listening.page_origin if services.listening.started else _authority(services)


def _add_discovery(app: Flask, services: Services) -> None:
    directory = services.directory

    @app.get("/<tenant>/v2.0/.well-known/openid-configuration", endpoint="openid_configuration")
    def openid_configuration(tenant: str) -> Response:
        return jsonify(
            discovery.openid_configuration(
                directory.tenant(tenant), _authority(services), _page_origin(services), services.grants
            )
        )

    @app.get("/<tenant>/discovery/v2.0/keys", endpoint="keys")
    def keys(tenant: str) -> Response:
        directory.tenant(tenant)
        return jsonify(services.signer.public_keys())

    @app.get("/common/discovery/instance", endpoint="instance")
    def instance() -> Response:
        asked = request.args.get("authorization_endpoint", "")
        return jsonify(discovery.instance_document(asked, (_host(services),)))

    @app.get("/common/userrealm/<path:username>", endpoint="userrealm")
    def userrealm(username: str) -> Response:
        return jsonify(discovery.user_realm(directory, username, _authority(services)))


def _add_token_endpoints(app: Flask, services: Services) -> None:
    directory = services.directory
    token_endpoint = TokenEndpoint(services)

    @app.route("/<tenant>/oauth2/v2.0/token", methods=["GET", "POST"], endpoint="token")
    def token(tenant: str) -> Response:
        return jsonify(token_endpoint.answer(tenant, _form(), _host(services)))

    @app.route("/<tenant>/oauth2/v2.0/devicecode", methods=["GET", "POST"], endpoint="devicecode")
    def devicecode(tenant: str) -> Response:
        form = _form()
        client = directory.client(form.get("client_id"))
        token_request = TokenRequest(client, directory.tenant(tenant), form)
        code = services.device_codes.issue(client, token_request.tenant, token_request.scopes(), token_request.claims())
        uri = f"{_page_origin(services)}/common/oauth2/deviceauth"
        return jsonify(
            user_code=code.user_code,
            device_code=code.device_code,
            verification_uri=uri,
            expires_in=services.device_codes.lifetime,
            interval=services.device_codes.interval,
            message=f"To sign in, open {uri} in a browser and enter the code {code.user_code}.",
        )


def _add_pages(app: Flask, services: Services) -> None:
    directory, pages = services.directory, services.pages

    @app.get("/<tenant>/oauth2/v2.0/authorize", endpoint="authorize")
    def authorize(tenant: str) -> Response:
        goal = authorization_request(
            request.args, tenant=directory.tenant(tenant), directory=directory, codes=services.authorization_codes
        )
        browser = pages.browser(request.cookies.get(COOKIE))
        page = goal if isinstance(goal, Page) else pages.begin(browser, goal)
        return _shown(page, browser)

    @app.post("/common/login", endpoint="login")
    def login() -> Response:
        browser = request.cookies.get(COOKIE)
        return _shown(pages.answer(browser, request.form), browser)

    @app.route("/common/oauth2/deviceauth", methods=["GET", "POST"], endpoint="deviceauth")
    @app.route("/devicelogin", methods=["GET", "POST"], endpoint="deviceauth")
    def deviceauth() -> Response:
        browser = pages.browser(request.cookies.get(COOKIE))
        if request.method == "GET":
            values = {"csrf": pages.device_csrf(browser), "otc": request.args.get("otc", "")}
            return _shown(Page("device_code.html", values), browser)
        pages.check_device_csrf(browser, request.form.get("csrf", ""))
        typed = request.form.get("otc", "")
        code = services.device_codes.pending(typed)
        if code is None:
            again = {"csrf": pages.device_csrf(browser), "otc": typed, "error": "1"}
            return _shown(Page("device_code.html", again), browser)
        return _shown(pages.begin(browser, DeviceGoal(code, services.device_codes)), browser)

    @app.get("/", endpoint="home")
    def home() -> Response:
        machine = services.managed_identities.environ("imds", None)
        shown = {
            "authority": _authority(services),
            "users": directory.users,
            "applications": directory.applications,
            "identities": services.identities,
            "machine": [f"{name}={value}" for name, value in machine.items()],
        }
        return _shown(Page("home.html", shown), None)


def _add_resource(app: Flask, services: Services) -> None:
    @app.get("/v1.0/me", endpoint="me")
    def me() -> Response:
        return _json(
            resource.me(
                request.headers.get("Authorization"),
                tokens=services.tokens,
                directory=services.directory,
                challenges=services.challenges,
                authority=_authority(services),
            )
        )


def _add_managed_identities(app: Flask, services: Services) -> None:
    def view(answer: Callable[[Request], JSONReply]) -> Callable[[], Response]:
        return lambda: _json(answer(request))

    for endpoint in services.managed_identities.all:
        app.add_url_rule(endpoint.path, endpoint.kind, view(endpoint.answer), methods=[endpoint.method])

    @app.post("/federated-token", endpoint="federated-token")
    def federated_token() -> Response:
        form = _form()
        if not form.get("subject"):
            raise Refusal(900144, "It is 'subject'.")
        token = services.issuers.token(
            form["subject"],
            issuer=form.get("issuer") or DEFAULT_ISSUER,
            audience=form.get("audience") or TOKEN_EXCHANGE_AUDIENCE,
            lifetime=FEDERATED_TOKEN_LIFETIME,
        )
        return Response(token, mimetype="application/jwt")

    app.add_url_rule(services.pipelines.path, "pipelines", view(services.pipelines.answer), methods=["POST"])


def _add_federation_server(app: Flask, services: Services) -> None:
    @app.get("/adfs/services/trust/mex", endpoint="mex")
    def mex() -> Response:
        return Response(wstrust.metadata(_authority(services)), mimetype="application/soap+xml")

    @app.post("/adfs/services/trust/<version>/usernamemixed", endpoint="usernamemixed")
    def usernamemixed(version: str) -> Response:
        status, body = wstrust.issue(
            request.get_data(), version, services.directory, services.saml, services.clock.time()
        )
        return Response(body, status=status, mimetype="application/soap+xml")


def _json(reply: JSONReply) -> Response:
    status, body, headers = reply
    response = jsonify(body)
    response.status_code = status
    response.headers.update(headers)
    return response


def _form() -> dict[str, str]:
    """Return the body of a token or device code request.

    :raises Refusal: 900561 for a GET, 9002313 for a parameter sent twice (RFC 6749 section 3.2).
    """
    if request.method != "POST":
        raise Refusal(900561)
    if any(len(values) > 1 for values in request.form.listvalues()):
        raise Refusal(9002313, "A parameter is there more than once.")
    return request.form.to_dict()


def _form_action(targets: tuple[str, ...]) -> str:
    """Return the `form-action` of a page: the redirect URI belongs to it, since browsers check redirects too."""
    sources = ["'self'"]
    for target in targets:
        parts = urllib.parse.urlsplit(target)
        # An IPv6 address is no host-source (CSP3 section 2.3.1).
        sources.append(f"{parts.scheme}:" if "[" in parts.netloc else f"{parts.scheme}://{parts.netloc}")
    return " ".join(sources)


def _shown(page: Page, browser: str | None) -> Response:
    if page.location is not None:
        response = flask.make_response(flask.redirect(page.location, 302))
    else:
        nonce = secrets.token_urlsafe(16)
        html = render_template(page.template, csp_nonce=nonce, **page.values)
        response = flask.make_response(html, page.status)
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src data:; "
            f"form-action {_form_action(page.form_targets)}; base-uri 'none'; frame-ancestors 'none'"
        )
    if browser is not None:
        response.set_cookie(COOKIE, browser, httponly=True, samesite="Lax", secure=request.scheme == "https")
    return response
