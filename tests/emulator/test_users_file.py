"""The file of people: everything that `User` and `Client` take, and errors that name the place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from azid.emulator import (
    DEFAULT_TENANT_ID,
    Client,
    Emulator,
    Federation,
    ManagedIdentity,
    SubjectNameIssuer,
    User,
)
from azid.emulator.json_file import FileError
from azid.emulator.users_file import read_people
from tests.emulator.driver import Driver, refusal
from tests.support.certificates import elliptic, issue

GUID = "0a1b2c3d-0000-4000-8000-00000000000f"
CERTIFICATE = issue("CN=app.contoso.example")
ROOT = issue("CN=Root of Contoso", ca=True)
ADA = {"username": "ada@contoso.example", "password": "pass phrase"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "people.json"


def write(file: Path, **document: Any) -> Path:
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


def test_people_applications_and_tenants(file: Path) -> None:
    bob = {"username": "bob@fabrikam.example", "password": "x", "name": "Bob", "mfa": True, "tenant_id": GUID}
    client = {"client_id": GUID, "name": "Ours", "redirect_uris": ["http://localhost/callback"]}
    people = read_people(write(file, users=[ADA, bob], clients=[client], tenants={"fabrikam.example": GUID}))
    assert people.accounts() == [
        User(ADA["username"], ADA["password"], tenant_id=DEFAULT_TENANT_ID),
        User("bob@fabrikam.example", "x", "Bob", GUID, mfa=True),
    ]
    assert people.applications() == [Client(GUID, "Ours", ("http://localhost/callback",))]
    assert people.tenants == {"fabrikam.example": GUID}


def test_the_case_of_a_guid_means_nothing(file: Path) -> None:
    """A token's `tid` is compared with the address that the program asked, as text."""
    people = read_people(
        write(file, users=[{**ADA, "tenant_id": GUID.upper()}], tenants={"fabrikam.example": GUID.upper()})
    )
    assert people.accounts()[0].tenant_id == GUID
    assert people.tenants == {"fabrikam.example": GUID}


def test_a_byte_order_mark_is_passed_over(file: Path) -> None:
    file.write_text(json.dumps({"users": [ADA]}), encoding="utf-8-sig")
    assert read_people(file).accounts()


def test_a_tenant_for_those_who_have_none(file: Path) -> None:
    [ada] = read_people(write(file, users=[ADA])).accounts(GUID)
    assert ada.tenant_id == GUID


def test_refusals_are_the_persons_own(file: Path) -> None:
    people = read_people(
        write(file, users=[{**ADA, "refusals": [{"code": 53003, "times": 1}]}, {**ADA, "username": "b@c.d"}])
    )
    entra = Emulator(people.accounts())
    people.apply_refusals(entra)
    driver = Driver(entra)
    assert driver.password("b@c.d", "pass phrase").status_code == 200
    assert refusal(driver.password(ADA["username"], "pass phrase")) == ("invalid_grant", 53003)
    assert driver.password(ADA["username"], "pass phrase").status_code == 200


def test_applications_that_prove_themselves(file: Path) -> None:
    (file.parent / "app.pem").write_text(CERTIFICATE.key_pem + CERTIFICATE.pem)
    client = {
        "client_id": GUID,
        "public": False,
        "secrets": ["s3cret"],
        "certificates": ["app.pem", ROOT.pem],
        "trusted_subjects": [{"subject": "CN=shop.contoso.example", "ca": ROOT.pem}],
        "federations": [{"issuer": "https://a.example", "subject": "b"}],
        "identifier_uri": "https://orders.contoso.example",
    }
    people = read_people(write(file, users=[ADA], clients=[client]))
    assert people.applications() == [
        Client(
            GUID,
            public=False,
            secrets=("s3cret",),
            certificates=(CERTIFICATE.pem, ROOT.pem),
            trusted_subjects=(SubjectNameIssuer("CN=shop.contoso.example", ROOT.pem),),
            federations=(Federation("https://a.example", "b"),),
            identifier_uri="https://orders.contoso.example",
        )
    ]
    assert "s3cret" not in repr(people)


