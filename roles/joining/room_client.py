"""Asks a tracker in LMK/2, and notices one that speaks only LMK/1."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple, TypeAlias, TypeVar

from roles.joining.tracker_asker import TrackerAsker, new_id
from roles.joining.tracker_locator import TrackerLocator
from roles.lmk1 import tracker_wire as lmk1
from roles.values.addresses import Address
from roles.values.errors import CodeRefusedError, TrackerSilentError
from roles.values.participants import Status
from roles.values.safe_names import shown_name
from roles.values.strict_json import dumps
from roles.wire import tracker_wire as lmk2
from roles.wire.fields import COOKIE_SIZE, MAX_REQUEST_SHARES, room_of
from roles.wire.tracker_messages import (
    Answer,
    AskHolders,
    AskVersion,
    Code,
    Done,
    Holder,
    Holders,
    ListVersion,
    Ping,
    Pinged,
    Refused,
    Register,
    TellFiles,
)

LEAVE_S = 0.5  # for the last ping
COOKIE_TRIES = 3  # at one address: without one, with one that just expired, and one more
ODD_ANSWERS = 3  # in LMK/1 to one question: an original tracker has replaced ours
IS_PRIVATE = "The room of the tracker {} is private: ask for its code."
_ALREADY = lmk1.ALREADY_REGISTERED.decode().partition("\n")[2]
_ANY_COOKIE = "0" * 2 * COOKIE_SIZE

_Question: TypeAlias = Register | Ping | TellFiles | AskVersion | AskHolders
AnswerT = TypeVar("AnswerT")


class _Reply(NamedTuple):
    answer: Answer | None  # None: an original tracker answered


class RoomClient(TrackerAsker):
    """Owned by one thread. Every method may raise TrackerSilentError, and returns nothing when the
    tracker speaks only LMK/1. It is membership's Dialect towards a tracker of ours.
    """

    def __init__(self, locator: TrackerLocator, *, peer: str = "", cookie: str = "") -> None:
        """`peer`: the id of this program, if it is a member of the room."""
        super().__init__(locator)
        self._peer = peer
        self.cookie = cookie  # from the tracker
        self._changes = locator.changes  # when it came
        self._speaks_lmk2 = False  # it answered the last question in LMK/2

    def list_version(self, known: str = "") -> ListVersion | None:
        """The version of the tracker's list: `known` if nothing has changed.

        Ask this first: it neither harms an original tracker nor tells it anything.
        """
        answer = self._answered(AskVersion("", known), ListVersion)
        if answer is not None:
            self._locator.introduced(room_of(answer.version), answer.name)
        return answer

    def holders(self, shares: Iterable[str]) -> tuple[Holder, ...] | None:
        """Programs that may have files of the first MAX_REQUEST_SHARES of these shares.

        If there are many, it returns different ones each time. Their addresses are those at which
        this computer reaches them; Holder.asked has indexes of `shares`.
        """
        answer = self._answered(AskHolders("", tuple(shares)[:MAX_REQUEST_SHARES]), Holders)
        if answer is None:
            return None
        host = self._locator.current().host
        return tuple(replace(holder, address=holder.address_at(host)) for holder in answer.holders)

    def register(self, me: Register) -> bool:
        """False at an original tracker, which lists any program that registers as a seeder."""
        answer = self._answered_or_refused(me, Done)
        if isinstance(answer, Refused):
            kind, why = "leecher" if me.is_leecher else "seeder", answer.text or answer.code
            raise TrackerSilentError(
                f"The tracker {self._locator.shown} refused this {kind}: {why}"
            )
        return answer is not None

    def ping(self, advertised: Address, status: Status, *, leaving: bool = False) -> Pinged | None:
        """None if the tracker does not know this program, too."""
        me = Ping("", advertised, self._peer, status, leaving)
        answer = self._answered_or_refused(me, Pinged)
        return answer if isinstance(answer, Pinged) else None

    def tell_files(self, files: Mapping[str, int], port: int) -> int:
        """Replace this seeder's list for LMK/1 readers.

        Returns how many of the files fit into one request.
        """
        fitting = _that_fit(files, TellFiles(new_id(), {}, self._peer, port, _ANY_COOKIE))
        answer = self._answered(TellFiles("", fitting, self._peer, port), Done)
        return 0 if answer is None else len(fitting)

    def leave(self, advertised: Address, status: Status) -> None:
        """Takes LEAVE_S at most. This client itself no longer asks, because the role stops."""
        locator = TrackerLocator(
            self._locator.current(),
            stopping=_Deadline(LEAVE_S),
            private_client=self._locator.private_client,
        )
        with RoomClient(locator, peer=self._peer, cookie=self.cookie) as client:
            client.ping(advertised, status, leaving=True)

    def _answered(self, question: _Question, kind: type[AnswerT]) -> AnswerT | None:
        answer = self._answered_or_refused(question, kind)
        if isinstance(answer, Refused):
            raise TrackerSilentError(
                f"The tracker {self._locator.shown} refused: {answer.text or answer.code}."
            )
        return answer

    def _answered_or_refused(
        self, question: _Question, kind: type[AnswerT]
    ) -> AnswerT | Refused | None:
        """Ask until the tracker accepts the cookie. It is good for one source, and the tracker sees
        another source at each of its addresses.
        """
        tries = Counter[Address]()
        while max(tries.values(), default=0) < COOKIE_TRIES:
            answer = self._asked_once(replace(question, id=new_id()))
            match answer:
                case None:
                    return None
                case Refused(code=Code.PRIVATE):
                    raise CodeRefusedError(IS_PRIVATE.format(self._locator.shown))
                case Refused(code=Code.COOKIE, cookie=cookie) if cookie:
                    self.cookie = cookie
                    tries[self._locator.current()] += 1
                case Refused():
                    return answer
                case _ if isinstance(answer, kind):
                    return answer
                case _:
                    raise self._silent("it gives another kind of answer")
        raise self._silent("it accepts none of its own cookies")

    def _asked_once(self, question: _Question) -> Answer | None:
        odd = 0

        def request() -> bytes:
            if self._changes != self._locator.changes:  # perhaps another tracker
                self._changes = self._locator.changes
                self.cookie, self._speaks_lmk2 = "", False
            return lmk2.encode_request(replace(question, cookie=self.cookie))

        def read(datagram: bytes) -> _Reply | None:
            nonlocal odd
            answer = lmk2.decode_answer(datagram)
            if answer is not None:
                return _Reply(answer) if answer.id == question.id else None
            odd += 1
            is_odd = self._speaks_lmk2 and odd < ODD_ANSWERS
            return None if is_odd else _lmk1_reply(lmk1.decode_answer(datagram), question)

        # An original tracker answers a request for its list with two datagrams.
        answers = 2 if isinstance(question, AskVersion | AskHolders) else 1
        answer = self._ask(request, read, answers=answers).answer
        self._speaks_lmk2 = answer is not None
        return answer

    def _is_all(self, answer: object) -> bool:
        return not isinstance(answer, _Reply) or answer.answer is not None


class _Deadline(threading.Event):
    """An event that counts as set once its time is over."""

    def __init__(self, after_s: float) -> None:
        super().__init__()
        self._until = time.monotonic() + after_s

    def is_set(self) -> bool:
        return time.monotonic() >= self._until

    def wait(self, timeout: float | None = None) -> bool:
        left_s = max(0.0, self._until - time.monotonic())
        time.sleep(left_s if timeout is None else min(left_s, timeout))
        return self.is_set()


def _lmk1_reply(answer: lmk1.Answer, question: _Question) -> _Reply:
    """The meaning of an answer of an original tracker."""
    match answer:
        case lmk1.Verdict(is_done=False, text=text) if (
            isinstance(question, Register) and text != _ALREADY
        ):
            return _Reply(Refused(question.id, Code.REFUSED, shown_name(text)))
        case _:
            return _Reply(None)


def _that_fit(files: Mapping[str, int], empty: TellFiles) -> dict[str, int]:
    """The first files, as many as fit into one request."""
    room = lmk2.MAX_REQUEST - len(lmk2.encode_request(empty))
    fitting = dict[str, int]()
    for name, size in files.items():
        room -= len(dumps(name)) + len(f":{size},")
        if room < 0:
            break
        fitting[name] = size
    return fitting
