"""Asks a tracker in LMK/1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from roles.joining.tracker_asker import TrackerAsker
from roles.lmk1.tracker_wire import (
    ListRequest,
    PingTracker,
    Request,
    UploadFileList,
    Verdict,
    decode_answer,
    encode_request,
    files_that_fit,
)
from roles.values.addresses import Address
from roles.values.participants import Status
from roles.wire.tracker_messages import Pinged
from roles.wire.tracker_wire import Verb

ListT = TypeVar("ListT", dict[str, int], tuple[Address, ...])


class TrackerClient(TrackerAsker):
    """Speaks LMK/1 with any tracker, and keeps a seeder on an original one's list. Every method may
    raise TrackerSilentError.
    """

    def files(self) -> Mapping[str, int]:
        """The tracker's files: size in bytes by name. Names are untrusted."""
        return self._ask_for_list(Verb.REQUEST_FILE_LIST, dict)

    def seeders(self) -> tuple[Address, ...]:
        """The tracker's seeders, exactly as listed."""
        return self._ask_for_list(Verb.REQUEST_SEEDER_LIST, tuple)

    def tell_files(self, files: Mapping[str, int], port: int) -> int:  # noqa: ARG002
        """Add our files to the one list that an original tracker has for the whole room.

        An upload replaces that list, so it includes what others offer, and we upload only if that
        adds a name. Returns how many of our files are on the list.
        """
        known = self.files()
        union = files_that_fit(({**known, **files}).items())
        if len(union) < len(known) or not union.keys() - known.keys():
            return len(known.keys() & files.keys())
        self._ask_for_verdict(UploadFileList(union))
        return len(union.keys() & files.keys())

    def ping(self, advertised: Address, status: Status) -> Pinged | None:  # noqa: ARG002
        """Report that the seeder is alive; None if the tracker does not know it any more."""
        is_known = self._ask_for_verdict(PingTracker(advertised)).is_done
        return Pinged("", None) if is_known else None

    def leave(self, advertised: Address, status: Status) -> None:
        """Say nothing: an original tracker does not understand it, and on Windows it crashes if
        nobody is there for its answer.
        """

    def _ask_for_list(self, request: ListRequest, kind: type[ListT]) -> ListT:
        """Returns the list; the `success` that follows it is the second answer."""

        def read(datagram: bytes) -> ListT | None:
            answer = decode_answer(datagram)
            return answer if isinstance(answer, kind) else None

        return self._ask(lambda: encode_request(request), read, answers=2)

    def _ask_for_verdict(self, request: Request) -> Verdict:
        def read(datagram: bytes) -> Verdict | None:
            answer = decode_answer(datagram)
            return answer if isinstance(answer, Verdict) else None

        return self._ask(lambda: encode_request(request), read, answers=1)
