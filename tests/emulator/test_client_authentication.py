"""How applications prove who they are: secrets, certificates, tokens of other issuers."""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Mapping
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from azid.clock import ManualClock
from azid.emulator import DEFAULT_ISSUER, DEFAULT_TENANT_ID, Client, Emulator, Federation, SubjectNameIssuer
from tests.conftest import ADA
from tests.emulator.driver import AZURE_CLI, LOGIN, Driver, payload, refusal
from tests.support.certificates import Issued, elliptic, issue, x5c

APPLICATION = "6e74172b-be56-4843-9ff4-e66a39bb12e3"
TOKEN_ENDPOINT = f"{LOGIN}/{DEFAULT_TENANT_ID}/oauth2/v2.0/token"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SECRETS = ("an older secret", "a s3cret")
WORKLOAD = "system:serviceaccount:shop:checkout"
GRAPH_DEFAULT = "https://graph.microsoft.com/.default"

OWN = issue("CN=app.contoso.example")
STRANGER = issue("CN=stranger.example", key=1)
ROOT = issue("CN=Root of Contoso,O=Contoso", ca=True, key=2)
INTERMEDIATE = issue("CN=Intermediate of Contoso,O=Contoso", by=ROOT, ca=True, key=3)
LEAF = issue("CN=shop.contoso.example,O=Contoso", by=INTERMEDIATE, key=1)


@pytest.fixture
def driver(clock: ManualClock) -> Driver:
    client = Client(
        APPLICATION,
        public=False,
        secrets=SECRETS,
        certificates=(OWN.pem,),
        trusted_subjects=(SubjectNameIssuer("CN=shop.contoso.example,O=Contoso", ROOT.pem),),
        federations=(Federation(DEFAULT_ISSUER, WORKLOAD), Federation("https://other.example", "a", "b")),
    )
    return Driver(Emulator([ADA], clients=[client], clock=clock))


def ask(driver: Driver, **form: str) -> requests.Response:
    asked = {"grant_type": "client_credentials", "client_id": APPLICATION, "scope": GRAPH_DEFAULT, **form}
    return driver.token(tenant=DEFAULT_TENANT_ID, **asked)


def prove(driver: Driver, assertion: str) -> requests.Response:
    return ask(driver, client_assertion=assertion, client_assertion_type=ASSERTION_TYPE)


def claims(clock: ManualClock, **changes: object) -> dict[str, object]:
    now = clock.time()  # not rounded: MSAL sends fractions of seconds
    return {
        "iss": APPLICATION,
        "sub": APPLICATION,
        "aud": TOKEN_ENDPOINT,
        "iat": now,
        "exp": now + 600,
        "jti": "1",
        **changes,
    }


# --- secrets


@pytest.mark.parametrize("secret", SECRETS)
def test_each_secret_proves_the_application(driver: Driver, secret: str) -> None:
    token = ask(driver, client_secret=secret).json()["access_token"]
    assert payload(token)["appidacr"] == "1"


def test_a_wrong_secret_is_refused(driver: Driver) -> None:
    reply = ask(driver, client_secret="s3cret")
    assert reply.status_code == 401
    assert refusal(reply) == ("invalid_client", 7000215)


@pytest.mark.parametrize(("grant", "code"), [("client_credentials", 7000216), ("refresh_token", 7000218)])
def test_a_confidential_application_must_prove_itself(driver: Driver, grant: str, code: int) -> None:
    reply = ask(driver, grant_type=grant)
    assert reply.status_code == 401
    assert refusal(reply) == ("invalid_client", code)


def test_a_public_application_may_not_even_try(driver: Driver) -> None:
    assert refusal(ask(driver, client_id=AZURE_CLI, client_secret="x")) == ("invalid_client", 700025)
    assert refusal(ask(driver, client_id=AZURE_CLI)) == ("invalid_client", 7000216)


def test_an_application_can_be_public_and_have_a_secret() -> None:
    driver = Driver(Emulator([ADA], clients=[Client(APPLICATION, secrets=SECRETS)]))
    assert ask(driver, client_secret=SECRETS[0]).status_code == 200
    with_password = driver.password(ADA.username, ADA.password, client_id=APPLICATION)
    assert payload(with_password.json()["access_token"])["appidacr"] == "0"
    wrong = driver.password(ADA.username, ADA.password, client_id=APPLICATION, client_secret="x")
    assert refusal(wrong)[1] == 7000215