def test_identities_of_machines(file: Path) -> None:
    people = read_people(
        write(file, users=[ADA], identities=[{"client_id": GUID, "name": "deploy"}], system_assigned=False)
    )
    assert people.machine_identities() == [ManagedIdentity(GUID, name="deploy")]
    assert people.machine_identities(GUID) == [ManagedIdentity(GUID, name="deploy", tenant_id=GUID)]
    assert not people.system_assigned
    assert read_people(write(file, users=[ADA])).system_assigned


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({}, "users is missing"),
        ({"users": []}, "users: nobody could sign in"),
        ({"users": [{"username": "ada@contoso.example"}]}, "users[0].password is missing"),
        ({"users": [ADA, {**ADA, "username": "b@c.d", "mfa": "yes"}]}, "users[1].mfa: must be a valid boolean"),
        ({"users": [{**ADA, "mfaa": True}]}, "users[0].mfaa is not a field that is known here"),
        ({"users": [{**ADA, "username": "ada"}]}, "users[0].username: must look like ada@contoso.example"),
        ({"users": [{**ADA, "username": "ada@contoso.example "}]}, "users[0].username: must look like"),
        ({"users": [{**ADA, "password": ""}]}, "users[0].password: "),
        ({"users": [ADA, {**ADA, "username": "Ada@Contoso.Example"}]}, "users[1].username: this person is there twice"),
        ({"users": [{**ADA, "tenant_id": "contoso"}]}, "users[0].tenant_id: must be a GUID"),
        ({"users": [{**ADA, "refusals": [{"code": 1}]}]}, "users[0].refusals[0]: AADSTS1 is not in the catalogue"),
        ({"users": [ADA], "clients": [{"client_id": "mine"}]}, "clients[0].client_id: must be a GUID"),
        (
            {"users": [ADA], "clients": [{"client_id": GUID}, {"client_id": GUID.upper()}]},
            "clients[1].client_id: this application is there twice",
        ),
        *(
            (
                {"users": [ADA], "clients": [{"client_id": GUID, "certificates": [text]}]},
                f"clients[0].certificates[0]: {complaint}",
            )
            for text, complaint in (
                ("missing.pem", "the file cannot be read: No such file"),
                ("people.json", "this is no certificate in PEM format"),
                (CERTIFICATE.key_pem, "this is no certificate in PEM format"),
                (elliptic("CN=a"), "the certificate's key is none of RSA"),
            )
        ),
        (
            {"users": [ADA], "clients": [{"client_id": GUID, "trusted_subjects": [{"subject": "a", "ca": ROOT.pem}]}]},
            "clients[0].trusted_subjects[0].subject: must look like CN=app.contoso.example,O=Contoso",
        ),
        (
            {"users": [ADA], "clients": [{"client_id": GUID, "federations": [{"issuer": "https://a.example"}]}]},
            "clients[0].federations[0].subject is missing",
        ),
        (
            {"users": [ADA], "clients": [{"client_id": GUID, "federations": [{"issuer": "a", "subject": "b"}]}]},
            "clients[0].federations[0].issuer: must be a URL",
        ),
        ({"users": [ADA], "clients": [{"client_id": GUID, "secrets": [""]}]}, "clients[0].secrets[0]: "),
        ({"users": [ADA], "identities": [{"client_id": "a"}]}, "identities[0].client_id: must be a GUID"),
        (
            {"users": [ADA], "identities": [{"client_id": GUID}, {"client_id": GUID}]},
            "identities[1].client_id: this identity is there twice",
        ),
        *(
            (
                {"users": [ADA], "clients": [{"client_id": GUID, "redirect_uris": [uri]}]},
                "clients[0].redirect_uris[0]: ",
            )
            for uri in ("callback", "http://[", "https://contoso.example:port/", "http://localhost/#there")
        ),
        ({"users": [ADA], "tenants": {"a.example": 1}}, "tenants.a.example: must be a valid string"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_without_passwords(
    file: Path, document: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(FileError) as caught:
        read_people(write(file, **document))
    assert f"{file}: {complaint}" in str(caught.value)
    assert "pass phrase" not in str(caught.value)


def test_every_mistake_is_named_at_once(file: Path) -> None:
    with pytest.raises(FileError) as caught:
        read_people(write(file, users=[{"username": 1}]))
    assert len(str(caught.value).splitlines()) == 2


def test_a_slip_of_the_pen_is_named_with_its_line(file: Path) -> None:
    file.write_text('{"users": [\n  {"username": "ada@contoso.example",}\n]}', encoding="utf-8")
    with pytest.raises(FileError, match=r"people\.json: Invalid JSON: .* at line 2 column 38"):
        read_people(file)


def test_a_file_that_is_not_there(file: Path) -> None:
    with pytest.raises(FileError, match=r"people\.json cannot be read: No such file"):
        read_people(file)
