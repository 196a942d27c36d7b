"""Each kind of problem has a sentence that says what to do."""

from __future__ import annotations

import errno
import os
import unittest
from dataclasses import replace
from pathlib import Path

from roles.disk.storage_faults import in_the_way, storage_error
from roles.values.errors import (
    ContentError,
    DiskFullError,
    FileTouchedError,
    LmkError,
    NoPermissionError,
    NoSeederError,
    NotOfferedError,
    ShortageError,
    StorageError,
    UserInputError,
)
from roles.values.events import (
    CUT_OFF,
    LACKS_PIECES,
    NOT_OFFERED,
    UNREACHABLE,
    DownloadChanged,
    DownloadState,
)
from roles.values.safe_names import UnsafeNameError
from ui import remedies

DOWNLOAD = DownloadChanged("a", DownloadState.FAILED, 9, 0, 0.0, None, ())
KINDS: tuple[type[LmkError], ...] = (
    *(DiskFullError, NoPermissionError, FileTouchedError, ShortageError, StorageError),
    *(UnsafeNameError, NotOfferedError, NoSeederError, ContentError, UserInputError, LmkError),
)


class RemediesTest(unittest.TestCase):
    def test_each_kind_of_failure_has_a_remedy_of_its_own(self) -> None:
        found = [remedies.of_failure(kind("It failed.")) for kind in KINDS]
        self.assertEqual(len({remedy.problem for remedy in found}), len(KINDS))
        self.assertEqual(len({remedy.advice for remedy in found}), len(KINDS))

    def test_each_is_two_sentences_that_fit_on_two_lines(self) -> None:
        for kind in KINDS:
            line = remedies.of_failure(kind("It failed.")).line
            with self.subTest(line=line):
                self.assertRegex(line, r"\A[A-Z][^.]+\. [A-Z].+\.\Z")
                self.assertLess(len(line), 125)

    def test_what_the_disk_refuses_is_told_apart(self) -> None:
        def of(number: int) -> remedies.Remedy:
            error = OSError(number, os.strerror(number))
            return remedies.of_failure(storage_error(error, Path("/x/a")))

        self.assertIn("No permission", of(errno.EACCES).problem)
        self.assertIn("No permission", of(errno.EPERM).problem)
        self.assertIn("disk is full", of(errno.ENOSPC).problem)
        self.assertIn("short of memory", of(errno.EMFILE).problem)
        self.assertTrue(of(errno.EIO).is_elsewhere)
        self.assertTrue(remedies.of_failure(in_the_way("/x", is_link=True)).is_elsewhere)

    def test_what_goes_on_by_itself_has_no_retry(self) -> None:
        full = replace(DOWNLOAD, state=DownloadState.WAITING_FOR_SPACE, cause="Free 1 MB.")
        found = remedies.remedy(full)
        assert found is not None
        self.assertEqual((found.has_retry, found.is_elsewhere), (False, True))
        for cause in (CUT_OFF, UNREACHABLE, LACKS_PIECES, NOT_OFFERED):
            found = remedies.remedy(replace(DOWNLOAD, state=DownloadState.LOOKING, cause=cause))
            assert found is not None
            self.assertFalse(found.has_retry)

    def test_what_is_well_needs_none(self) -> None:
        for state in DownloadState:
            if state not in (DownloadState.FAILED, DownloadState.WAITING_FOR_SPACE):
                self.assertIsNone(remedies.remedy(replace(DOWNLOAD, state=state)))
