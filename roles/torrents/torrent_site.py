"""What a seeder answers BitTorrent programs over HTTP: the torrent, and as a web seed its files."""

from __future__ import annotations

from roles.sharing.folder_library import FolderLibrary
from roles.torrents.torrent_maker import TorrentMaker
from roles.values.list_lines import is_info_hash
from roles.web.http_wire import HttpError, Request, file_head, not_found
from roles.web.seeder_site import Answer, SeederSite, again


class TorrentSite:
    """A part of a SeederSite. Any thread may call its routes; they raise HttpError."""

    def __init__(self, site: SeederSite, library: FolderLibrary, maker: TorrentMaker) -> None:
        self._site, self._library, self._maker = site, library, maker

    def open(self) -> None:
        self._site.routes |= {"t": self._metainfo, "w": self._web_seed}
        self._site.torrent_path = lambda: self._maker.news.path

    def _metainfo(self, request: Request) -> Answer:
        """/t/SHARE/FOLDER.torrent"""
        torrent, news, name = self._maker.torrent, self._maker.news, f"{self._library.name}.torrent"
        if request.segments[2:] != (name,) or request.is_folder:
            raise not_found()
        if not self._site.is_share(request.segments[1]):
            raise not_found()
        if torrent is None and news.problem:
            raise HttpError(404, news.problem)
        if torrent is None:
            raise again("The torrent is being made.")
        body = torrent.metainfo(
            f"udp://{self._site.room(request)}/announce",
            f"http://{request.authority}/w/{torrent.info_hash.hex()}/",
        )
        kind = "application/x-bittorrent"
        head = file_head(request, len(body), name=name, kind=kind)
        return Answer(head if request.is_head else head + body)

    def _web_seed(self, request: Request) -> Answer:
        """/w/INFOHASH/FOLDER/…/FILE, as in BEP 19, while the file is still that of the torrent.

        Many programs never again ask a web seed that has answered 404.
        """
        match request.segments:
            case (_, digits, folder, *names) if is_info_hash(digits):
                torrent = self._maker.known.get(bytes.fromhex(digits))
            case _:
                raise not_found()
        if torrent is None or folder != torrent.name:
            raise not_found()
        file = torrent.by_names.get(tuple(names))
        if file is None or request.is_folder:
            raise not_found()
        holding = self._library.at(file.path)
        if holding is not None and holding.content.root == file.root:
            return self._site.file_answer(request, holding, names[-1])
        if not self._library.snapshot.is_whole:
            raise again("The folder is being read.")
        raise not_found()
