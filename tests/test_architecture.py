"""The rules of docs/ARCHITECTURE.md that a machine can check: imports and words."""

from __future__ import annotations

import ast
import re
import sys
import unittest
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache, cached_property, partial
from pathlib import Path

from ui.selftest.left_out import left_out_of

ROOT = Path(__file__).resolve().parent.parent

# From the bottom up: packages, and single modules by their dotted names. A module imports from its
# own package and from what stands before it. The roles, at the top of the folder, import from all
# of them but never from each other: they meet on the wire.
LAYERS = (
    "values",
    "wire",
    "lmk1.tracker_wire",  # joining.room_client knows an original tracker by its answers
    "worker",
    "net",
    "disk",
    "program",
    "private",
    "sharing",
    "room",
    "joining",
    "uploads",
    "swarm",
    "downloads",
    "lmk1",
    "web",
    "torrents",
    "role",
)
PACKAGES = tuple(name for name in LAYERS if name not in ("worker", "role") and "." not in name)
ROLES = ("tracker", "seeder", "leecher", "lister", "observer", "discovery", "checker")

# Packages that could be deleted whole: where the rest of the program meets them, and which of their
# modules.
SEAMS: dict[str, dict[str, tuple[str, ...]]] = {
    "lmk1": {
        "roles.tracker": ("seeder_table", "tracker_answers"),
        "roles.seeder": ("tracker_client", "uploads"),
        "roles.leecher": ("downloads",),
        "roles.lister": ("seeder_finder",),
        "roles.joining.room_client": ("tracker_wire",),
    },
    "private": {
        "roles.tracker": ("private_room",),
        "roles.joining.tracker_locator": ("private_client", "private_server"),
        "roles.room.list_server": ("private_server",),
        "roles.swarm.acceptor": ("private_server",),
    },
    "torrents": {
        "roles.tracker": ("bep15_answers",),
        "roles.seeder": ("torrent_maker", "torrent_site", "torrent_store"),
    },
    "web": {
        "roles.tracker": ("tracker_site",),
        "roles.seeder": ("browser_uploads", "seeder_site"),
        "roles.torrents.torrent_maker": ("http_wire",),
        "roles.torrents.torrent_site": ("http_wire", "seeder_site"),
    },
}

# Loaded when the first browser comes, or for a private room, and never at the start, so imported
# within functions only.
LATE_PACKAGES = ("web", "torrents", "private", "net.tls_carrier")

# No input or output, no clock, no thread: whole packages, and modules among those that have them.
PURE_PACKAGES = ("values", "wire")
PURE_MODULES: dict[str, tuple[str, ...]] = {
    "private": ("certificate", "handshake_wire", "guess_limits", "p256", "spake2"),
    "lmk1": (
        "download_plan",
        "peer_wire",
        "readers_list",
        "seeder_book",
        "seeder_table",
        "tracker_wire",
    ),
    "net": ("eviction", "rate_limit", "rates", "frame_budget"),
    "disk": ("stored_names",),
    "sharing": ("pack_plan", "written_files"),
    "room": (
        "cookies",
        "departed",
        "reserved_shares",
        "holders",
        "packed_lists",
        "registry",
        "registry_entry",
        "room_list",
        "share_update",
        "shown_files",
    ),
    "joining": ("found_trackers", "listed_files", "list_copy", "listed_share"),
    "uploads": (
        "open_contents",
        "part_sizes",
        "slots",
        "small_contents",
        "times_sent",
        "uplink_rate",
        "upload_scheduler",
        "upload_session",
    ),
    "swarm": (
        "bad_peers",
        "bottleneck",
        "call_book",
        "chunk_plan",
        "content_transfer",
        "digest_requests",
        "frame_deadlines",
        "outlook",
        "peer",
        "peer_book",
        "shown_peers",
        "single_chunks",
        "swarm",
    ),
    "downloads": (
        "download_queue",
        "download_scope",
        "file_order",
        "file_tally",
        "folder_map",
        "patience",
        "trusted_packs",
        "wanted",
        "watched_folder",
    ),
    "torrents": ("bencode", "bep15_wire", "metainfo", "swarms"),
    "web": (
        "folder_index",
        "folder_page",
        "http_wire",
        "page",
        "room_page",
        "start_page",
        "zip_layout",
    ),
}

