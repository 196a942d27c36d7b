"""Addresses as typed and as sent."""

from __future__ import annotations

import re
import unittest

from roles.values.addresses import (
    SEEDER_PORTS,
    TRACKER_PORTS,
    Address,
    broadcasts_in,
    ip_of,
    is_host,
    is_loopback,
    is_unicast,
    may_dial,
    parse_address,
    parse_bind_address,
    service_at,
)
from roles.values.errors import UserInputError
from roles.values.service_ports import SERVICE_PORTS
from tests.programs import ROOT

READ = {
    "192.168.1.5": Address("192.168.1.5", 12500),
    "192.168.1.5:9": Address("192.168.1.5", 9),
    " lab-pc_07.local:65535 ": Address("lab-pc_07.local", 65535),
    "lmk://10.0.0.1:12511/": Address("10.0.0.1", 12511),
    "lmk://teacher": Address("teacher", 12500),
    "localhost:0": Address("localhost", 0),
    "pc.": Address("pc.", 12500),
    "LMK://10.0.0.1": Address("10.0.0.1", 12500),
    "http://host": Address("host", 12500),
    "http://192.168.1.5:12511/": Address("192.168.1.5", 12511),
    "https://192.168.1.5:12511/a?b#c": Address("192.168.1.5", 12511),
    "192.168.1.5:12500 (lab-pc-01)": Address("192.168.1.5", 12500),
    "192.168.1.5:12500      lab-pc-01": Address("192.168.1.5", 12500),  # as `trackers` prints it
    "192.168.1.5:12500  ·  lab-pc-01": Address("192.168.1.5", 12500),  # as the window shows it
    "the tracker lab-pc-01 (192.168.1.5:12500).": Address("192.168.1.5", 12500),
    "lab-pc-01 (192.168.1.5:12500)": Address("192.168.1.5", 12500),
    "192.168.1.5:12500.": Address("192.168.1.5", 12500),  # the end of a sentence of ours
    "192.168.1.5:12500,": Address("192.168.1.5", 12500),
    "'192.168.1.5:12500'": Address("192.168.1.5", 12500),
    "“192.168.1.5”": Address("192.168.1.5", 12500),
    "192.168.1.5:012500": Address("192.168.1.5", 12500),
    "192.168.1.5: 12500": Address("192.168.1.5", 12500),
    "192.168.1.5:12500/lesson/?page=2": Address("192.168.1.5", 12500),  # without its http://
    "\u202d192.168.1.5:12500\u202c": Address("192.168.1.5", 12500),  # marks of a dialog or chat
    "192.168.1.5:12500\u200b": Address("192.168.1.5", 12500),
}
NAMED_RIGHTLY = {
    "": "The address is missing.*Type it as 192.168.1.5:12500",
    "http://": "The address is missing",
    "12500": "“12500” has no address before the port",
    ":12500": "“:12500” has no address before the port",
    "host:": "“host:” has no port after the colon. Type host:12500",
    "192.168.1.5:12,500": "“12,500” is not a port",
    "host:65536": "Port 65536 does not exist",
    "host:" + "9" * 5000: "does not exist",
    "::1": "“::1” is an IPv6 address, and only IPv4",
    "[::1]:12500": "is an IPv6 address",
    ":::12500": "is an IPv6 address",  # as ss and netstat show a port
    "fe80::1%eth0": "is an IPv6 address",
    "[fe80::1%eth0]:12500": "is an IPv6 address",
    "http://[::1]:12500/": "is an IPv6 address",
    "[192.168.1.5]:12500": "is not an address",
    "müller-pc:12500": "letters that no network name can have.*Type it as 192.168.1.5:12500",
    "192.168.1.256": "is not an address",
    "192.168.001.005": "is not an address",
    "1.2.3": "is not an address",
    "192.168.1.5,12500": "is not an address",
    "192.168.1.5:12500,192.168.1.6:12500": "“192.168.1.5:12500,192.168.1.6:12500” is not an add",
    "Tracker: 192.168.1.5:12500": "“Tracker:192.168.1.5:12500” is not an address",
    r"C:\lab": r"“C:\\lab” is not an address",
    "192.168.1.5 12500": "is not an address",
    "me:secret@host:12500": "is not an address",
    "\uff11\uff19\uff12.168.1.5": "is not an address",
}
REFUSED = [
    "",
    "a b",
    "host:port",
    "host:-1",
    "host:123456",
    "host:1:2",
    "host/path",
    "-1",
    "\u00b2",
    "\udcff:5",
    "a..b",
    ".a",
    "-a",
    "a-",
    "a" * 64,
    ("a" * 60 + ".") * 5,
    "host:\u0661",
    "host\n",
]


