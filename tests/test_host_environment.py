"""What programs of this machine get to see of ours."""

from __future__ import annotations

import os

from tests.support import LmkTestCase
from ui.packed.host_environment import cleaned

INSIDE = "/tmp/_MEI00004546WEylZ4"


class CleanedTest(LmkTestCase):
    def test_what_the_packed_program_set_is_gone(self) -> None:
        environment = {
            "PATH": "/bin",
            "LD_LIBRARY_PATH": INSIDE,
            "TCL_LIBRARY": f"{INSIDE}/_tcl_data",
            "TK_LIBRARY": f"{INSIDE}/_tk_data",
            "FONTCONFIG_FILE": f"{INSIDE}/fonts.conf",
            "_PYI_ARCHIVE_FILE": "x",
            "_MEIPASS2": INSIDE,
        }
        self.assertEqual(cleaned(environment, inside=INSIDE), {"PATH": "/bin"})

    def test_what_the_user_had_set_is_as_it_was(self) -> None:
        environment = {
            "LD_LIBRARY_PATH": f"{INSIDE}:/usr/mine",
            "LD_LIBRARY_PATH_ORIG": "/usr/mine",
            "TCL_LIBRARY": "/usr/share/tcl",
            "FONTCONFIG_FILE": "/home/me/fonts.conf",
            "MY_PATH_ORIG": "x",
        }
        self.assertEqual(
            cleaned(environment, inside=INSIDE),
            {
                "LD_LIBRARY_PATH": "/usr/mine",
                "TCL_LIBRARY": "/usr/share/tcl",
                "FONTCONFIG_FILE": "/home/me/fonts.conf",
                "MY_PATH_ORIG": "x",
            },
        )

    def test_from_source_nothing_is_changed(self) -> None:
        environment = {"LD_LIBRARY_PATH": "/usr/mine", "TK_LIBRARY": "/usr/share/tk"}
        self.assertEqual(cleaned(environment), environment)
        self.assertEqual(cleaned(os.environ), dict(os.environ))