SEEN_BY_UI = (
    "values.errors",
    "values.addresses",
    "values.bitmaps",
    "values.events",
    "values.listed_file",
    "values.watched",
    "values.findings",
    "values.participants",
    "values.computers",
    "values.figures",
    "values.room_words",
    "values.settings",
    "values.program_settings",
    "values.typed_settings",
    "values.folder_keys",
    "values.safe_names",
    "values.disk_names",
    "program",
    "values.room_code",  # how a code is shown, and read from what is typed
    "worker",  # what every thread runs in, and the sentence for what the system refuses
    "disk.file_lock",  # for ui/packed: which temporary folders and windows are alive
    "net.interfaces",  # which networks the settings offer
    "net.name_lookup",
    "net.throttle",
    "role",  # what can be started, stopped and waited for
    *ROLES,
)

NOT_IN_PURE_CODE = frozenset(
    {"asyncio", "logging", "multiprocessing", "os", "queue", "select", "selectors", "shutil"}
    | {"socket", "subprocess", "tempfile", "threading", "time", "tkinter"}
)
# pathlib may be imported there, for a path is a value; these methods would touch the disk.
FILE_METHODS = frozenset(
    {"exists", "is_dir", "is_file", "iterdir", "mkdir", "open", "read_bytes", "read_text"}
    | {"rglob", "rmdir", "stat", "unlink", "write_bytes", "write_text"}
)
# Where a socket is opened, waited at and closed, and what is below a connection.
SOCKETS_PLACE = "roles.net"
SOCKET_MODULES = ("socket", "select", "ssl", f"{SOCKETS_PLACE}.carrier")
UNSAFE_MODULES = frozenset({"marshal", "pickle", "shelve"})
# What roles/disk/disk_calls.py alone calls: tests end the program after each of these.
DISK_CALLS_PLACE = "roles.disk.disk_calls"
DISK_CALLS = frozenset(
    {"chmod", "fchmod", "fdatasync", "fsync", "link", "remove", "rename", "renames", "replace"}
    | {"rmdir", "sync", "unlink", "utime"}
)
PATH_DISK_CALLS = frozenset({"chmod", "hardlink_to", "rename", "unlink"})
CATCH_ALL = frozenset({"BaseException", "Exception"})
CATCH_ALL_PLACE = "roles.worker"


@dataclass(frozen=True)
class Module:
    """One source file: its dotted name and its text, parsed when a rule asks for it."""

    name: str
    text: str
    is_package: bool = False

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @classmethod
    @cache
    def read(cls, path: Path) -> Module:
        parts = path.relative_to(ROOT).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        text = path.read_text(encoding="utf-8")
        name = ".".join(parts[:-1] if is_package else parts)
        return cls(name, text, is_package)

    @cached_property
    def imports(self) -> set[str]:
        """What is imported, anywhere in the file; `from a import b` counts as a and as a.b."""
        return self._imported_by(self.nodes)

    def _imported_by(self, nodes: Iterable[ast.AST]) -> set[str]:
        found: set[str] = set()
        for node in nodes:
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                source = self._absolute(node)
                found |= {source} | {f"{source}.{alias.name}" for alias in node.names}
        return found

    def early_imports(self) -> set[str]:
        """What is imported as soon as the module is, without what only types name."""
        waiting: list[ast.AST] = [*self.tree.body]
        early: list[ast.AST] = []
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                continue
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                continue
            if isinstance(node, ast.Import | ast.ImportFrom):
                early.append(node)
            waiting += ast.iter_child_nodes(node)
        return self._imported_by(early)

    def _absolute(self, node: ast.ImportFrom) -> str:
        package = self.name.split(".") if self.is_package else self.name.split(".")[:-1]
        base = package[: len(package) - node.level + 1] if node.level else []
        return ".".join([*base, *([node.module] if node.module else [])])

    def is_in(self, package: str) -> bool:
        return is_within(self.name, package)


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def modules_below(*places: str) -> list[Module]:
    paths: list[Path] = []
    for place in places:
        top = ROOT / place
        paths += [top] if top.is_file() else sorted(top.rglob("*.py"))
    return [Module.read(path) for path in paths]


def everything_with(*words: str) -> list[Module]:
    """The modules that have one of these words at all: most need not be parsed."""
    everything = modules_below("lmktorrent_app.py", "roles", "ui", "tests", "assets")
    wanted = re.compile(rf"\b({'|'.join(words)})\b")
    return [module for module in everything if wanted.search(module.text)]


def product_modules() -> list[Module]:
    return modules_below("lmktorrent_app.py", "roles", "ui")