def test_one_proof_is_enough(driver: Driver, clock: ManualClock) -> None:
    both = {"client_assertion": OWN.sign(claims(clock)), "client_assertion_type": ASSERTION_TYPE}
    assert refusal(ask(driver, client_secret=SECRETS[0], **both))[1] == 9002313


def test_the_kind_of_assertion_must_be_named(driver: Driver, clock: ManualClock) -> None:
    reply = ask(driver, client_assertion=OWN.sign(claims(clock)))
    assert refusal(reply) == ("invalid_request", 9002313)


# --- registered certificates


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"alg": "RS256", "x5t#S256": None, "x5t": OWN.thumbprint("sha1")},
        {"x5t": OWN.thumbprint("sha1")},
        {"x5t": OWN.thumbprint("sha1") + "="},
        {"x5t#S256": None, "x5c": x5c([OWN])},
        {"typ": None},
    ],
)
def test_the_key_of_a_registered_certificate_signs(driver: Driver, clock: ManualClock, header: dict[str, Any]) -> None:
    reply = prove(driver, OWN.sign(claims(clock), **header))
    assert payload(reply.json()["access_token"])["appidacr"] == "2"


@pytest.mark.parametrize(
    "audience",
    [
        TOKEN_ENDPOINT,
        f"{LOGIN}/contoso.example/oauth2/v2.0/token",
        f"{LOGIN}/{DEFAULT_TENANT_ID}/v2.0",
        f"{LOGIN}/{DEFAULT_TENANT_ID}/v2.0/",
        f"{LOGIN}/Contoso.Example/oauth2/v2.0/token",
    ],
)
def test_the_audience_is_the_token_endpoint_or_the_issuer(driver: Driver, clock: ManualClock, audience: str) -> None:
    form = {"client_assertion": OWN.sign(claims(clock, aud=audience)), "client_assertion_type": ASSERTION_TYPE}
    asked = {"grant_type": "client_credentials", "client_id": APPLICATION, "scope": GRAPH_DEFAULT}
    assert driver.token(tenant="contoso.example", **asked, **form).status_code == 200


def test_an_assertion_may_be_sent_again_until_it_expires(driver: Driver, clock: ManualClock) -> None:
    """MSAL sends each for nine minutes."""
    assertion = OWN.sign(claims(clock))
    assert prove(driver, assertion).status_code == prove(driver, assertion).status_code == 200
    clock.advance(600)
    assert refusal(prove(driver, assertion)) == ("invalid_client", 700024)


def test_padding_is_passed_over(driver: Driver, clock: ManualClock) -> None:
    """azure-identity's async credentials pad each part of what they sign."""

    def padded(value: Mapping[str, object]) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode())

    header = {"alg": "RS256", "typ": "JWT", "x5t": OWN.thumbprint("sha1"), "pad": ""}
    signed = padded(header) + b"." + padded(claims(clock, pad="x"))
    assert b"=" in signed
    signature = base64.urlsafe_b64encode(OWN.key.sign(signed, padding.PKCS1v15(), hashes.SHA256()))
    assert prove(driver, (signed + b"." + signature).decode()).status_code == 200


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"iss": AZURE_CLI}, 700021),
        ({"sub": AZURE_CLI}, 700021),
        ({"sub": None}, 700021),
        ({"aud": f"{LOGIN}/common/oauth2/v2.0/token"}, 700023),
        ({"aud": f"https://login.example/{DEFAULT_TENANT_ID}/oauth2/v2.0/token"}, 700023),
        ({"aud": None}, 700023),
        ({"exp": 0}, 700024),
        ({"exp": None}, 700024),
        ({"exp": "tomorrow"}, 700024),
        ({"exp": 4102444800}, 700024),
        ({"nbf": 4102444800, "exp": 4102444900}, 700024),
        ({"nbf": "now"}, 700024),
    ],
)
def test_what_an_assertion_says_must_be_right(
    driver: Driver, clock: ManualClock, changes: dict[str, object], code: int
) -> None:
    said = {name: value for name, value in claims(clock, **changes).items() if value is not None}
    reply = prove(driver, OWN.sign(said))
    assert reply.status_code == 401
    assert refusal(reply) == ("invalid_client", code)


