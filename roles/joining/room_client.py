"""Asking a tracker in LMK/2, and noticing one that speaks LMK/1 only.

It keeps no state but the cookie, and that LMK/2 was spoken. What an original tracker is told is
roles/lmk1's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from roles.joining.tracker_asker import TrackerAsker, new_id
from roles.joining.tracker_place import TrackerPlace
from roles.lmk1 import tracker_wire as lmk1
from roles.values.errors import TrackerSilentError
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

COOKIE_TRIES = 3  # none yet, one that just ran out, and one more
ODD_ANSWERS = 3  # by LMK/1 to one question: another tracker has taken the place of ours
_ALREADY = lmk1.ALREADY_REGISTERED.decode().partition("\n")[2]
_ANY_COOKIE = "0" * 2 * COOKIE_SIZE

_Question: TypeAlias = Register | Ping | TellFiles | AskVersion | AskHolders
AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True)
class _Reply:
    """What came back; without an answer it was what an original tracker says."""

    answer: Answer | None


class RoomClient(TrackerAsker):
    """Owned by one thread. Every method may raise TrackerSilentError.

    Every method returns None when the tracker speaks LMK/1 only: go on in that.
    """

    def __init__(
        self, place: TrackerPlace, should_stop: Callable[[], bool], *, cookie: str = ""
    ) -> None:
        super().__init__(place, should_stop)
        self.cookie = cookie  # what the tracker gave
        self._speaks_lmk2 = False  # it answered the last question so

    def list_version(self, known: str = "") -> ListVersion | None:
        """The version of the tracker's list; the same as `known` when nothing has changed.

        An original tracker is not harmed by it, nor told anything: ask this first.
        """
        answer = self._answered(AskVersion("", known), ListVersion)
        if answer is not None:
            self._place.introduced(room_of(answer.version), answer.name)
        return answer

    def holders(self, shares: Iterable[str]) -> tuple[Holder, ...] | None:
        """Some of those who may have files of these shares, the first 8 of them.

        They are other ones each time, when they are many. Their addresses are as this computer
        reaches them; Holder.asked counts in `shares`.
        """
        answer = self._answered(AskHolders("", tuple(shares)[:MAX_REQUEST_SHARES]), Holders)
        if answer is None:
            return None
        host = self.looked_up().host
        return tuple(replace(holder, address=holder.address_at(host)) for holder in answer.holders)

    def register(self, me: Register) -> Done | Refused | None:
        """Take part in the room. An original tracker would list whoever asks as a seeder."""
        return self._answered_or_refused(me, Done)

    def ping(self, me: Ping) -> Pinged | Refused | None:
        """Say that this program lives, and what it does; refused as unknown: register first."""
        return self._answered_or_refused(me, Pinged)

    def tell_files(self, files: Mapping[str, int], peer: str, port: int) -> int | None:
        """Replace what LMK/1 readers are told of this seeder.

        Returns how many of the files one request holds.
        """
        fitting = _that_fit(files, TellFiles(new_id(), {}, peer, port, _ANY_COOKIE))
        answer = self._answered(TellFiles("", fitting, peer, port), Done)
        return None if answer is None else len(fitting)

    def _moved(self) -> None:
        self.cookie, self._speaks_lmk2 = "", False

    def _answered(self, question: _Question, kind: type[AnswerT]) -> AnswerT | None:
        answer = self._answered_or_refused(question, kind)
        if isinstance(answer, Refused):
            raise TrackerSilentError(
                f"The tracker {self.tracker} refused: {answer.text or answer.code}."
            )
        return answer

    def _answered_or_refused(
        self, question: _Question, kind: type[AnswerT]
    ) -> AnswerT | Refused | None:
        """Ask, with the cookie, until the tracker has taken it."""
        for _ in range(COOKIE_TRIES):
            answer = self._asked_once(replace(question, id=new_id()))
            match answer:
                case None:
                    return None
                case Refused(code=Code.COOKIE, cookie=cookie) if cookie:
                    self.cookie = cookie
                case Refused():
                    return answer
                case _ if isinstance(answer, kind):
                    return answer
                case _:
                    raise self._silent("it answers something else")
        raise self._silent("it takes none of its own cookies")

    def _asked_once(self, question: _Question) -> Answer | None:
        odd = 0

        def read(datagram: bytes) -> _Reply | None:
            nonlocal odd
            answer = lmk2.decode_answer(datagram)
            if answer is None:
                odd += 1
                reply = _lmk1_reply(lmk1.decode_answer(datagram), question)
                return reply if not self._speaks_lmk2 or odd >= ODD_ANSWERS else None
            return _Reply(answer) if answer.id == question.id else None

        # An original tracker answers for a list with two datagrams.
        answers = 2 if isinstance(question, AskVersion | AskHolders) else 1

        def request() -> bytes:
            return lmk2.encode_request(replace(question, cookie=self.cookie))

        answer = self._ask(request, read, answers=answers).answer
        self._speaks_lmk2 = answer is not None
        return answer

    def _is_all(self, answer: object) -> bool:
        return not (isinstance(answer, _Reply) and answer.answer is None)


def _lmk1_reply(answer: lmk1.Answer, question: _Question) -> _Reply | None:
    """What an LMK/1 answer means: only an original tracker leaves the id out."""
    if not isinstance(answer, lmk1.Verdict):
        return _Reply(None)
    if answer.id is not None and answer.id != question.id:
        return None
    is_done = answer.is_done or answer.text == _ALREADY
    if not is_done and (answer.id is not None or isinstance(question, Register)):
        return _Reply(Refused(question.id, Code.REFUSED, shown_name(answer.text)))
    return _Reply(None if answer.id is None else Done(question.id))


def _that_fit(files: Mapping[str, int], empty: TellFiles) -> dict[str, int]:
    """The first files that one request holds."""
    room = lmk2.MAX_REQUEST - len(lmk2.encode_request(empty))
    fitting = dict[str, int]()
    for name, size in files.items():
        room -= len(dumps(name)) + len(f":{size},")
        if room < 0:
            break
        fitting[name] = size
    return fitting
