"""What a download has to fetch: files, and packs in place of many small ones. Pure values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import TypeAlias

from roles.disk.pack_members import PackMember
from roles.disk.stored_names import Stored
from roles.downloads.download_scope import Identity
from roles.joining.listed_share import Pack
from roles.values.catalogue import FileLine
from roles.values.content import Content
from roles.values.safe_names import shown_name
from roles.values.stopping import go_on, until_stopped

# A pack is fetched when at least this part of what has not come of it is wanted: one round trip for
# many files.
PACK_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class FileJob:
    """One file to fetch."""

    path: str  # from the wire
    stored: Stored
    content: Content
    mtime: int | None = None  # seconds since 1970, None: unknown
    is_executable: bool = False

    @property
    def size(self) -> int:
        """Bytes that it brings."""
        return self.content.size

    @property
    def title(self) -> str:
        """Safe to show."""
        return shown_name(self.path)

    @property
    def identity(self) -> Identity:
        """Which file of the download it is."""
        return self.path, self.content


@dataclass(frozen=True)
class PackJob:
    """A pack to fetch, and its members that are wanted."""

    content: Content
    members: tuple[PackMember, ...]
    share: str = ""  # the id of the one that lists it

    @cached_property
    def size(self) -> int:
        """Bytes that it brings."""
        return sum(member.content.size for member in self.members)

    @property
    def title(self) -> str:
        """Safe to show."""
        first = shown_name(self.members[0].path) if self.members else "none"
        return f"{len(self.members)} small files from {first} on"


Job: TypeAlias = FileJob | PackJob


def plan_jobs(
    missing: Sequence[FileJob],
    packs: Iterable[Pack],
    here: Callable[[Content], int],
    should_stop: Callable[[], bool] = go_on,
) -> list[Job]:
    """Every missing file once: in a pack of which enough is missing, or alone.

    `packs`: those of the shares that the files belong to; the first that has a file brings it.
    `here` tells how many bytes of one an earlier run left. Raises HaltedError once should_stop().
    """
    by_identity = {job.identity: job for job in until_stopped(missing, should_stop)}
    jobs = list[Job]()
    for pack in packs:
        content = pack.line.content
        members = _members(until_stopped(pack.members, should_stop), by_identity)
        if not members or len(pack.members) < 2:  # one file alone is no pack
            continue
        wanted = sum(member.content.size for member in members)
        left = content.size - here(content)
        is_joined = len(missing) > 1 or left < content.size
        if is_joined and wanted >= PACK_SHARE * left:
            jobs.append(PackJob(content, members, pack.share))
            for member in members:
                del by_identity[member.path, member.content]
    jobs += by_identity.values()
    return jobs


def files_of(job: Job) -> tuple[FileJob, ...]:
    """The files that it brings, each as a job of its own."""
    if isinstance(job, FileJob):
        return (job,)
    return tuple(alone(member) for member in job.members)


def all_files_of(jobs: Iterable[Job]) -> list[FileJob]:
    """The same of all of these."""
    return list(chain.from_iterable(map(files_of, jobs)))


def without(pack: PackJob, dropped: Collection[Identity]) -> PackJob:
    """The same pack for fewer files."""
    members = (one for one in pack.members if (one.path, one.content) not in dropped)
    return replace(pack, members=tuple(members))


def alone(member: PackMember) -> FileJob:
    """The job to fetch a member of a pack by itself."""
    return FileJob(member.path, member.stored, member.content, member.mtime, member.is_executable)


def _members(
    files: Iterable[FileLine], wanted: Mapping[Identity, FileJob]
) -> tuple[PackMember, ...]:
    """The members that are wanted, each with its place in the pack."""
    members, offset = list[PackMember](), 0
    for file in files:
        job = None if file.content is None else wanted.get((file.path, file.content))
        if job is not None:
            members.append(
                PackMember(job.path, job.stored, job.content, offset, job.mtime, job.is_executable)
            )
        offset += file.size
    return tuple(members)
