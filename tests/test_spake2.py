"""SPAKE2: the vectors of RFC 9382, appendix B, and exchanges that must not succeed."""

from __future__ import annotations

import unittest
from typing import NamedTuple

from roles.private.p256 import GENERATOR
from roles.private.spake2 import Exchange, Password
from roles.values.errors import PeerProtocolError


class Vector(NamedTuple):
    a: bytes
    b: bytes
    w: str
    x: str
    y: str
    share_a: str
    share_b: str
    proof_a: str
    proof_b: str


VECTORS = (
    Vector(
        b"server",
        b"client",
        "2ee57912099d31560b3a44b1184b9b4866e904c49d12ac5042c97dca461b1a5f",
        "43dd0fd7215bdcb482879fca3220c6a968e66d70b1356cac18bb26c84a78d729",
        "dcb60106f276b02606d8ef0a328c02e4b629f84f89786af5befb0bc75b6e66be",
        "04a56fa807caaa53a4d28dbb9853b9815c61a411118a6fe516a8798434751470f9"
        "010153ac33d0d5f2047ffdb1a3e42c9b4e6be662766e1eeb4116988ede5f912c",
        "0406557e482bd03097ad0cbaa5df82115460d951e3451962f1eaf4367a420676d0"
        "9857ccbc522686c83d1852abfa8ed6e4a1155cf8f1543ceca528afb591a1e0b7",
        "58ad4aa88e0b60d5061eb6b5dd93e80d9c4f00d127c65b3b35b1b5281fee38f0",
        "d3e2e547f1ae04f2dbdbf0fc4b79f8ecff2dff314b5d32fe9fcef2fb26dc459b",
    ),
    Vector(
        b"",
        b"client",
        "0548d8729f730589e579b0475a582c1608138ddf7054b73b5381c7e883e2efae",
        "403abbe3b1b4b9ba17e3032849759d723939a27a27b9d921c500edde18ed654b",
        "903023b6598908936ea7c929bd761af6039577a9c3f9581064187c3049d87065",
        "04a897b769e681c62ac1c2357319a3d363f610839c4477720d24cbe32f5fd85f44"
        "fb92ba966578c1b712be6962498834078262caa5b441ecfa9d4a9485720e918a",
        "04e0f816fd1c35e22065d5556215c097e799390d16661c386e0ecc84593974a61b"
        "881a8c82327687d0501862970c64565560cb5671f696048050ca66ca5f8cc7fc",
        "47d29e6666af1b7dd450d571233085d7a9866e4d49d2645e2df975489521232b",
        "3313c5cefc361d27fb16847a91c2a73b766ffa90a4839122a9b70a2f6bd1d6df",
    ),
    Vector(
        b"server",
        b"",
        "626e0cdc7b14c9db3e52a0b1b3a768c98e37852d5db30febe0497b14eae8c254",
        "07adb3db6bc623d3399726bfdbfd3d15a58ea776ab8a308b00392621291f9633",
        "b6a4fc8dbb629d4ba51d6f91ed1532cf87adec98f25dd153a75accafafedec16",
        "04f88fb71c99bfffaea370966b7eb99cd4be0ff1a7d335caac4211c4afd855e2e1"
        "5a873b298503ad8ba1d9cbb9a392d2ba309b48bfd7879aefd0f2cea6009763b0",
        "040c269d6be017dccb15182ac6bfcd9e2a14de019dd587eaf4bdfd353f031101e7"
        "cca177f8eb362a6e83e7d5e729c0732e1b528879c086f39ba0f31a9661bd34db",
        "bc9f9bbe99f26d0b2260e6456e05a86196a3307ec6663a18bf6ac825736533b2",
        "c2370e1bf813b086dff0d834e74425a06e6390f48f5411900276dcccc5a297ec",
    ),
    Vector(
        b"",
        b"",
        "7bf46c454b4c1b25799527d896508afd5fc62ef4ec59db1efb49113063d70cca",
        "8cef65df64bb2d0f83540c53632de911b5b24b3eab6cc74a97609fd659e95473",
        "d7a66f64074a84652d8d623a92e20c9675c61cb5b4f6a0063e4648a2fdc02d53",
        "04a65b367a3f613cf9f0654b1b28a1e3a8a40387956c8ba6063e8658563890f46c"
        "a1ef6a676598889fc28de2950ab8120b79a5ef1ea4c9f44bc98f585634b46d66",
        "04589f13218822710d98d8b2123a079041052d9941b9cf88c6617ddb2fcc049466"
        "2eea8ba6b64692dc318250030c6af045cb738bc81ba35b043c3dcb46adf6f58d",
        "dfb4db8d48ae5a675963ea5e6c19d98d4ea028d8e898dad96ea19a80ade95dca",
        "d0f0609d1613138d354f7e95f19fb556bf52d751947241e8c7118df5ef0ae175",
    ),
)


