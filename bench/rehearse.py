"""A rehearsal of the live side on real data: error by lead, cadence, learning anew, alarms, a planted shift, the audit of inputs.

    python bench/rehearse.py ../shared/specs/rossmann.yaml --from 2015-03-01 --to 2015-06-19 --shift State=HE:1.4

Prints what `sevenstep rehearse` prints, then each figure against what it has to reach, and the wall time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

START = "from sevenstep.cli.main import main; main()"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec", type=Path)
    parser.add_argument("--from", dest="first", required=True)
    parser.add_argument("--to", dest="last", required=True)
    parser.add_argument("--shift", default="")
    parser.add_argument("--store", type=Path, help="folder for results; a temporary one when not given")
    asked = parser.parse_args()
    store = asked.store or Path(tempfile.mkdtemp(prefix="rehearse-"))
    command = [sys.executable, "-c", START, "rehearse", str(asked.spec), "--store", str(store), "--from", asked.first]
    command += ["--to", asked.last, *(["--shift", asked.shift] if asked.shift else [])]
    began = time.perf_counter()
    subprocess.run(command, check=True)
    seconds = time.perf_counter() - began
    found = json.loads(next(iter(sorted(store.glob("rehearsals/*/rehearsal.json")))).read_text(encoding="utf-8"))
    print(f"\nwall time {seconds / 60:.1f} min (to be under 30)")
    for level, one in found["coverage"].items():
        print(f"the {level} % bounds hold {one['value']:.4f} ({one['low']:.4f} to {one['high']:.4f}), n {one['n']:,}")
    for text, value, reached in judged(found):
        print(f"{'reached' if reached else 'MISSED '}  {text}: {value}")


def judged(found: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """Each figure that has to be reached, as it is and whether it is."""
    curve = dict(zip(found["lived"]["leads"], found["lived"]["loss"], strict=True))
    far, near = max(curve), min(curve)
    cadence, due, share = found["cadence_beside"], found["due_beside"], found["cadence"]["refreshes"]
    refits, weekly = len(found["refits"]), found["weekly_refits"]
    rate = len(found["alarms"]) / max(found["checks"], 1)
    learnt = [member["name"] or member["family"] for member in found["members"] if member["family"] != "naive"]
    rows = [
        ("the model is one that learnt (its clock may have kept all such out)", ", ".join(learnt) or "none", bool(learnt)),
        ("error falls from the longest lead to the shortest", f"{curve[far]:.4f} to {curve[near]:.4f}", curve[near] < curve[far]),
        ("cadence loses at most 1 % against every day", f"{cadence['excess']:+.2%}", cadence["excess"] <= 0.01),
        ("with under half of its refreshes", f"{share:.0%}", share < 0.5),
        ("learning when due loses at most 1 % against every week", f"{due['excess']:+.2%}", due["excess"] <= 0.01),
        ("with under a quarter of its fits", f"{refits} of {weekly}", refits < weekly / 4),
        ("alarms in clean looks stay within 1 %", f"{len(found['alarms'])} of {found['checks']}", rate <= 0.01),
        ("no version knew what was published later", str(found["leaks"]), found["leaks"] == 0),
    ]
    shift = found["shift"]
    if shift:
        days = shift["days_to_alarm"]
        after, without, again = shift["loss_after"], shift["loss_without"], shift["days_to_recover"]
        refits = len(shift["refits"])
        rows.append(("a planted shift is alarmed within 7 days, by name", str(days), days is not None and days <= 7))
        rows.append(("learnt anew", f"{refits} times", refits > 0))
        good = again is not None and again <= 14
        rows.append(("its segment within 1.2 x its loss without the shift, at most 14 days after the alarm", str(again), good))
        rows.append(("and so in the last week", f"{after:.4f} against {without:.4f}", after <= 1.2 * without))
    return rows


if __name__ == "__main__":
    main()
