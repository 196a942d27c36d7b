"""The virtual screen of the window tests."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

from tests import display

# Like the real one: it fails at once while another one works. What is installed is a file.
_APT_GET = """#!/bin/sh
mkdir "$HERE/busy" || exit 100
echo "$@" >>"$HERE/calls"
sleep 0.2
case "$*" in *install*) ln -s /bin/true "$HERE/Xvfb" ;; esac
rmdir "$HERE/busy"
"""


@unittest.skipUnless(sys.platform.startswith("linux"), "only Linux is given a virtual screen")
class InstallTest(unittest.TestCase):
    def test_processes_that_all_miss_the_screen_install_it_once_and_all_have_it(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            here = Path(name)
            for tool in ("mkdir", "sleep", "ln", "rmdir"):
                (here / tool).symlink_to(shutil.which(tool) or tool)
            (here / "apt-get").write_text(_APT_GET)
            (here / "apt-get").chmod(0o755)
            environment = {"PATH": name, "HERE": name}
            with (
                mock.patch.dict(os.environ, environment),
                mock.patch("os.geteuid", lambda: 0),
                ThreadPoolExecutor(4) as pool,
            ):
                said = list[str]()
                have = [*pool.map(lambda _: display.install_xvfb_if_missing(said.append), range(4))]
            calls = (here / "calls").read_text().splitlines()
        self.assertEqual(have, [True] * 4)
        self.assertEqual(len(said), 1)
        self.assertEqual([call.split()[-1] for call in calls], ["update", "xvfb"])