class ParseAddressTest(unittest.TestCase):
    def test_an_address_is_read_with_and_without_port_and_scheme(self) -> None:
        for text, address in READ.items():
            with self.subTest(text=text):
                self.assertEqual(parse_address(text, 12500), address)

    def test_what_is_no_address_is_refused_with_what_to_type(self) -> None:
        for text in REFUSED:
            if text.strip() in READ:
                continue
            with self.subTest(text=text):
                if text == "host\n":  # typed with a stray line end: stripped, as blanks are
                    self.assertEqual(parse_address(text, 1), Address("host", 1))
                    continue
                with self.assertRaisesRegex(UserInputError, "Type|Ports go"):
                    parse_address(text, 12500)

    def test_each_slip_is_called_by_its_name(self) -> None:
        for text, sentence in NAMED_RIGHTLY.items():
            with self.subTest(text=text), self.assertRaisesRegex(UserInputError, sentence):
                parse_address(text, 12500)

    def test_a_sentence_stays_short_and_printable_whatever_was_typed(self) -> None:
        for text in ("x" * 100_000, "a\x1b[2J b", "(" * 50_000, "1:" * 50_000, " a" * 50_000):
            with self.subTest(text=text[:9]), self.assertRaises(UserInputError) as refused:
                parse_address(text, 12500)
            self.assertLess(len(str(refused.exception)), 250)
            self.assertTrue(str(refused.exception).isprintable())

    def test_a_bare_port_to_listen_on_is_that_port_of_every_address(self) -> None:
        for text in ("12501", ":12501", " 12501 "):
            with self.subTest(text=text):
                self.assertEqual(parse_bind_address(text, 1), Address("0.0.0.0", 12501))
        self.assertEqual(parse_bind_address("0", 1), Address("0.0.0.0", 0))
        self.assertEqual(parse_bind_address("pc:7", 1), Address("pc", 7))

    def test_what_cannot_be_listened_on_is_refused(self) -> None:
        for text in ("", "70000", ":70000", "::", "224.0.0.1:5", "255.255.255.255", "-1"):
            with self.subTest(text=text), self.assertRaises(UserInputError):
                parse_bind_address(text, 12501)

    def test_every_host_that_is_accepted_can_be_encoded_for_a_look_up(self) -> None:
        for host in ("a" * 63, "a.b.", "x_y", "_tcp.lab", "1.2.3.4", "a-b.c-d"):
            with self.subTest(host=host):
                self.assertTrue(is_host(host))
                host.encode("idna")

    def test_no_host_has_a_label_that_the_look_up_cannot_encode(self) -> None:
        for host in ("a..b", "a" * 64, "x." + "a" * 64 + ".y", "..", "."):
            with self.subTest(host=host):
                self.assertFalse(is_host(host))

    def test_a_host_has_no_line_end_at_its_end(self) -> None:
        self.assertFalse(is_host("host\n"))

    def test_an_address_is_shown_as_it_is_typed(self) -> None:
        self.assertEqual(str(Address("10.0.0.1", 12500)), "10.0.0.1:12500")


class KindsOfAddressTest(unittest.TestCase):
    def test_only_four_numbers_are_an_ip(self) -> None:
        self.assertIsNotNone(ip_of("10.1.2.3"))
        for host in ("10.1.2", "010.1.2.3", "256.1.1.1", "pc", "", "::1", "1.2.3.4 "):
            with self.subTest(host=host):
                self.assertIsNone(ip_of(host))

    def test_loopback_is_127_and_localhost_in_any_spelling(self) -> None:
        for host in ("127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST", "localhost."):
            with self.subTest(host=host):
                self.assertTrue(is_loopback(host))
        for host in ("128.0.0.1", "localhost.example", "0.0.0.0", "pc"):
            with self.subTest(host=host):
                self.assertFalse(is_loopback(host))

    def test_groups_everyone_and_nobody_are_not_unicast(self) -> None:
        for host in ("224.0.0.1", "239.255.255.255", "255.255.255.255", "0.0.0.0", "pc", ""):
            with self.subTest(host=host):
                self.assertFalse(is_unicast(host))
        for host in ("10.0.0.1", "127.0.0.1", "169.254.1.1", "192.168.0.255", "8.8.8.8"):
            with self.subTest(host=host):
                self.assertTrue(is_unicast(host))


class PortsTest(unittest.TestCase):
    def test_the_ports_are_the_originals_first_and_never_each_others(self) -> None:
        self.assertEqual((TRACKER_PORTS[0], SEEDER_PORTS[0]), (12500, 12501))
        self.assertEqual(set(TRACKER_PORTS) & set(SEEDER_PORTS), set())
        self.assertEqual((len(TRACKER_PORTS), len(SEEDER_PORTS)), (10, 10))


