"""An agent without any judgement: it knows how tables and calls are read, and nothing of the lab.

What it does is what the skills' tables say of what the lab says. Its memory is what it was asked
and what the notes hold.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from host import Answer, Host
from reading import Call, Cell, Page, Table, UnreadableCallError, read_page

STUDY = "run-ablation/SKILL.md"
GATE = "manage-pod/references/gate.md"
NOTES = "write-lab-notes/SKILL.md"
GOES_ON = ("queued", "launching", "running")
MOST_LOOKS = 400


class Agent:
    """Goes through a study by its skills, from what it is told or from the notes alone."""

    def __init__(self, host: Host, task: Answer | None = None, context: str = "") -> None:
        self._host = host
        self._names: dict[str, Any] = {"cursor": 0} | ({"task": task, **task} if task else {})
        self._written: set[str] = set()
        """Sections that the notes have."""
        self._remember({"notes": context})
        self._begun: str | None = None
        """The phase whose calls were made."""
        self.done = False

    async def work(self, until: str | None = None) -> None:
        """Orient, then look and act until the study has ended, or a section has been written."""
        texts = await self._host.skills()
        self._pages = {path: read_page(text) for path, text in texts.items()}
        for call in self._pages[STUDY].steps:
            self._remember(await self._make(call))
        for _ in range(MOST_LOOKS):
            if self.done or until in self._written:
                return
            await self._look()
        raise AssertionError(f"no end after {MOST_LOOKS} looks; calls: {self._host.calls}")

    async def _look(self) -> None:
        """Do the first row of the study that fits the lab's headline."""
        status = await self._make(Call("lab_status", {}))
        table = self._pages[STUDY].table_of("headline")
        row = _fitting(table, [status or {}])
        assert row, f"no row fits: {status}"
        await self._do(row[1], status or {})

    async def _do(self, cell: Cell, status: Answer) -> None:
        """Do what a cell says: consult a skill, go on with a phase, or make its calls."""
        others = [f"{code}/SKILL.md" for code in cell.codes if f"skill `{code}`" in cell.text]
        if others:
            await self._consult(self._pages[others[0]], status)
        elif "phase" in cell.text:
            await self._go_on(status, cell)
        else:
            await self._make_all(cell)

    # A phase of the study

    async def _go_on(self, status: Answer, meanwhile: Cell) -> None:
        """Make the calls of the first phase that the notes lack; once it has ended, write it up."""
        phases = self._pages[STUDY].table_of("section")
        rows = [row for row in phases.rows if row[0].codes[0] not in self._written]
        if not rows:
            self.done = True
            return
        section, do, then, keep = rows[0]
        title = section.codes[0]
        if self._begun != title:
            self._begun = title if await self._make_all(do) is not None else None
        elif any(status["counts"].get(state) for state in GOES_ON):
            await self._make_all(meanwhile)
        else:
            await self._write_up(title, then, keep, rows[1:])

    async def _write_up(
        self, title: str, then: Cell, keep: Cell, further: list[list[Cell]]
    ) -> None:
        """Look at what came of a phase, and write its note."""
        answer = await self._make_all(then)
        if answer is None:
            return
        if answer.get("ready") is False:
            await self._open_gate(answer)
            return
        kept = {name: answer.get(source, self._names.get(source)) for name, source in _kept(keep)}
        self._names |= kept
        self._names |= {
            "section": title,
            "table": _markdown(answer),
            "chosen": json.dumps(kept),
            "why": "the table says so",
            "next": further[0][0].text if further else "nothing",
            "kept": json.dumps(kept | {"cursor": self._names["cursor"]}),
        }
        (call,) = [c for c in self._pages[NOTES].calls if "append" in c.arguments]
        if await self._make(call) is not None:
            self._written.add(title)

    async def _open_gate(self, audit: Answer) -> None:
        """Do what the gate asks for."""
        blocking = [finding for finding in audit["findings"] if finding["blocks"]]
        row = _fitting(self._pages[GATE].table_of("finding"), blocking)
        assert row, f"no row fits: {blocking}"
        self._names["trial"] = blocking[0].get("trial_id")
        await self._make_all(row[1])

    # Trouble

    async def _consult(self, page: Page, status: Answer) -> None:
        """Look as a skill's steps say, do the first row that fits the answers, leave a trace."""
        named = re.search(r"trial_id=(\d+)", status["headline"])
        answers = [{"headline": status["headline"]}]
        if named:
            self._names["trial"] = int(named[1])
            answers = [await self._make(call) or {} for call in page.steps]
            self._names |= await self._of_trial(answers)
        fitting = (_fitting(table, answers) for table in page.tables)
        row = next(filter(None, fitting), None)
        assert row, f"no row fits: {answers}"
        self._names |= {"cause": row[0].text, "done": row[1].text}
        if await self._make_all(row[1]) is not None and named:
            for call in page.closing:
                await self._make(call)

    async def _of_trial(self, answers: list[Answer]) -> dict[str, Any]:
        """Return the config and the tags of the trial at hand, and each field of the config."""
        (config,) = _values(answers, {"config"})
        kind = {"run_type": config["run_type"]} if "run_type" in config else {}
        schema = await self._call("lab_schema", {**kind, "full": True})
        properties = _values([schema], {"properties"})[0]
        defaults = {name: p["default"] for name, p in properties.items() if "default" in p}
        (tags, *_) = _values(answers, {"tags"})
        near = _values(answers, {"nearest_good"})[:1] or [self._names["trial"]]
        return defaults | config | {"config": config, "tags": tags, "nearest_good": near[0]}

    # Calls

    async def _make_all(self, cell: Cell) -> Answer | None:
        """Make a cell's calls, ask where it says so; return the last answer.

        A call behind `refused:` is for the case that the one before it is. None: one was refused.
        """
        answer: Answer | None = {}
        refused = False
        for command in cell.commands:
            self._host.shell(command)
        for call, is_remedy in cell.calls:
            if is_remedy and answer is not None:
                continue
            for arguments in self._bound(call, cell):
                answer = await self._call(call.tool, arguments)
                refused |= answer is None and not is_remedy
            refused &= not (is_remedy and answer is not None)
        if "ask the person" in cell.text:
            self._host.ask(cell.text)
        return None if refused else answer

    def _bound(self, call: Call, cell: Cell) -> Iterator[Answer]:
        """Return the arguments of a call, once for each of what the cell names."""
        several = re.search(r"for each of `(\w+)`", cell.text)
        if several is None:
            yield call.bound(self._names)
            return
        among = self._names[several[1]]
        for each in among.values() if isinstance(among, dict) else among:
            yield call.bound({**self._names, "each": each})

    async def _make(self, call: Call) -> Answer | None:
        """Make a call; one that needs what is not known is left out."""
        try:
            arguments = call.bound(self._names)
        except UnreadableCallError:
            return None
        return await self._call(call.tool, arguments)

    async def _call(self, tool: str, arguments: Answer) -> Answer | None:
        answer = await self._host.call(tool, arguments)
        if answer is None:
            return None
        records = {name: _table(value) for name, value in answer.items()}
        if tool in ("lab_events", "lab_wait"):
            self._names["cursor"] = answer.get("cursor", self._names["cursor"])
        return records

    def _remember(self, answer: Answer | None) -> None:
        """Take from notes what their blocks of JSON hold, and which sections there are."""
        notes = str((answer or {}).get("notes") or "")
        self._written |= set(re.findall(r"^## (.+)$", notes, re.MULTILINE))
        for language, block in read_page(notes).fences:
            if language == "json":
                kept = json.loads(block)
                self._names |= kept | (kept.get("task") or {})

    def summary(self) -> str:
        """Return what it would tell itself at a compaction."""
        return f"In the phase {self._begun}; cursor {self._names.get('cursor')}."