@pytest.mark.parametrize(
    ("assertion", "error", "code"),
    [
        ("not.a.jwt", "invalid_request", 50027),
        ("a.b", "invalid_request", 50027),
        ("e30.W10.AA", "invalid_request", 50027),
        ("é.é.é", "invalid_request", 50027),
        (OWN.sign({}, typ="at+jwt"), "invalid_request", 5002727),
        (OWN.sign({}, alg="RS512"), "invalid_request", 5002738),
        (OWN.sign({"iss": APPLICATION}, **{"x5t#S256": None}), "invalid_client", 700027),
        (OWN.sign({}, **{"x5t#S256": None, "x5c": ["not base64"]}), "invalid_client", 700027),
        (OWN.sign({}, **{"x5t#S256": None, "x5c": ["AAAA"]}), "invalid_client", 700027),
        (STRANGER.sign({}), "invalid_client", 700027),
        (STRANGER.sign({}, **{"x5t#S256": OWN.thumbprint("sha256")}), "invalid_client", 700027),
        (OWN.sign({}, x5t=STRANGER.thumbprint("sha1")), "invalid_client", 700027),
    ],
)
def test_what_nobody_known_signed_is_refused(driver: Driver, assertion: str, error: str, code: int) -> None:
    assert refusal(prove(driver, assertion)) == (error, code)


def test_an_expired_certificate_proves_nothing(clock: ManualClock) -> None:
    end = datetime.datetime.fromtimestamp(clock.time() + 60, datetime.timezone.utc)
    certificate = issue("CN=app.contoso.example", end=end)
    client = Client(APPLICATION, public=False, certificates=(certificate.pem,))
    driver = Driver(Emulator(clients=[client], clock=clock))
    assert prove(driver, certificate.sign(claims(clock))).status_code == 200
    clock.advance(61)
    assert refusal(prove(driver, certificate.sign(claims(clock))))[1] == 700027


# --- subject name and issuer


def test_a_certificate_of_a_trusted_ca_and_name_need_not_be_registered(driver: Driver, clock: ManualClock) -> None:
    for chain in ([LEAF, INTERMEDIATE], [LEAF, INTERMEDIATE, ROOT]):
        assert prove(driver, LEAF.sign(claims(clock), x5c=x5c(chain))).status_code == 200


def _past(clock_start: float = ManualClock().time()) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(clock_start - 60, datetime.timezone.utc)


@pytest.mark.parametrize(
    "chain",
    [
        pytest.param([LEAF], id="a link is missing"),
        pytest.param([issue("CN=else.contoso.example,O=Contoso", by=ROOT, key=1)], id="another name"),
        pytest.param([issue("O=Contoso,CN=shop.contoso.example", by=ROOT, key=1)], id="another order of names"),
        pytest.param([issue("CN=shop.contoso.example,O=Contoso", key=1)], id="issued by itself"),
        pytest.param([issue("CN=shop.contoso.example,O=Contoso", by=ROOT, end=_past(), key=1)], id="expired"),
        pytest.param(
            [
                issue("CN=shop.contoso.example,O=Contoso", by=issue("CN=leaf", by=ROOT, key=3), key=1),
                issue("CN=leaf", by=ROOT, key=3),
            ],
            id="issued by one that is no CA",
        ),
        pytest.param(
            [
                issue("CN=shop.contoso.example,O=Contoso", by=issue("CN=Root of Contoso,O=Contoso", ca=True), key=1),
                issue("CN=Root of Contoso,O=Contoso", ca=True),
            ],
            id="a CA that only has the name",
        ),
    ],
)
def test_other_chains_are_not_trusted(driver: Driver, clock: ManualClock, chain: list[Issued]) -> None:
    reply = prove(driver, chain[0].sign(claims(clock), x5c=x5c(chain)))
    assert refusal(reply) == ("invalid_client", 700030)


