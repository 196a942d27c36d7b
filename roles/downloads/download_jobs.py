"""What a download has to fetch: files, and packs in place of many small ones. Pure values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from roles.disk.pack_members import PackMember
from roles.disk.stored_names import Stored
from roles.downloads.download_scope import Identity
from roles.values.catalogue import FileLine, PackLine
from roles.values.content import Content
from roles.values.safe_names import shown_name

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
    packs: Iterable[tuple[PackLine, Sequence[FileLine]]],
    here: Callable[[Content], int],
) -> list[Job]:
    """Every missing file once: in a pack of which enough is missing, or alone.

    `packs`: those of the shares that the files belong to, with all their members; `here` tells how
    many bytes of one an earlier run left.
    """
    by_identity = {(job.path, job.content.root): job for job in missing}
    jobs = list[Job]()
    for pack, files in packs:
        members = _members(files, by_identity)
        wanted = sum(member.content.size for member in members)
        left = pack.content.size - here(pack.content)
        is_joined = len(missing) > 1 or left < pack.content.size
        if members and is_joined and wanted >= PACK_SHARE * left:
            jobs.append(PackJob(pack.content, members))
            for member in members:
                del by_identity[(member.path, member.content.root)]
    jobs += by_identity.values()
    return jobs


def files_of(job: Job) -> tuple[FileJob, ...]:
    """The files that it brings, each as a job of its own."""
    if isinstance(job, FileJob):
        return (job,)
    return tuple(alone(member) for member in job.members)


def without(pack: PackJob, dropped: Collection[Identity]) -> PackJob:
    """The same pack for fewer files."""
    members = (one for one in pack.members if (one.path, one.content) not in dropped)
    return PackJob(pack.content, tuple(members))


def alone(member: PackMember) -> FileJob:
    """The job to fetch a member of a pack by itself."""
    return FileJob(member.path, member.stored, member.content, member.mtime, member.is_executable)


def _members(
    files: Sequence[FileLine], wanted: dict[tuple[str, bytes], FileJob]
) -> tuple[PackMember, ...]:
    """The members that are wanted, each with its place in the pack."""
    members, offset = list[PackMember](), 0
    for file in files:
        job = None if file.content is None else wanted.get((file.path, file.content.root))
        if job is not None:
            members.append(
                PackMember(job.path, job.stored, job.content, offset, job.mtime, job.is_executable)
            )
        offset += file.size
    return tuple(members)
