"""The federation server of federated users: WS-Trust 1.3 and 2005 with a username and a password, SAML 1.1 back.

Sources: OASIS WS-Trust 1.3, WS-MetadataExchange, SAML 1.1; Entra documentation, "Resource owner password credentials"
for federated accounts.
"""

from __future__ import annotations

import datetime
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from azid.emulator.directory import Directory
from azid.emulator.grants.saml_bearer import ASSERTION_LIFETIME, SamlBearerGrant
from azid.emulator.refusals import Refusal

__all__ = ["issue", "metadata"]

_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_SAML = "urn:oasis:names:tc:SAML:1.0:assertion"
_TRUST = {
    "13": "http://docs.oasis-open.org/ws-sx/ws-trust/200512",
    "2005": "http://schemas.xmlsoap.org/ws/2005/02/trust",
}
_POLICY = {
    "13": ("http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702", "SignedEncryptedSupportingTokens"),
    "2005": ("http://schemas.xmlsoap.org/ws/2005/07/securitypolicy", "SignedSupportingTokens"),
}

_METADATA_POLICY = """\
  <wsp:Policy wsu:Id="password{version}">
    <wsp:ExactlyOne><wsp:All>
      <sp:TransportBinding xmlns:sp="{namespace}"><wsp:Policy/></sp:TransportBinding>
      <sp:{tokens} xmlns:sp="{namespace}"><wsp:Policy>
        <sp:UsernameToken><wsp:Policy><sp:WssUsernameToken10/></wsp:Policy></sp:UsernameToken>
      </wsp:Policy></sp:{tokens}>
    </wsp:All></wsp:ExactlyOne>
  </wsp:Policy>
"""
_METADATA_BINDING = """\
  <wsdl:binding name="password{version}" type="tns:trust">
    <wsp:PolicyReference URI="#password{version}"/>
    <soap12:binding transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="issue"><soap12:operation soapAction="{trust}/RST/Issue" style="document"/></wsdl:operation>
  </wsdl:binding>
"""
_METADATA_PORT = """\
    <wsdl:port name="password{version}" binding="tns:password{version}">
      <wsa:EndpointReference><wsa:Address>{origin}/adfs/services/trust/{version}/usernamemixed</wsa:Address>
      </wsa:EndpointReference>
    </wsdl:port>
"""
_ENVELOPE = '<s:Envelope xmlns:s="{soap}"><s:Body>{body}</s:Body></s:Envelope>'
_ASSERTION = (
    '<saml:Assertion xmlns:saml="{saml}" MajorVersion="1" MinorVersion="1" AssertionID={identifier} '
    'Issuer="urn:azid:emulator" IssueInstant="{now}"><saml:Conditions NotBefore="{now}" NotOnOrAfter="{end}"/>'
    '<saml:AuthenticationStatement AuthenticationMethod="urn:oasis:names:tc:SAML:1.0:am:password" '
    'AuthenticationInstant="{now}"><saml:Subject><saml:NameIdentifier>{username}</saml:NameIdentifier></saml:Subject>'
    "</saml:AuthenticationStatement></saml:Assertion>"
)
_ISSUED = (
    '<t:RequestSecurityTokenResponse xmlns:t="{trust}"><t:TokenType>{saml}</t:TokenType>'
    "<t:RequestedSecurityToken>{assertion}</t:RequestedSecurityToken></t:RequestSecurityTokenResponse>"
)
_FAULT = (
    "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>{code}</s:Value></s:Subcode></s:Code>"
    '<s:Reason><s:Text xml:lang="en">{text}</s:Text></s:Reason></s:Fault>'
)


def metadata(origin: str) -> str:
    """Return the metadata exchange document: where each version takes passwords.

    :param origin: of the federation server, https.
    """
    policies = "".join(
        _METADATA_POLICY.format(version=version, namespace=namespace, tokens=tokens)
        for version, (namespace, tokens) in _POLICY.items()
    )
    bindings = "".join(_METADATA_BINDING.format(version=version, trust=trust) for version, trust in _TRUST.items())
    ports = "".join(_METADATA_PORT.format(version=version, origin=escape(origin)) for version in _TRUST)
    return (
        '<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:tns="urn:azid:emulator" '
        'targetNamespace="urn:azid:emulator" xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy" '
        f'xmlns:wsu="{_WSU}" xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/" '
        'xmlns:wsa="http://www.w3.org/2005/08/addressing">\n'
        f'{policies}{bindings}  <wsdl:service name="trust">\n{ports}  </wsdl:service>\n</wsdl:definitions>\n'
    )


def issue(body: bytes, version: str, directory: Directory, assertions: SamlBearerGrant, now: float) -> tuple[int, str]:
    """Answer a RequestSecurityToken: HTTP status and SOAP envelope. A refusal is a SOAP fault with status 500, as
    federation servers send it.

    :param version: of WS-Trust, as in the path: `13` or `2005`.
    :param now: seconds since the epoch.
    """
    try:
        document = ET.fromstring(body)  # noqa: S314 - expat guards against entity expansion; nothing external is read
        username = document.findtext(f".//{{{_WSSE}}}Username") or ""
        password = document.findtext(f".//{{{_WSSE}}}Password") or ""
        trust = _TRUST[version]
        if document.find(f".//{{{trust}}}RequestSecurityToken") is None:
            return _fault("t:InvalidRequest", "No security token is asked for.")
        user = directory.authenticate(username, password)
    except (ET.ParseError, KeyError):
        return _fault("t:InvalidRequest", "The request cannot be understood.")
    except Refusal:
        return _fault("wsse:FailedAuthentication", "The username or the password is wrong.")
    assertion = _ASSERTION.format(
        saml=_SAML,
        identifier=quoteattr(assertions.issue(user)),
        now=_timestamp(now),
        end=_timestamp(now + ASSERTION_LIFETIME),
        username=escape(user.username),
    )
    issued = _ISSUED.format(trust=trust, saml=_SAML, assertion=assertion)
    if version == "13":  # WS-Trust 1.3 section 4.3: the final reply comes in a collection
        issued = (
            f'<t:RequestSecurityTokenResponseCollection xmlns:t="{trust}">{issued}'
            "</t:RequestSecurityTokenResponseCollection>"
        )
    return 200, _ENVELOPE.format(soap=_SOAP, body=issued)


def _fault(code: str, text: str) -> tuple[int, str]:
    return 500, _ENVELOPE.format(soap=_SOAP, body=_FAULT.format(code=code, text=escape(text)))


def _timestamp(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