def test_the_trusted_certificates_key_must_have_signed(driver: Driver, clock: ManualClock) -> None:
    thumbprint = {"x5t#S256": LEAF.thumbprint("sha256")}
    assertion = OWN.sign(claims(clock), x5c=x5c([LEAF, INTERMEDIATE]), **thumbprint)
    assert refusal(prove(driver, assertion))[1] == 700027


# --- tokens of other issuers


def test_a_workloads_token_proves_the_application(driver: Driver) -> None:
    reply = prove(driver, driver.entra.federated_token(WORKLOAD))
    assert payload(reply.json()["access_token"])["appidacr"] == "2"


def test_a_workloads_token_expires(driver: Driver, clock: ManualClock) -> None:
    token = driver.entra.federated_token(WORKLOAD, lifetime=60)
    clock.advance(60)
    assert refusal(prove(driver, token)) == ("invalid_client", 700024)


def test_other_programs_can_ask_for_a_workloads_token(driver: Driver) -> None:
    """So that a shell can write it to a file."""
    url = "http://localhost/federated-token"
    reply = driver.browser.post(url, data={"subject": WORKLOAD})
    assert reply.headers["Content-Type"].startswith("application/jwt")
    assert prove(driver, reply.text).status_code == 200
    whole = {"subject": "a", "issuer": "https://other.example", "audience": "b"}
    assert prove(driver, driver.browser.post(url, data=whole).text).status_code == 200
    assert refusal(driver.browser.post(url)) == ("invalid_request", 900144)


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ({"issuer": "https://unknown.example"}, 700211),
        ({"issuer": DEFAULT_ISSUER + "/"}, 700211),
        ({"audience": "b"}, 700212),
        ({"subject": "a"}, 700213),
        ({"subject": WORKLOAD.upper()}, 700213),
        ({"issuer": "https://other.example", "audience": "b"}, 700213),
    ],
)
def test_other_workloads_tokens_do_not(driver: Driver, token: dict[str, str], code: int) -> None:
    token = {"subject": WORKLOAD, **token}
    reply = prove(driver, driver.entra.federated_token(token.pop("subject"), **token))  # type: ignore[arg-type]
    assert reply.status_code == 401
    assert refusal(reply) == ("invalid_client", code)


def test_nobody_else_signs_in_an_issuers_name(driver: Driver, clock: ManualClock) -> None:
    said = claims(clock, iss=DEFAULT_ISSUER, sub=WORKLOAD, aud="api://AzureADTokenExchange")
    assert refusal(prove(driver, OWN.sign(said, **{"x5t#S256": None})))[1] == 700027


def test_an_application_without_federations_says_so() -> None:
    driver = Driver(Emulator(clients=[Client(APPLICATION, public=False)]))
    assert refusal(prove(driver, driver.entra.federated_token(WORKLOAD))) == ("invalid_client", 70025)


# --- how they are registered


def test_secrets_and_keys_are_not_shown() -> None:
    client = Client(APPLICATION, secrets=("s3cret",), certificates=(OWN.key_pem + OWN.pem,))
    assert "s3cret" not in repr(client)
    assert client.certificates == (OWN.pem,)


@pytest.mark.parametrize("text", ["", "-----BEGIN CERTIFICATE-----\n", OWN.key_pem, elliptic("CN=curve")])
def test_what_is_no_certificate_is_refused_at_once(text: str) -> None:
    with pytest.raises(ValueError, match="certificate"):
        Client(APPLICATION, certificates=(text,))
    with pytest.raises(ValueError, match="certificate"):
        SubjectNameIssuer("CN=a", text)


def test_an_issuer_must_be_a_url() -> None:
    with pytest.raises(ValueError, match="an issuer is a URL such as https://"):
        Federation("issuer.example", WORKLOAD)


def test_a_subject_must_be_a_name() -> None:
    with pytest.raises(ValueError, match="a subject looks like CN="):
        SubjectNameIssuer("app.contoso.example", ROOT.pem)


def test_the_request_log_shows_no_proof(driver: Driver, clock: ManualClock) -> None:
    assertion = OWN.sign(claims(clock))
    prove(driver, assertion)
    ask(driver, client_secret=SECRETS[0])
    shown = repr(driver.entra.requests)
    assert assertion not in shown
    assert SECRETS[0] not in shown