def _fitting(table: Table, answers: Iterable[Answer]) -> list[Cell] | None:
    """Return the first row of which a sign is in a value of the fields that the head names."""
    said = [str(value) for value in _values(list(answers), set(table.head[0].codes))]
    fits = (row for row in table.rows if any(s in text for s in row[0].codes for text in said))
    return next(fits, None)


def _kept(cell: Cell) -> Iterator[tuple[str, str]]:
    """Return each name to keep, and of which field of an answer it is."""
    for code in cell.codes:
        name, _, source = code.partition(" = ")
        yield name, source or name


def _table(value: Any) -> Any:
    """Return a table of an answer as records; any other value as it is."""
    if not isinstance(value, dict) or value.keys() != {"columns", "rows"}:
        return value
    return [dict(zip(value["columns"], row, strict=True)) for row in value["rows"]]


def _records(value: Any) -> Iterator[Answer]:
    """Return every object within a value."""
    if isinstance(value, dict):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        yield from _records(item)


def _values(answers: list[Any], fields: set[str]) -> list[Any]:
    """Return what fields of these names hold, however deep."""
    found = [record[name] for record in _records(answers) for name in fields & record.keys()]
    return [value for value in found if value is not None]


def _markdown(answer: Answer) -> str:
    """Return the first table of an answer as Markdown."""
    rows = next((value for value in answer.values() if isinstance(value, list) and value), [])
    if not rows or not isinstance(rows[0], dict):
        return "No table."
    head = list(rows[0])[:8]
    lines = [head, ["---"] * len(head), *([str(row.get(name)) for name in head] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