class ServicesTest(unittest.TestCase):
    """Where no program connects because a stranger named it."""

    def test_ports_of_the_system_and_of_known_services_are_refused(self) -> None:
        for port in (0, 1, 22, 25, 80, 443, 631, 1023, 3306, 5432, 6379, 9100, 11211, 27017):
            with self.subTest(port=port):
                self.assertTrue(service_at(port))
                self.assertFalse(may_dial(Address("10.0.0.1", port), is_namer_here=True))

    def test_what_browsers_refuse_is_refused(self) -> None:
        from_1024_on = {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566}
        from_1024_on |= {*range(6665, 6670), 6679, 6697, 10080}
        self.assertLessEqual(from_1024_on, SERVICE_PORTS.keys())

    def test_our_own_ports_and_those_that_systems_hand_out_are_never_refused(self) -> None:
        for port in (*range(12500, 12520), *range(32_768, 65_536)):
            self.assertEqual(service_at(port), "")

    def test_the_protocol_lists_exactly_these(self) -> None:
        text = (ROOT / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")
        table = text.partition("The ports from 1,024 on")[2].partition("\n\nPorts from")[0]
        told = set[int]()
        for row in table.replace("6000 (here to 6063)", "6000–6063").splitlines():
            cells = row.rstrip(" |").rpartition("|")[2].split(",")
            for cell in cells:
                if match := re.fullmatch(r" *(\d+)(?:–(\d+))? *", cell):
                    told |= {*range(int(match[1]), int(match[2] or match[1]) + 1)}
        self.assertEqual(told, set(SERVICE_PORTS))

    def test_each_service_has_a_name(self) -> None:
        self.assertTrue(all(SERVICE_PORTS.values()))
        self.assertGreaterEqual(min(SERVICE_PORTS), 1024)

    def test_groups_and_nobody_are_refused(self) -> None:
        for host in (
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
        ):
            with self.subTest(host=host):
                self.assertFalse(may_dial(Address(host, 12501), is_namer_here=True))
        self.assertFalse(may_dial(Address("teacher", 12501), is_namer_here=True))
        self.assertTrue(may_dial(Address("10.0.0.255", 12501), is_namer_here=False))

    def test_loopback_counts_for_who_runs_here_only(self) -> None:
        for host in ("127.0.0.1", "127.0.0.77"):
            self.assertTrue(may_dial(Address(host, 12501), is_namer_here=True))
            self.assertFalse(may_dial(Address(host, 12501), is_namer_here=False))


class EveryoneTest(unittest.TestCase):
    """Where everyone is reached in a network of an own address."""

    NONE = "0.0.0.0"

    def test_address_and_netmask_tell_the_broadcast_address(self) -> None:
        found = broadcasts_in("10.77.0.2", "255.255.255.0", self.NONE, "10.77.0.2")
        self.assertEqual(found, ("10.77.0.255",))
        found = broadcasts_in("172.16.5.9", "255.255.240.0", self.NONE, self.NONE)
        self.assertEqual(found, ("172.16.15.255",))

    def test_one_that_is_set_is_used_beside_it(self) -> None:
        self.assertEqual(
            broadcasts_in("10.77.0.2", "255.255.255.0", "10.77.0.255", "10.77.0.2"),
            ("10.77.0.255",),
        )
        self.assertEqual(
            broadcasts_in("10.77.0.2", "255.255.255.0", "10.255.255.255", "10.77.0.2"),
            ("10.255.255.255", "10.77.0.255"),
        )

    def test_of_two_on_a_line_the_other_one_is_everyone(self) -> None:
        for own, other in (("10.0.0.4", "10.0.0.5"), ("10.0.0.5", "10.0.0.4")):
            self.assertEqual(broadcasts_in(own, "255.255.255.254", self.NONE, own), (other,))
        self.assertEqual(
            broadcasts_in("10.0.0.1", "255.255.255.255", self.NONE, "10.9.9.9"), ("10.9.9.9",)
        )

    def test_an_address_of_its_own_has_nobody_around_it(self) -> None:
        self.assertEqual(broadcasts_in("10.0.0.1", "255.255.255.255", self.NONE, "10.0.0.1"), ())
        self.assertEqual(broadcasts_in("10.0.0.1", "255.255.255.255", self.NONE, self.NONE), ())

    def test_a_network_at_the_other_end_is_reached_there(self) -> None:
        found = broadcasts_in("10.0.0.1", "255.255.255.0", self.NONE, "10.9.9.0")
        self.assertEqual(found, ("10.9.9.255",))
