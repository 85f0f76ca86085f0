"""The certificate authority of one emulator: made at start, in memory, good for a day and for few names."""

from __future__ import annotations

import base64
import datetime
import hashlib
import ipaddress
import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["LOGIN_HOSTS", "CertificateAuthority"]

LOGIN_HOSTS = (
    "login.microsoftonline.com",
    "login.microsoft.com",
    "login.windows.net",
    "sts.windows.net",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "login.chinacloudapi.cn",
)
_OTHER_HOSTS = ("localhost", "graph.microsoft.com")
_ADDRESSES = (ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1"))
_LIFETIME = datetime.timedelta(days=1)
_SKEW = datetime.timedelta(minutes=5)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, issuer_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    # The machine's own time, whatever clock the emulator runs on: TLS clients look at nothing else.
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


@dataclass(frozen=True)
class CertificateAuthority:
    """A CA and the one certificate it signed; the CA's own key is already forgotten."""

    certificate: bytes = field(repr=False)
    """The CA's certificate, PEM."""
    pin: str
    """SHA-256 of the certificate's public key, in base64 (RFC 7469 section 2.4)."""
    thumbprint: str
    """SHA-1 of the certificate, in hexadecimal."""
    _chain: bytes = field(repr=False)
    _key: bytes = field(repr=False)

    @classmethod
    def create(cls) -> CertificateAuthority:
        """Make a CA whose name constraints (RFC 5280 section 4.2.1.10) allow loopback and Entra's hosts only."""
        hosts = [x509.DNSName(host) for host in (*_OTHER_HOSTS, *LOGIN_HOSTS)]
        networks = [x509.IPAddress(ipaddress.ip_network(address)) for address in _ADDRESSES]
        ca_key = ec.generate_private_key(ec.SECP256R1())
        ca_name = _name("azid emulator CA (this machine, today)")
        ca = (
            _builder(ca_name, ca_name, ca_key.public_key(), ca_key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(x509.NameConstraints([*hosts, *networks], None), critical=True)
            .sign(ca_key, hashes.SHA256())
        )
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = (
            _builder(_name("azid emulator"), ca_name, key.public_key(), ca_key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.SubjectAlternativeName([*hosts, *(x509.IPAddress(address) for address in _ADDRESSES)]),
                critical=False,
            )
            .sign(ca_key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        public_key = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return cls(
            ca.public_bytes(pem),
            base64.b64encode(hashlib.sha256(public_key).digest()).decode(),
            leaf.fingerprint(hashes.SHA1()).hex().upper(),  # noqa: S303 - what Service Fabric calls it by
            leaf.public_bytes(pem),
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        )

    def server_context(self) -> ssl.SSLContext:
        """Return the TLS settings of a server that shows the certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # The ssl module loads keys from files only: this one lives for a moment in a directory nobody else can read.
        with tempfile.TemporaryDirectory(prefix="azid-emulator-") as directory:
            path = Path(directory, "leaf.pem")
            path.write_bytes(self._chain + self._key)
            context.load_cert_chain(path)
        return context
