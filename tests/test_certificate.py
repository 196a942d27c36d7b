"""A device's key and certificate, as OpenSSL reads them."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import tempfile
import unittest
from pathlib import Path

from roles.private.certificate import DeviceKey, digest_of


class CertificateTest(unittest.TestCase):
    def setUp(self) -> None:
        self.key = DeviceKey.made()
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.file = Path(folder) / "device.pem"
        self.file.write_bytes(self.key.pem())

    def test_the_standard_library_loads_both_and_they_belong_together(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file)  # raises if the key is another one's

    def test_it_is_small_and_says_nothing_of_the_computer(self) -> None:
        sizes = {len(DeviceKey.made().certificate) for _ in range(8)}
        self.assertLessEqual(max(sizes), 290)
        self.assertIn(b"LMKtorrent", self.key.certificate)

    def test_each_key_has_another_certificate(self) -> None:
        self.assertNotEqual(
            digest_of(self.key.certificate), digest_of(DeviceKey.made().certificate)
        )

    def test_the_key_is_not_shown(self) -> None:
        self.assertNotIn(str(self.key.scalar), repr(self.key))

    @unittest.skipUnless(shutil.which("openssl"), "needs the program openssl")
    def test_the_signature_is_right(self) -> None:
        verified = subprocess.run(
            ["openssl", "verify", "-check_ss_sig", "-CAfile", self.file, self.file],
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
        self.assertIn(": OK", verified.stdout, verified.stderr)


if __name__ == "__main__":
    unittest.main()
