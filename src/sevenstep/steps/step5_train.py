"""Step 5, train: how good are the candidates, honestly?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from sevenstep.chapter import Block, Chapter, Column, Figure, Format, Notes, Table
from sevenstep.data.dataset import Dataset
from sevenstep.errors import InternalError
from sevenstep.search.jobs import Fits
from sevenstep.search.kpis import leading_kpi, leading_metric
from sevenstep.search.leaderboard import Leaderboard, lead_curve, leaderboard, metric_named, slices
from sevenstep.search.losses import loss_of
from sevenstep.spec.brief import Brief
from sevenstep.stats.wording import interval, is_share, spoken, titled
from sevenstep.steps.sums import scored_sums, sums_table
from sevenstep.tasks.contract import Candidate, Plan, Task
from sevenstep.tasks.planning import plan_from_json, seconds_for_the_end
from sevenstep.tasks.scoretable import ScoreTable, join_score_tables
from sevenstep.wording import percent
from sevenstep.work import Artifact, Failure, Leaves, Workbench

__all__ = ["run"]


def run(brief: Brief, inputs: Mapping[str, Artifact], task: Task, bench: Workbench) -> Leaves:
    """Every candidate on every fold: score table, leaderboard, slices and the curve over lead times."""
    plan = plan_from_json(inputs["design"].json("plan"))
    fits = Fits(task, inputs["collect"], bench, brief.seed)
    found = fits.score(plan.candidates, plan.folds, reserve=seconds_for_the_end(plan))
    scores, failures = _sorted_out(plan.candidates, found)
    bench.say("comparing candidates")
    boards = {target: _board(brief, target, plan, scores) for target in brief.targets}
    data = Dataset.load(inputs["collect"].folder("dataset"))
    blocks = [block for target in brief.targets for block in _target_blocks(brief, task, data, target, boards[target], scores)]
    frames = {"scores": join_score_tables(list(scores.values())).frame}
    if plan.sums is not None:
        bench.say("scoring the sums")
        frames["sums"] = scored_sums(task, inputs["collect"], plan.sums, bench, brief.seed)
        blocks += sums_table(brief, plan.sums, frames["sums"])
    if failures:
        blocks.append(Notes("Not measured", [{"text": text, "evidence": "", "tone": "warn"} for text in failures]))
    return Leaves(
        json={"leaderboard": {target: asdict(board) for target, board in boards.items()}, "failures": failures},
        frames=frames,
        headline=_headline(brief, boards),
        chapter=Chapter("train", "Train", _answer(brief, boards), "", blocks),
        measured=fits.seconds | _cut_short(found),
    )


def _sorted_out(
    candidates: Sequence[Candidate], found: Sequence[ScoreTable | Failure]
) -> tuple[dict[tuple[str, str], ScoreTable], list[str]]:
    scores: dict[tuple[str, str], ScoreTable] = {}
    failures = []
    for candidate, result in zip(candidates, found, strict=True):
        if isinstance(result, Failure):
            failures.append(f"{candidate.name} of {candidate.target}: {result.reason}")
        else:
            scores[candidate.target, candidate.name] = result
    for target in {candidate.target for candidate in candidates}:
        if not any(key[0] == target for key in scores):
            raise InternalError(
                "TRAIN-NOTHING", f"no candidate of '{target}' could be fitted", "; ".join(failures), "see the journal"
            )
    return scores, failures


def _cut_short(found: Sequence[ScoreTable | Failure]) -> dict[str, float]:
    """Marks a comparison the clock kept candidates out of: a later run with time to spare makes it anew."""
    return {"cut_short": 1.0} if any(isinstance(result, Failure) and result.skipped for result in found) else {}


def _board(brief: Brief, target: str, plan: Plan, scores: Mapping[tuple[str, str], ScoreTable]) -> Leaderboard:
    kpi = leading_kpi(brief.kpis, target, brief.targets) or brief.kpis[0]
    mine = {name: table for (own, name), table in scores.items() if own == target}
    costs = {candidate.name: candidate.cost for candidate in plan.candidates if candidate.target == target}
    rules = [candidate.name for candidate in plan.candidates if candidate.target == target and candidate.baseline]
    metric = leading_metric(kpi)
    losses = {name: loss_of(mine[name], metric) for name in rules if name in mine}
    best_rule = min(losses, key=lambda name: (losses[name] != losses[name], losses[name]), default=None)
    baseline = kpi.baseline if kpi.baseline in mine else best_rule
    together = join_score_tables(list(mine.values()))
    least = kpi.min_gain if metric == kpi.metric else None
    return leaderboard(together, metric, baseline=baseline, costs=costs, seed=brief.seed, min_gain=least)


def _headline(brief: Brief, boards: Mapping[str, Leaderboard]) -> str:
    target, board = next(iter(boards.items()))
    about = f" of {target}" if len(boards) > 1 else ""
    return f"{board.standings[0].candidate}: {board.metric}{about} {_reached(board)}{_ahead(board)}"


def _answer(brief: Brief, boards: Mapping[str, Leaderboard]) -> str:
    parts = []
    for target, board in boards.items():
        best = f"{board.standings[0].candidate} predicts {target} best: {spoken(board.metric)} {_reached(board)}{_ahead(board)}."
        parts.append(best if board.chosen in (None, board.best) else f"{best} {board.reason[0].upper()}{board.reason[1:]}.")
    return " ".join(parts)


def _reached(board: Leaderboard) -> str:
    found = board.standings[0].estimate
    return interval(found.value, found.low, found.high, board.metric)


def _ahead(board: Leaderboard) -> str:
    """How much better the first is than the simple rule it is compared with."""
    skill = board.standings[0].skill
    if skill is None or not skill.gain:
        return ""
    return f", {percent(abs(skill.gain))} {'better' if skill.gain > 0 else 'worse'} than {board.baseline}"


def _target_blocks(
    brief: Brief, task: Task, data: Dataset, target: str, board: Leaderboard, scores: Mapping[tuple[str, str], ScoreTable]
) -> list[Block]:
    kpi = leading_kpi(brief.kpis, target, brief.targets)
    goal = kpi.goal.value if kpi is not None and kpi.metric == board.metric else None
    best = board.standings[0].candidate
    blocks: list[Block] = [_board_figure(target, board, goal), _board_table(target, board)]
    shown = [name for name in dict.fromkeys([best, board.baseline]) if name is not None]
    tables = {name: scores[target, name] for name in shown}
    if next(iter(tables.values())).frame["lead"].n_unique() > 1:
        blocks.append(_lead_figure(target, board.metric, tables, goal, brief.seed))
    segmented, labels = task.segment(scores[target, best], data)
    for column, label in labels.items():
        blocks += _slice(target, board.metric, segmented, column, label, goal, brief.seed)
    return [*blocks, *task.pictures("train", data, scores[target, best], brief, None)]


def _board_figure(target: str, board: Leaderboard, goal: float | None) -> Figure:
    rows = [
        {"y": row.candidate, "x": row.estimate.value, "low": row.estimate.low, "high": row.estimate.high}
        for row in board.standings
        if row.estimate.value is not None
    ]
    caption = (
        "95 % intervals over independent series, groups or items. Candidates whose intervals overlap may still be told apart, "
        "because they are compared on the same rows."
    )
    kind = _kind(board.metric)
    return Figure(f"Leaderboard: {target}", "dots", rows, titled(board.metric), "Candidate", "number", kind, goal=goal,
                  goal_label="goal", caption=caption)  # fmt: skip


def _board_table(target: str, board: Leaderboard) -> Table:
    rows = []
    for row in board.standings:
        found, skill = row.estimate, row.skill
        rows.append(
            {
                "candidate": row.candidate,
                "value": interval(found.value, found.low, found.high, board.metric),
                "skill": "" if skill is None or skill.gain is None else _share_interval(skill.gain, skill.low, skill.high),
                "p": "" if row.p_best is None else f"{row.p_best:.4f}",
                "same": "yes" if row.same_as_best else "",
                "cost": row.cost,
                "n": found.n,
            }
        )
    columns = [
        Column("candidate", "Candidate"),
        Column("value", titled(board.metric)),
        Column("skill", f"Better than {board.baseline or 'baseline'}"),
        Column("p", "p against the best (Holm)"),
        Column("same", "Cannot be told apart from the best"),
        Column("cost", "Planned cost of a fit", "seconds"),
        Column("n", "n", "integer"),
    ]
    return Table(f"Leaderboard in figures: {target}", columns, rows, board.reason)


def _share_interval(value: float, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return percent(value)
    return f"{percent(value)} ({percent(low).removesuffix(' %')} to {percent(high).removesuffix(' %')})"


def _lead_figure(target: str, metric: str, tables: Mapping[str, ScoreTable], goal: float | None, seed: int) -> Figure:
    rows = []
    for name, table in tables.items():
        curve = lead_curve(table, metric, seed, max_points=24)
        rows += [
            {"x": row["lead_to"], "y": row["value"], "low": row["low"], "high": row["high"], "group": name}
            for row in curve.iter_rows(named=True)
        ]
    caption = "Error by how long before the target time the prediction was made, with 95 % intervals."
    return Figure(f"Error by lead time: {target}", "line", rows, "Lead (steps ahead)", titled(metric), "number", _kind(metric),
                  goal=goal, goal_label="goal", caption=caption)  # fmt: skip


def _kind(metric: str) -> Format:
    return "percent" if is_share(metric) else "number"


def _slice(target: str, metric: str, table: ScoreTable, column: str, label: str, goal: float | None, seed: int) -> list[Block]:
    count = table.frame[column].n_unique()
    if count < 2:
        return []
    found = slices(table, metric, column, seed).sort(
        "value", descending=metric_named(metric).direction != "higher", nulls_last=True
    )
    rows = [
        {"y": str(row[column]), "x": row["value"], "low": row["low"], "high": row["high"], "n": row["n"]}
        for row in found.to_dicts()
    ]
    title = f"{target} by {label}"
    kind = _kind(metric)
    if count <= 16:
        return [
            Figure(
                title, "dots", rows, titled(metric), label, "number", kind, goal=goal, goal_label="goal", caption="Worst first."
            )
        ]
    told = [{"y": row["y"], "x": interval(row["x"], row["low"], row["high"], metric), "n": row["n"]} for row in rows]
    return [Table(title, [Column("y", label), Column("x", titled(metric)), Column("n", "n", "integer")], told, "Worst first.")]