def exchanged(a_knows: int, b_knows: int, **names: bytes) -> bool:
    """Whether A and B end with the same proofs."""
    a = Exchange(Password(a_knows), is_a=True)
    b = Exchange(Password(b_knows), is_a=False)
    return a.proofs(b.share, a=b"a", b=b"b") == b.proofs(
        a.share, **({"a": b"a", "b": b"b"} | names)
    )


class Spake2Test(unittest.TestCase):
    def test_it_gives_what_the_rfc_says(self) -> None:
        for number, vector in enumerate(VECTORS):
            with self.subTest(number=number):
                password = Password(int(vector.w, 16))
                a = Exchange(password, is_a=True, scalar=int(vector.x, 16))
                b = Exchange(password, is_a=False, scalar=int(vector.y, 16))
                self.assertEqual((a.share.hex(), b.share.hex()), (vector.share_a, vector.share_b))
                proofs = a.proofs(b.share, a=vector.a, b=vector.b)
                self.assertEqual(proofs, b.proofs(a.share, a=vector.a, b=vector.b))
                said = (proofs.a.hex(), proofs.b.hex())
                self.assertEqual(said, (vector.proof_a, vector.proof_b))

    def test_two_who_know_the_same_code_agree_and_others_do_not(self) -> None:
        self.assertTrue(exchanged(482_177_305, 482_177_305))
        self.assertFalse(exchanged(482_177_305, 482_177_306))

    def test_the_same_code_is_another_password_in_another_room(self) -> None:
        rooms = "0" * 16, "1" * 16
        first, second = (Password.of("482177305", room).scalar for room in rooms)
        self.assertEqual(first, Password.of("482177305", rooms[0]).scalar)
        self.assertNotEqual(first, second)
        self.assertNotEqual(first, Password.of("482177306", rooms[0]).scalar)

    def test_they_must_agree_on_names_and_context(self) -> None:
        self.assertFalse(exchanged(1, 1, b=b"another"))
        self.assertFalse(exchanged(1, 1, context=b"another"))

    def test_each_exchange_is_another_one(self) -> None:
        password = Password(7)
        shares = {Exchange(password, is_a=True).share for _ in range(3)}
        self.assertEqual(len(shares), 3)

    def test_swapped_roles_do_not_agree(self) -> None:
        first, second = Exchange(Password(7), is_a=True), Exchange(Password(7), is_a=True)
        proofs = first.proofs(second.share, a=b"a", b=b"b")
        self.assertNotEqual(proofs, second.proofs(first.share, a=b"a", b=b"b"))

    def test_a_share_that_is_sent_back_or_is_no_point_is_refused(self) -> None:
        exchange = Exchange(Password(7), is_a=True)
        twin = Password(7)
        for share in (exchange.share, bytes(65), GENERATOR.encoded()[:-1], twin.on_n.encoded()):
            with self.subTest(share=share[:2]), self.assertRaises(PeerProtocolError):
                exchange.proofs(share, a=b"a", b=b"b")


if __name__ == "__main__":
    unittest.main()
