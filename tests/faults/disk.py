"""What a disk may hold after a power loss, from the system calls of a process.

A directory's entries are safe once the directory was fsynced, a file's contents once the file was;
until then each change may or may not have reached the disk, in any combination. A rename is one
change. This allows more than any one file system does.
"""

import codecs
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

Tree = dict[str, bytes | None]
"""Contents by path; None for a directory."""

Entry = tuple[int, str]
Change = dict[Entry, int | None]

_PATH = r'(?:AT_FDCWD(?:<[^>]*>)?, )?(?:(?P<at{0}>\d+<[^>]*>), )?"(?P<path{0}>[^"]*)"'
_CALLS = {
    "mkdir": re.compile(rf"mkdir(?:at)?\({_PATH.format(1)}.*= 0"),
    "create": re.compile(rf"openat\({_PATH.format(1)}, [^,]*O_CREAT.*= \d+<"),
    "write": re.compile(
        r'write\(\d+<(?P<path1>[^>]*)>, "(?P<data>(?:[^"\\]|\\.)*)", (\d+)\) += \3$'
    ),
    "resize": re.compile(r"ftruncate\(\d+<(?P<path1>[^>]*)>.*= 0$"),
    "fsync": re.compile(r"f(?:data)?sync\(\d+<(?P<path1>[^>]*)>\) += 0"),
    "exchange": re.compile(
        rf"renameat2\({_PATH.format(1)}, {_PATH.format(2)}, RENAME_EXCHANGE\) += 0"
    ),
    "rename": re.compile(rf"rename(?:at2?)?\({_PATH.format(1)}, {_PATH.format(2)}(?:, 0)?\) += 0"),
    "remove": re.compile(rf"(?:unlink|unlinkat|rmdir)\({_PATH.format(1)}.*= 0"),
}
_WRITES = re.compile(
    r"(mkdir|rename|unlink|rmdir|link|symlink|truncate|fallocate|pwrite|writev)\w*\(.*= 0$"
)


@dataclass
class Disk:
    """A tree of files as processes see it, and what of it is not yet safe."""

    root: Path
    entries: dict[Entry, int] = field(default_factory=dict)
    safe: dict[Entry, int] = field(default_factory=dict)
    contents: dict[int, bytes | None] = field(default_factory=lambda: {0: None})
    pending: list[Change] = field(default_factory=list)
    unsafe: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, root: Path) -> "Disk":
        """Return the disk that holds this tree safely."""
        disk = cls(root)
        for path in sorted(root.rglob("*")):
            content = None if path.is_dir() else path.read_bytes()
            disk.entries[disk.entry(str(path))] = disk._new(content)
        disk.safe = dict(disk.entries)
        return disk

    def entry(self, path: str) -> Entry:
        """Return a path's directory, by its number, and its name there."""
        *parents, name = Path(path).relative_to(self.root).parts
        directory = 0
        for parent in parents:
            directory = self.entries[directory, parent]
        return directory, name

    def number(self, path: str) -> int:
        """Return the number of the file or directory at a path."""
        return 0 if Path(path) == self.root else self.entries[self.entry(path)]

    def apply(self, call: str) -> bool:
        """Take in a line of strace; say whether it was a call that can matter."""
        for kind, pattern in _CALLS.items():
            if (match := pattern.match(call)) is not None:
                paths = [_path(match, n) for n in (1, 2) if f"path{n}" in pattern.groupindex]
                if not all(Path(path).is_relative_to(self.root) for path in paths):
                    return False
                data = [match["data"]] if kind == "write" else []
                getattr(self, f"_{kind}")(*paths, *data)
                return True
        assert not _WRITES.match(call), f"not understood: {call}"
        return False

    def after_power_loss(self) -> Iterator[Tree]:
        """Return every tree that may be found when the power comes back."""
        for kept in itertools.product((False, True), repeat=len(self.pending)):
            entries = dict(self.safe)
            for change in itertools.compress(self.pending, kept):
                _make(entries, change)
            reached = [n for n in sorted(self.unsafe) if n in entries.values()]
            for parts in itertools.product((0.0, 0.5, 1.0), repeat=len(reached)):
                yield self._tree(entries, dict(zip(reached, parts, strict=True)))

    def _tree(self, entries: dict[Entry, int], parts: dict[int, float]) -> Tree:
        tree: Tree = {}
        below = [(0, "")]
        while below:
            directory, prefix = below.pop()
            for (parent, name), number in entries.items():
                if parent == directory:
                    content, path = self.contents[number], f"{prefix}{name}"
                    if content is None:
                        below.append((number, f"{path}/"))
                    else:
                        content = content[: int(len(content) * parts.get(number, 1.0))]
                    tree[path] = content
        return tree

    def _new(self, content: bytes | None) -> int:
        number = len(self.contents)
        self.contents[number] = content
        return number

    def _change(self, change: Change) -> None:
        _make(self.entries, change)
        self.pending.append(change)

    def _mkdir(self, path: str) -> None:
        self._change({self.entry(path): self._new(None)})

    def _create(self, path: str) -> None:
        assert self.entry(path) not in self.entries, f"{path} is opened again for writing"
        self._change({self.entry(path): self._new(b"")})

    def _write(self, path: str, data: str) -> None:
        number = self.number(path)
        self.contents[number] += codecs.escape_decode(data.encode("latin-1"))[0]
        self.unsafe.add(number)

    def _resize(self, path: str) -> None:
        self.unsafe.add(self.number(path))

    def _fsync(self, path: str) -> None:
        number = self.number(path)
        self.unsafe.discard(number)
        done = [change for change in self.pending if any(d == number for d, _ in change)]
        for change in done:
            _make(self.safe, change)
            self.pending.remove(change)

    def _rename(self, path: str, target: str) -> None:
        self._change({self.entry(path): None, self.entry(target): self.number(path)})

    def _exchange(self, path: str, other: str) -> None:
        one, two = self.entry(path), self.entry(other)
        self._change({one: self.entries[two], two: self.entries[one]})

    def _remove(self, path: str) -> None:
        self._change({self.entry(path): None})


def write_tree(root: Path, tree: Tree) -> None:
    """Make a tree real."""
    root.mkdir(parents=True)
    for path, content in sorted(tree.items()):
        if content is None:
            (root / path).mkdir()
        else:
            (root / path).write_bytes(content)


def _path(match: re.Match[str], number: int) -> str:
    path = match[f"path{number}"]
    directory = match.groupdict().get(f"at{number}")
    return f"{directory.partition('<')[2][:-1]}/{path}" if directory else path


def _make(entries: dict[Entry, int], change: Change) -> None:
    for entry, number in change.items():
        if number is None:
            entries.pop(entry, None)
        else:
            entries[entry] = number
