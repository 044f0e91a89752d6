"""A manual as text: sections and tables of one machine in one language, as Markdown or as HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from sevenstep.templates.manuals.machines import Machine
from sevenstep.templates.manuals.words import Language, topic

__all__ = ["Page", "as_html", "as_markdown", "interval", "manual", "title_of"]

Table = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Page:
    """A document: its head, and its sections, each a heading with paragraphs and tables."""

    title: str
    language: Language
    trust: str
    date: str
    sections: tuple[tuple[str, tuple[str | Table, ...]], ...]
    access: tuple[str, ...] = ()


def title_of(machine: Machine, language: Language) -> str:
    """What the manual of a machine is called."""
    name = machine.kind.name.of(language)
    return f"{name.capitalize()} {machine.model}: operating manual" if language == "en" else f"{name} {machine.model} 사용 설명서"


def interval(hours: int, language: Language) -> str:
    """An interval as the manuals print it."""
    return f"every {hours} operating hours" if language == "en" else f"{hours} 운전 시간마다"


def manual(machine: Machine, language: Language, *, current: bool = True) -> Page:
    """The manual of a machine; one that is not current is marked as superseded."""
    sections = _english(machine) if language == "en" else _korean(machine)
    trust = "released" if current else "superseded"
    return Page(title_of(machine, language), language, trust, f"{machine.edition}-03-01", sections)


def _english(machine: Machine) -> tuple[tuple[str, tuple[str | Table, ...]], ...]:
    kind = machine.kind
    name = kind.name.en
    return (
        ("Purpose", (
            f"The {machine.model} is a {name} that {kind.purpose.en}. It may be used for nothing else.",
            "Only people who have read this manual may work with the machine. Keep the manual where the machine stands.")),
        ("Technical data", (_figures(machine, "en", ("Property", "Value")),)),
        ("Start-up", (
            "Remove the transport locks and check that nothing is loose.",
            f"Before it is used for the first time, let the {name} run without load for {machine.warm_up} minutes. Listen for "
            "unusual noise and stop the machine at once if there is any.")),
        ("Fastening torques", (
            "Screws that are too loose come undone, screws that are too tight break. Use a torque wrench.",
            _torques(machine, "en", ("Fastening", "Torque")))),
        ("Maintenance", (
            "Switch the machine off and lock the main switch before any work. Let hot parts cool down.",
            _upkeep(machine, "en", ("Part", "Work", "Interval")))),
        ("Error codes", ("The display shows a code when the machine has stopped.",
                         _codes(machine, "en", ("Code", "Cause", "Remedy")))),
    )  # fmt: skip


def _korean(machine: Machine) -> tuple[tuple[str, tuple[str | Table, ...]], ...]:
    kind = machine.kind
    name = kind.name.ko
    return (
        ("용도", (
            f"{topic(machine.model)} {name}로서 {kind.purpose.ko}. 다른 용도로 사용해서는 안 된다.",
            "이 설명서를 읽은 사람만 기계를 다룰 수 있다. 설명서는 기계 가까이에 보관한다.")),
        ("기술 자료", (_figures(machine, "ko", ("항목", "값")),)),
        ("시운전", (
            "운송용 고정 장치를 제거하고 느슨한 곳이 없는지 확인한다.",
            f"처음 사용하기 전에 {name}를 {machine.warm_up}분 동안 무부하로 운전한다. 이상한 소리가 나면 즉시 기계를 멈춘다.")),
        ("조임 토크", (
            "나사가 느슨하면 풀리고 너무 세게 조이면 부러진다. 토크 렌치를 사용한다.",
            _torques(machine, "ko", ("체결부", "토크")))),
        ("유지 보수", (
            "작업 전에 기계를 끄고 주 스위치를 잠근다. 뜨거운 부품은 식을 때까지 기다린다.",
            _upkeep(machine, "ko", ("부품", "작업", "주기")))),
        ("오류 코드", ("기계가 멈추면 표시창에 코드가 나타난다.", _codes(machine, "ko", ("코드", "원인", "조치")))),
    )  # fmt: skip


def _figures(machine: Machine, language: Language, header: tuple[str, ...]) -> Table:
    return (header, *((one.name.of(language), value) for one, value in zip(machine.kind.figures, machine.figures, strict=True)))


def _torques(machine: Machine, language: Language, header: tuple[str, ...]) -> Table:
    return (header, *((one.of(language), value) for one, value in zip(machine.kind.fastenings, machine.torques, strict=True)))


def _upkeep(machine: Machine, language: Language, header: tuple[str, ...]) -> Table:
    pairs = zip(machine.kind.upkeep, machine.intervals, strict=True)
    return (header, *((one.part.of(language), one.done.of(language), interval(hours, language)) for one, hours in pairs))


def _codes(machine: Machine, language: Language, header: tuple[str, ...]) -> Table:
    faults = machine.kind.faults
    return (header, *((code, faults[at][0].of(language), faults[at][1].of(language)) for code, at in machine.codes))


def as_markdown(page: Page) -> str:
    """A page as Markdown, with a head that tells its tags."""
    access = f"access: [{', '.join(page.access)}]\n" if page.access else ""
    head = f'---\ntitle: "{page.title}"\ntrust: {page.trust}\nlicence: example\ndate: "{page.date}"\n{access}---\n'
    parts = [head, f"# {page.title}\n"]
    for heading, blocks in page.sections:
        parts += [f"## {heading}\n", *(block + "\n" if isinstance(block, str) else _markdown_table(block) for block in blocks)]
    return "\n".join(parts)


def _markdown_table(rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]) + "\n"


def as_html(page: Page) -> str:
    """A page as HTML, with its tags as ``meta``."""
    title = html.escape(page.title)
    metas = {"trust": page.trust, "licence": "example", "date": page.date}
    head = "".join(f'<meta name="{name}" content="{value}">\n' for name, value in metas.items())
    body = [f"<h1>{title}</h1>"]
    for heading, blocks in page.sections:
        body += [f"<h2>{html.escape(heading)}</h2>", *(_html_block(block) for block in blocks)]
    return (
        f'<!doctype html>\n<html lang="{page.language}">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n{head}</head>\n'
        f"<body>\n{chr(10).join(body)}\n</body>\n</html>\n"
    )


def _html_block(block: str | Table) -> str:
    if isinstance(block, str):
        return f"<p>{html.escape(block)}</p>"
    rows = [
        "".join(f"<{'td' if at else 'th'}>{html.escape(cell)}</{'td' if at else 'th'}>" for cell in row)
        for at, row in enumerate(block)
    ]
    return "<table>\n" + "\n".join(f"<tr>{row}</tr>" for row in rows) + "\n</table>"
