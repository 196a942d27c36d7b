"""A seeder's torrent over HTTP: what it says, and its files as a web seed gives them."""

from __future__ import annotations

import hashlib
import socket
from typing import Any, ClassVar
from urllib.parse import quote

from roles.seeder import Seeder
from roles.values.addresses import Address
from roles.values.events import TorrentChanged
from roles.values.settings import TorrentKind
from tests.bencoded import decoded
from tests.role_test import RoomTest, Running, list_now
from tests.site_test import STRANGE, SiteTest
from tests.support import LIMIT_S, EventLog, wait_until
from tests.test_bep15_wire import CONNECT, HASH, announce


class TorrentSiteTest(SiteTest):
    FILES: ClassVar[dict[str, bytes]] = {**SiteTest.FILES, "<script>": b"script"}

    def setUp(self) -> None:
        super().setUp()
        self.seeding = self.seeder(
            self.shared,
            self.room,
            is_announced=False,
            state_folder=self.folder / "state",
            torrent=TorrentKind.PRIVATE,
        )
        self.news = self.seeding.log.wait_for(
            TorrentChanged, where=lambda change: bool(change.torrent)
        )

    def metainfo(self) -> dict[str, Any]:
        status, body, _ = self.get(self.news.path)
        self.assertEqual(status, 200, body)
        found: dict[str, Any] = decoded(body)
        return found

    def seeds(self, info_hash: str = "") -> str:
        return f"/w/{info_hash or self.news.torrent}/shared/"

    def changed(self) -> None:
        """Another torrent than the first is there."""
        self.seeding.log.wait_for(
            TorrentChanged, where=lambda change: change.torrent not in ("", self.news.torrent)
        )

    def test_the_torrent_names_the_tracker_and_the_web_seed_as_the_reader_reaches_them(
        self,
    ) -> None:
        port = self.seeding.address.port
        for host, named in (("", "127.0.0.1"), (f"10.0.0.5:{port}", "10.0.0.5")):
            status, body, _ = self.get(self.news.path, **({"Host": host} if host else {}))
            self.assertEqual(status, 200)
            found = decoded(body)
            self.assertEqual(found["announce"].decode(), f"udp://{named}:{self.room.port}/announce")
            seed = f"http://{named}:{port}/w/{self.news.torrent}/"
            self.assertEqual(found["url-list"].decode(), seed)

    def test_the_page_of_the_whole_folder_links_to_it_and_no_other_page(self) -> None:
        share = self.news.path.split("/")[2]
        _, page, _ = self.get(f"/s/{share}/shared/")
        self.assertIn(f'href="{self.news.path}"'.encode(), page)
        _, page, _ = self.get(f"/s/{share}/shared/{quote('Ü')}/")
        self.assertNotIn(b".torrent", page)

    def test_a_stranger_s_name_is_in_no_torrent(self) -> None:
        self.assertEqual(self.get(self.news.path, Host="evil.example")[0], 421)

    def test_it_is_stored_as_a_file_of_its_own_type(self) -> None:
        _, body, headers = self.get(self.news.path)
        self.assertIn('filename="shared.torrent"', headers["Content-Disposition"])
        self.assertEqual(headers["Content-Type"], "application/x-bittorrent")
        status, nothing, headers = self.get(self.news.path, method="HEAD")
        self.assertEqual((status, nothing), (200, b""))
        self.assertEqual(headers["Content-Length"], str(len(body)))

    def test_its_pieces_are_those_of_the_files_under_their_names_in_it(self) -> None:
        info = self.metainfo()["info"]
        joined, seeds = b"", f"/w/{self.news.torrent}/{quote(info['name'])}/"
        for file in info["files"]:
            status, body, _ = self.get(seeds + "/".join(map(quote, file["path"])))
            self.assertEqual((status, len(body)), (200, file["length"]), file)
            joined += body
        size = info["piece length"]
        pieces = [joined[start : start + size] for start in range(0, len(joined), size)]
        digests = b"".join(hashlib.sha1(piece).digest() for piece in pieces)
        self.assertEqual(digests, info["pieces"])
        self.assertEqual(info["private"], 1)
        self.assertEqual(len(info["files"]), len(self.FILES) + 1)

    def test_a_web_seed_gives_any_part_of_a_file(self) -> None:
        status, body, headers = self.get(self.seeds() + "a", Range="bytes=1000-1999")
        self.assertEqual((status, body), (206, self.CONTENT[1_000:2_000]))
        self.assertEqual(headers["Content-Range"], f"bytes 1000-1999/{self.SIZE}")
        whole = f"bytes=0-{self.SIZE - 1}"
        self.assertEqual(self.get(self.seeds() + "a", Range=whole)[0], 206)

    def test_only_the_names_in_the_torrent_are_found(self) -> None:
        for name in ("<script>", STRANGE, "absent", "", "..", "a/", "a/b", "Ü", "Ü/", "../a"):
            with self.subTest(name=name):
                self.assertEqual(self.get(self.seeds() + quote(name))[0], 404)
        for name in ("_script_", STRANGE.replace("?", "_"), "empty"):
            self.assertEqual(self.get(self.seeds() + quote(name))[0], 200)

    def test_another_path_than_that_of_the_torrent_is_not_found(self) -> None:
        share = self.news.path.split("/")[2]
        for path in (
            "/t",
            "/t/",
            f"/t/{share}",
            f"/t/{share}/other.torrent",
            f"/t/{share}/shared",
            f"/t/{share}/shared.torrent/x",
            f"/t/{share}/shared.torrent/",
            f"/t/{'0' * 16}/shared.torrent",
            "/w",
            f"/w/{self.news.torrent}",
            f"/w/{self.news.torrent}/shared",
            f"/w/{self.news.torrent}/other/a",
            f"/w/{'0' * 40}/shared/a",
            f"/w/{self.news.torrent.upper()}/shared/a",
            "/w/zz/shared/a",
        ):
            with self.subTest(path=path):
                self.assertEqual(self.get(path)[0], 404)

    def test_an_earlier_torrent_gives_what_is_still_the_same_and_nothing_else(self) -> None:
        (self.shared / "<script>").write_bytes(b"other")
        self.changed()
        self.assertEqual(self.get(self.seeds() + "a")[0], 200)
        self.assertEqual(self.get(self.seeds() + "_script_")[0], 404)
        new = self.seeding.log.of(TorrentChanged)[-1].torrent
        self.assertEqual(self.get(self.seeds(new) + "_script_")[1], b"other")

    def test_a_restart_makes_the_same_torrent(self) -> None:
        before = self.metainfo()["info"]
        self.seeding.stop()
        log = EventLog()
        role = Seeder(self.seeding.role._settings, log)
        self.seeding = Running(role, log)
        role.start()
        self.addCleanup(self.seeding.stop)
        again = log.wait_for(TorrentChanged, where=lambda change: bool(change.torrent))
        self.assertEqual((again, self.metainfo()["info"]), (self.news, before))
        kept = list((self.folder / "state" / "torrents").iterdir())
        self.assertEqual([file.name for file in kept], [self.news.torrent])

    def test_the_room_s_list_names_the_torrent(self) -> None:
        leecher = self.leecher(self.make_folder("taken"), self.room)

        def is_told() -> bool:
            return [folder.torrent for folder in list_now(leecher).folders] == [self.news.torrent]

        wait_until(is_told, LIMIT_S, "the list never named it")


