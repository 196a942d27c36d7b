"""Asks a tracker in LMK/1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from roles.joining.tracker_asker import TrackerAsker, new_id
from roles.lmk1.tracker_wire import (
    Extras,
    ListRequest,
    PingTracker,
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

if TYPE_CHECKING:  # a lister needs no membership
    from roles.joining.membership import Dialect

ListT = TypeVar("ListT", dict[str, int], tuple[Address, ...])


class TrackerClient(TrackerAsker):
    """Speaks LMK/1 with any tracker. Every method may raise TrackerSilentError."""

    def dialect(self, *, is_original: bool) -> Dialect:
        """The dialect for an original tracker, or ours of version 1.0, where we have registered."""
        return _Dialect(self, is_original=is_original)

    def files(self) -> Mapping[str, int]:
        """The tracker's files: size in bytes by name. Names are untrusted."""
        return self._ask_for_list(Verb.REQUEST_FILE_LIST, dict)

    def seeders(self) -> tuple[Address, ...]:
        """The tracker's seeders, exactly as listed."""
        return self._ask_for_list(Verb.REQUEST_SEEDER_LIST, tuple)

    def upload_files(self, files: Mapping[str, int], port: int) -> int:
        """Replace this seeder's list at one of our trackers.

        Returns how many of the files fit into the request.
        """
        extras = Extras(new_id(), port=port)
        fitting = files_that_fit(files.items(), extras)
        self._ask_of_both(encode_request(UploadFileList(fitting, extras)), extras)
        return len(fitting)

    def upload_files_to_original(self, files: Mapping[str, int]) -> int:
        """Add our files to the one list that an original tracker has for the whole room.

        An upload replaces that list, so it includes what others offer, and we upload only if that
        adds a name. Returns how many of our files are on the list.
        """
        known = self.files()
        union = files_that_fit(({**known, **files}).items(), None)
        if len(union) < len(known) or not union.keys() - known.keys():
            return len(known.keys() & files.keys())
        self._ask_of_both(encode_request(UploadFileList(union)), None)
        return len(union.keys() & files.keys())

    def ping(self, seeder: Address, *, state: str, leaving: bool = False) -> bool:
        """Report that the seeder is alive; False if the tracker does not know it any more."""
        extras = Extras(new_id(), state=state, leaving=leaving)
        return self._ask_of_both(encode_request(PingTracker(seeder, extras)), extras).is_done

    def _ask_for_list(self, request: ListRequest, kind: type[ListT]) -> ListT:
        """Returns the list; the `success` that follows it is the second answer."""

        def read(datagram: bytes) -> ListT | None:
            answer = decode_answer(datagram)
            return answer if isinstance(answer, kind) else None

        return self._ask(lambda: encode_request(request), read, answers=2)

    def _ask_of_both(self, request: bytes, extras: Extras | None) -> Verdict:
        """Send a request that has one datagram as answer, which repeats the id if it is ours."""

        def read(datagram: bytes) -> Verdict | None:
            answer = decode_answer(datagram)
            if not isinstance(answer, Verdict):
                return None
            is_ours = extras is not None and answer.id == extras.id
            return answer if answer.id is None or is_ours else None

        return self._ask(lambda: request, read, answers=1)


class _Dialect:
    """Keeps a registered seeder on the tracker's list."""

    takes_shares = False

    def __init__(self, client: TrackerClient, *, is_original: bool) -> None:
        self._client = client
        self.is_original = is_original

    def ping(self, advertised: Address, status: Status) -> Pinged | None:
        is_known = self._client.ping(advertised, state=status.state)
        return Pinged("", None) if is_known else None

    def tell_files(self, files: Mapping[str, int], port: int) -> int:
        if self.is_original:
            return self._client.upload_files_to_original(files)
        return self._client.upload_files(files, port)

    def leave(self, advertised: Address, status: Status) -> None:
        """Originals get nothing: they do not understand it, and on Windows an original crashes if
        nobody is there for its answer.
        """
        if not self.is_original:
            self._client.ping(advertised, state=status.state, leaving=True)
