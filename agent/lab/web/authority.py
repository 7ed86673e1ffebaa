"""The lab's certificate authority: signs a certificate for each machine that speaks TLS."""

from __future__ import annotations

import ssl
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_DAYS = 30
_SKEW = timedelta(days=1)


class LabAuthority:
    """One root, made anew for each lab; one key serves all machines, each has its own certificate."""

    def __init__(self, name: str = "Lab Root CA") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._machine_key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._contexts: dict[tuple[str, ...], ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self.certificate = self._root()

    @property
    def pem(self) -> str:
        """The root certificate, for a client to trust."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def write(self, path: Path) -> Path:
        """Put the root certificate into this file."""
        path.write_text(self.pem, encoding="ascii")
        return path

    def context(self, *names: str) -> ssl.SSLContext:
        """A server's TLS context with a certificate for these names and loopback; made once for each set of names."""
        with self._lock:
            if names not in self._contexts:
                self._contexts[names] = self._make_context(names)
            return self._contexts[names]

    def client_context(self) -> ssl.SSLContext:
        """A client's TLS context that trusts this authority and nobody else."""
        return ssl.create_default_context(cadata=self.pem)

    def issue(self, *names: str) -> x509.Certificate:
        """A certificate for these DNS names, 127.0.0.1 and localhost."""
        alternatives: list[x509.GeneralName] = [x509.DNSName(name.lower()) for name in (*names, "localhost")]
        alternatives.append(x509.IPAddress(IPv4Address("127.0.0.1")))
        return (
            self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0].lower())]))
            .public_key(self._machine_key.public_key())
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def _root(self) -> x509.Certificate:
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        return (
            self._builder(self._name)
            .public_key(self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def _builder(self, subject: x509.Name) -> x509.CertificateBuilder:
        # Real time, whatever the lab's clock says: it is real clients that check it.
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SKEW)
            .not_valid_after(now + timedelta(days=VALID_DAYS))
        )

    def _make_context(self, names: tuple[str, ...]) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory(prefix="lab-tls-") as folder:
            # The ssl module loads keys from files only.
            path = Path(folder) / "machine.pem"
            path.touch(mode=0o600)
            path.write_bytes(self._private_pem() + self.issue(*names).public_bytes(serialization.Encoding.PEM))
            context.load_cert_chain(path)
        return context

    def _private_pem(self) -> bytes:
        return self._machine_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