class NoTorrentTest(SiteTest):
    def test_without_being_asked_a_seeder_makes_none(self) -> None:
        self.seeding = self.offering()
        for path in ("/t/x/shared.torrent", f"/w/{'0' * 40}/shared/a"):
            self.assertEqual(self.get(path).status, 404)
        self.assertEqual(self.seeding.log.of(TorrentChanged), [])


class SwarmTest(RoomTest):
    """BitTorrent programs at a real tracker."""

    def announce(self, tracker: Address, info_hash: str, port: int) -> bytes:
        """The answer to one that announces this port: an error, or counts and peers."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(LIMIT_S)
            sock.connect(tracker)
            sock.send(CONNECT)
            connection = sock.recv(100)[8:]
            asked = announce(port=port).replace(HASH, bytes.fromhex(info_hash))
            sock.send(connection + asked[8:])
            return sock.recv(1_000)

    def test_programs_find_each_other_after_the_seeder_has_gone_and_the_tracker_was_restarted(
        self,
    ) -> None:
        state_file = self.folder / "state" / "tracker.json"
        first = self.tracker(state_file=state_file)
        folder = self.make_folder("shared", {"a": b"content"})
        seeding = self.seeder(folder, first.address, torrent=TorrentKind.PUBLIC)
        torrent = seeding.log.wait_for(
            TorrentChanged, where=lambda change: bool(change.torrent)
        ).torrent
        wait_until(
            lambda: self.announce(first.address, torrent, 20_001)[:4] == b"\0\0\0\1",
            LIMIT_S,
            "the torrent was never tracked",
        )
        seeding.stop()
        self.assertEqual(self.announce(first.address, torrent, 20_002)[20:], peer(20_001))
        first.stop()
        second = self.tracker(state_file=state_file)
        self.assertEqual(self.announce(second.address, torrent, 20_001)[20:], b"")
        self.assertEqual(self.announce(second.address, torrent, 20_002)[20:], peer(20_001))
        self.assertEqual(self.announce(second.address, "ab" * 20, 20_002)[:4], b"\0\0\0\3")


def peer(port: int) -> bytes:
    """As an announce is told of a program on loopback."""
    return bytes([127, 0, 0, 1]) + port.to_bytes(2, "big")