def top_names(names: Iterable[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def rank_of(name: str) -> int | None:
    """How high a module of roles stands, or a name imported from it: the roles above all."""
    parts = name.split(".")
    if parts[0] != "roles" or len(parts) < 2:
        return None
    if parts[1] in ROLES:
        return len(LAYERS)
    for layer in (".".join(parts[1:3]), parts[1]):
        if layer in LAYERS:
            return LAYERS.index(layer)
    return None


def is_pure(module: Module) -> bool:
    """Whether a module of roles may do nothing but compute."""
    parts = module.name.split(".")
    package = parts[1] if len(parts) > 2 else ""
    return package in PURE_PACKAGES or parts[-1] in PURE_MODULES.get(package, ())


def upward_imports(module: Module) -> set[str]:
    """The imports of a module of roles that break the order of the packages."""
    own = rank_of(module.name)
    if own is None:
        return set()
    breaches = set()
    # A package itself holds nothing: what is taken out of it counts.
    for name in module.imports - {f"roles.{package}" for package in PACKAGES}:
        rank = rank_of(name)
        if rank is None or is_within(name, module.name):
            continue
        is_sideways = own == rank == len(LAYERS)
        if is_sideways or rank > own:
            breaches.add(name)
    return breaches


def imports_from(package: str, module: Module) -> set[str]:
    """The modules of the package that a module outside imports; the package itself is "roles.…"."""
    if module.is_in(package):
        return set()
    inside = {name for name in module.imports if is_within(name, package)}
    modules = {".".join(name.split(".")[:3]) for name in inside}
    return modules if len(modules) < 2 else modules - {package}


def seams_of(package: str, module: Module) -> set[str]:
    names = SEAMS[package.removeprefix("roles.")].get(module.name, ())
    return {f"{package}.{name}" for name in names}


def socket_imports(module: Module) -> set[str]:
    return {name for name in module.imports for raw in SOCKET_MODULES if is_within(name, raw)}


def foreign_imports(module: Module) -> set[str]:
    return top_names(module.imports) - {"roles", "ui"} - sys.stdlib_module_names


def hidden_from_ui(module: Module) -> set[str]:
    """What a module of ui imports out of roles although the window must not know it."""
    seen = {f"roles.{name}" for name in SEEN_BY_UI}
    wanted = {name for name in module.imports if is_within(name, "roles")}
    wanted -= {f"roles.{package}" for package in PACKAGES}
    through = {name for name in wanted if any(is_within(name, one) for one in seen)}
    return wanted - through - {"roles", "roles.__version__", "roles.PROTOCOL_VERSION"}


def reached_from(starts: Iterable[Module], known: Iterable[Module]) -> dict[str, str]:
    """All modules that get loaded with the start modules, each with the one that imports it."""
    by_name = {module.name: module for module in known}
    reached: dict[str, str] = {}
    waiting = list(starts)
    while waiting:
        module = waiting.pop()
        for name in module.imports - reached.keys():
            reached[name] = module.name
            if name in by_name:
                waiting.append(by_name[name])
    return reached


def calls_of(module: Module) -> Iterator[tuple[str, ast.Call]]:
    """Each call with the name that is called: `open` for open(), `.open` for path.open()."""
    for node in module.nodes:
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id, node
            elif isinstance(node.func, ast.Attribute):
                yield f".{node.func.attr}", node


def lines_calling(module: Module, names: Iterable[str]) -> list[str]:
    wanted = set(names)
    return [f"line {call.lineno}: {name}" for name, call in calls_of(module) if name in wanted]


def lines_changing_names(module: Module) -> list[str]:
    """System calls on names, times and rights that a test could not refuse."""
    found = []
    for node in module.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
            watched = DISK_CALLS if owner == "os" else PATH_DISK_CALLS
            if node.func.attr in watched and owner != "disk_calls":
                found.append(f"line {node.lineno}: {node.func.attr}")
    return found


def lines_starting_a_shell(module: Module) -> list[str]:
    found = lines_calling(module, {".system", ".popen"})
    for _, call in calls_of(module):
        for keyword in call.keywords:
            is_false = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
            if keyword.arg == "shell" and not is_false:
                found.append(f"line {call.lineno}: shell=")
    return found


def lines_catching_all(module: Module) -> list[str]:
    """Handlers that swallow everything; `except BaseException` may tidy up and raise it again."""
    found = []
    for node in module.nodes:
        if isinstance(node, ast.ExceptHandler):
            caught = ast.walk(node.type) if node.type else ()
            names = {name.id for name in caught if isinstance(name, ast.Name)}
            last = node.body[-1]
            raises_again = isinstance(last, ast.Raise) and last.exc is None
            if names == {"BaseException"} and raises_again:
                continue
            if node.type is None or names & CATCH_ALL:
                found.append(f"line {node.lineno}")
    return found


def _beside_seams(package: str, module: Module) -> set[str]:
    return imports_from(package, module) - seams_of(package, module)


def tearDownModule() -> None:
    """Each search for garbage in the window's tests would look through the trees, too."""
    Module.read.cache_clear()


class RuleTestCase(unittest.TestCase):
    def check_each(
        self, modules: Iterable[Module], breaches_of: Callable[[Module], Iterable[str]]
    ) -> None:
        checked = 0
        for module in modules:
            checked += 1
            with self.subTest(module=module.name):
                self.assertEqual(sorted(breaches_of(module)), [])
        self.assertGreater(checked, 0, "the rule met no module at all")


class ImportsTest(RuleTestCase):
    def test_the_folders_of_roles_are_those_of_the_table(self) -> None:
        places = {path.parent.relative_to(ROOT) for path in (ROOT / "roles").rglob("*.py")}
        expected = {Path("roles"), *(Path("roles") / package for package in PACKAGES)}
        self.assertEqual(places, expected)
        at_the_top = {path.stem for path in (ROOT / "roles").glob("*.py")}
        self.assertEqual(at_the_top, {"__init__", "worker", "role", *ROLES})
        pure = [(package, name) for package, names in PURE_MODULES.items() for name in names]
        for package, name in pure:
            self.assertTrue((ROOT / "roles" / package / f"{name}.py").is_file(), name)

    def test_the_roles_package_itself_imports_nothing(self) -> None:
        self.check_each([Module.read(ROOT / "roles/__init__.py")], lambda one: one.imports)

    def test_no_module_of_roles_imports_from_a_higher_package(self) -> None:
        self.check_each(modules_below("roles"), upward_imports)

    def test_what_could_be_deleted_is_met_at_its_seams_only(self) -> None:
        for package in (f"roles.{name}" for name in SEAMS):
            self.check_each(
                product_modules(),
                partial(_beside_seams, package),
            )

    def test_every_seam_is_used(self) -> None:
        by_name = {module.name: module for module in product_modules()}
        for short, seams in SEAMS.items():
            for name in seams:
                with self.subTest(name=name):
                    package, module = f"roles.{short}", by_name[name]
                    self.assertEqual(imports_from(package, module), seams_of(package, module))

    def test_what_few_runs_need_is_loaded_when_it_is_needed(self) -> None:
        late = tuple(f"roles.{package}" for package in LATE_PACKAGES)
        others = [
            one for one in product_modules() if not any(one.is_in(package) for package in late)
        ]
        self.check_each(
            others,
            lambda one: {
                name
                for name in one.early_imports()
                if any(is_within(name, package) for package in late)
            },
        )

    def test_pure_modules_import_nothing_that_does_io_or_reads_a_clock(self) -> None:
        pure = [one for one in modules_below("roles") if is_pure(one)]
        self.check_each(pure, lambda one: top_names(one.imports) & NOT_IN_PURE_CODE)

    def test_pure_modules_touch_no_file(self) -> None:
        pure = [one for one in modules_below("roles") if is_pure(one)]
        methods = {"open", *(f".{name}" for name in FILE_METHODS)}
        self.check_each(pure, lambda one: lines_calling(one, methods))

    def test_raw_sockets_and_what_carries_connections_are_known_in_one_package_only(self) -> None:
        others = [one for one in modules_below("roles") if not one.is_in(SOCKETS_PLACE)]
        self.check_each(others, socket_imports)

    def test_roles_know_no_window(self) -> None:
        unwanted = {"tkinter", "ui"}
        self.check_each(modules_below("roles"), lambda one: top_names(one.imports) & unwanted)

    def test_the_ui_sees_only_the_roles_and_their_words(self) -> None:
        self.check_each(modules_below("ui"), hidden_from_ui)

    def test_the_ui_opens_no_socket(self) -> None:
        self.check_each(modules_below("ui"), lambda one: top_names(one.imports) & {"socket"})

    def test_the_terminal_never_loads_tkinter_or_the_window(self) -> None:
        ui = modules_below("ui")
        terminal = [module for module in ui if module.is_in("ui.terminal")]
        self.assertTrue(terminal, "there is no ui.terminal")
        for name, importer in reached_from(terminal, product_modules()).items():
            with self.subTest(name=name, importer=importer):
                self.assertFalse(is_within(name, "tkinter") or is_within(name, "ui.window"))

    def test_what_a_packed_program_needs_for_itself_loads_no_tkinter_either(self) -> None:
        packed = modules_below("ui/packed")
        for name, importer in reached_from(packed, product_modules()).items():
            with self.subTest(name=name, importer=importer):
                self.assertFalse(is_within(name, "tkinter") or is_within(name, "ui.window"))

    def test_nothing_starts_itself_again_as_a_worker(self) -> None:
        """A packed program that does so without care starts itself for ever."""
        self.check_each(
            product_modules(),
            lambda one: {
                name
                for name in one.imports
                if is_within(name, "multiprocessing") or name.endswith("ProcessPoolExecutor")
            },
        )

    def test_the_program_needs_only_the_standard_library(self) -> None:
        self.check_each(product_modules(), foreign_imports)

    def test_no_module_imports_what_the_packed_program_leaves_out(self) -> None:
        only_on_windows = {"ctypes"}
        self.check_each(
            product_modules(),
            lambda one: left_out_of(frozenset(one.imports) - only_on_windows),
        )


class WordsTest(RuleTestCase):
    def test_nothing_is_printed(self) -> None:
        self.check_each(modules_below("roles", "ui"), lambda one: lines_calling(one, {"print"}))

    def test_nobody_runs_data_as_code(self) -> None:
        self.check_each(
            everything_with("eval", "exec"), lambda one: lines_calling(one, {"eval", "exec"})
        )
        self.check_each(
            everything_with(*UNSAFE_MODULES), lambda one: top_names(one.imports) & UNSAFE_MODULES
        )

    def test_nobody_starts_a_shell_by_a_string(self) -> None:
        self.check_each(everything_with("system", "popen", "shell"), lines_starting_a_shell)

    def test_everything_is_caught_in_one_place_only(self) -> None:
        others = [module for module in product_modules() if module.name != CATCH_ALL_PLACE]
        self.check_each(others, lines_catching_all)

    def test_names_times_and_rights_of_files_are_changed_in_one_place_only(self) -> None:
        others = [one for one in modules_below("roles") if one.name != DISK_CALLS_PLACE]
        self.check_each(others, lines_changing_names)

    def test_every_thread_is_of_the_kind_that_dies_without_a_word_on_the_terminal(self) -> None:
        others = [module for module in product_modules() if module.name != CATCH_ALL_PLACE]
        self.check_each(others, lambda one: lines_calling(one, {".Thread", "Thread", ".Timer"}))

    def test_every_module_says_what_it_is(self) -> None:
        self.check_each(
            product_modules(),
            lambda one: [] if ast.get_docstring(one.tree) else ["no docstring at the top"],
        )


class PageTest(unittest.TestCase):
    """docs/ARCHITECTURE.md names every module where a reader looks for it."""

    def setUp(self) -> None:
        super().setUp()
        page = (ROOT / "docs/ARCHITECTURE.md").read_text(encoding="utf-8")
        parts = page.split("\n## ")[1:]
        self.sections = {title: text for title, _, text in (one.partition("\n") for one in parts)}

    def check_names(self, folder: str, text: str) -> None:
        """A name may be a pattern, such as *_tab."""
        names = {path.stem for path in (ROOT / folder).glob("*.py")} - {"__init__"}
        words = set(re.findall(r"\*?[a-z_0-9]+", text))
        unnamed = [name for name in names if not any(fnmatch(name, word) for word in words)]
        self.assertEqual(sorted(unnamed), [], f"of {folder}")

    def test_each_package_of_roles_has_a_row_with_all_of_its_modules(self) -> None:
        text = self.sections["Packages of roles/"]
        rows = dict(re.findall(r"^\| `?(\w+)`? \| (.*) \|$", text, re.MULTILINE))
        for package in PACKAGES:
            self.check_names(f"roles/{package}", rows[package])
        self.check_names("roles", rows["roles"] + " worker")

    def test_each_folder_of_ui_has_a_section_with_all_of_its_modules(self) -> None:
        for folder, title in (
            ("ui", "Layout"),
            ("ui/terminal", "The terminal"),
            ("ui/window", "The window"),
            ("ui/packed", "The packed program"),
        ):
            self.check_names(folder, self.sections[title])


class CheckersTest(unittest.TestCase):
    """A rule whose checker sees nothing would pass for ever."""

    def module(self, name: str, text: str) -> Module:
        return Module(name, text)

    def test_each_form_of_import_is_seen(self) -> None:
        for text in (
            "import roles.tracker",
            "from roles import tracker",
            "from roles.tracker import Tracker",
            "from .. import tracker",
            "from ..tracker import Tracker",
            "def later():\n    from roles.tracker import Tracker",
        ):
            with self.subTest(text=text):
                self.assertTrue(upward_imports(self.module("roles.lmk1.peer_wire", text)))

    def test_a_role_may_not_import_another_role(self) -> None:
        self.assertTrue(upward_imports(self.module("roles.seeder", "import roles.tracker")))

    def test_the_same_and_lower_packages_may_be_imported(self) -> None:
        module = self.module(
            "roles.uploads.slots",
            "import roles.net.rates\nfrom roles.values.errors import LmkError",
        )
        self.assertEqual(upward_imports(module), set())

    def test_lmk1_is_seen_in_each_form_of_import(self) -> None:
        for text in (
            "import roles.lmk1.peer_wire",
            "from roles.lmk1 import peer_wire",
            "from roles.lmk1.peer_wire import HEADER",
            "def later():\n    from ..lmk1.peer_wire import HEADER",
        ):
            with self.subTest(text=text):
                found = imports_from("roles.lmk1", self.module("roles.net.dialling", text))
                self.assertEqual(found, {"roles.lmk1.peer_wire"})
                inside = self.module("roles.lmk1.uploads", text)
                self.assertEqual(imports_from("roles.lmk1", inside), set())

    def test_what_is_loaded_early_is_seen(self) -> None:
        early = "class A:\n    import a\nif True:\n    from b import c"
        late = "def f():\n    import a\nif TYPE_CHECKING:\n    import b"
        self.assertEqual(self.module("x", early).early_imports(), {"a", "b", "b.c"})
        self.assertEqual(self.module("x", late).early_imports(), set())

    def test_the_wire_is_hidden_from_the_ui(self) -> None:
        text = "from roles.wire import frames\nfrom roles.values.events import RoleStopped"
        module = self.module("ui.window.room", text)
        self.assertEqual(hidden_from_ui(module), {"roles.wire.frames"})

    def test_a_socket_and_a_carrier_are_seen(self) -> None:
        for text in ("import socket", "from select import poll", "from roles.net import carrier"):
            with self.subTest(text=text):
                self.assertTrue(socket_imports(self.module("roles.uploads.x", text)))
        self.assertEqual(socket_imports(self.module("roles.uploads.x", "import selectors")), set())

    def test_a_foreign_package_is_seen(self) -> None:
        module = self.module("ui.window.room", "import numpy.linalg, json, roles.values.errors")
        self.assertEqual(foreign_imports(module), {"numpy"})

    def test_what_is_imported_by_an_import_is_reached(self) -> None:
        start = self.module("ui.terminal.app", "from ui import wording")
        between = self.module("ui.wording", "import tkinter")
        self.assertIn("tkinter", reached_from([start], [start, between]))

    def test_catching_all_is_seen_in_each_form(self) -> None:
        for caught in ("", " Exception", " Exception as exc", " (OSError, Exception)"):
            with self.subTest(caught=caught):
                module = self.module("x", f"try:\n    pass\nexcept{caught}:\n    pass")
                self.assertEqual(lines_catching_all(module), ["line 3"])

    def test_tidying_up_and_raising_again_is_allowed(self) -> None:
        text = "try:\n    pass\nexcept BaseException:\n    link.close()\n    raise"
        self.assertEqual(lines_catching_all(self.module("x", text)), [])

    def test_changes_of_names_are_seen(self) -> None:
        for text in ("os.link(a, b)", "os.replace(a, b)", "Path(a).unlink()", "a.rename(b)"):
            with self.subTest(text=text):
                self.assertTrue(lines_changing_names(self.module("roles.x", text)))
        self.assertEqual(
            lines_changing_names(self.module("roles.x", "disk_calls.link(a)\na.replace(b, c)")), []
        )

    def test_shells_are_seen(self) -> None:
        for text in ("run('ls', shell=True)", "os.system('ls')", "run('ls', shell=yes)"):
            with self.subTest(text=text):
                self.assertTrue(lines_starting_a_shell(self.module("x", text)))
