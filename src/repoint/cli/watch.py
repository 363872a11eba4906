"""Watching a campaign run: bars on a terminal, elsewhere a line whenever something has changed."""

import time
from collections.abc import Callable
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from repoint.cli.mistake import Mistake

PAUSE_S = 0.5
# Before the first run that is seen has been counted once; most campaigns are short.
FIRST_PAUSE_S = 0.1

Tree = dict[str, Any]
Look = Callable[[dict[str, str]], Tree]

_console = Console(stderr=True)


def watch_campaign(look: Look) -> None:
    """Show a campaign's runs until none goes on; waits for the next one when none does. `look` asks for its progress.

    Raises Mistake when a run failed or was cancelled, and when there is none to wait for.
    """
    try:
        with RunProgress() as progress:
            ended = _follow(look, progress)
    except KeyboardInterrupt:
        raise Mistake("no longer watched; the campaign goes on") from None
    for run in ended:
        if run["State"] == "CANCELLED" or run.get("Result") == "FAIL":
            reason = f": {run['Reason']}" if "Reason" in run else ""
            raise Mistake(f"run {run['ActivityId']} ended {run['State']}, {run['Result']}{reason}")


def _follow(look: Look, progress: "RunProgress") -> list[Tree]:
    """The runs that were watched, as they ended."""
    campaign = look({})
    before = {run["ActivityId"] for run in campaign["Runs"] if run["State"] != "RUNNING"}
    pause_s, members = FIRST_PAUSE_S, None
    if campaign["State"] in _OVER:
        return _of_the_past(campaign, progress)
    while True:
        watched = [run for run in campaign["Runs"] if run["ActivityId"] not in before]
        if watched and members is None and not all(run["IsTriggered"] for run in watched):
            # Counting the segment can take a while, so it is done once.
            members = look({"expected": "true"})["Members"]
        progress.show(campaign, watched, members)
        is_going = campaign["State"] == "EXECUTING" or any(run["State"] == "RUNNING" for run in watched)
        if not is_going and (watched or campaign["State"] in _OVER):
            return watched
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.3, PAUSE_S)
        campaign = look({})


# States in which no run comes any more, unless somebody changes the campaign.
_OVER = frozenset({"COMPLETED", "PAUSED", "INVALID", "DELETED"})


def _of_the_past(campaign: Tree, progress: "RunProgress") -> list[Tree]:
    if not campaign["Runs"]:
        raise Mistake(f"the campaign is {campaign['State']}, and has no runs")
    progress.show(campaign, campaign["Runs"], None)
    return list(campaign["Runs"])


class RunProgress:
    """Progress of the runs of one campaign, from the documents of GetCampaignProgress."""

    def __init__(self) -> None:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[sent]} of {task.fields[tried]} sent, {task.fields[rate]}/s"),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=_console, disable=not _console.is_terminal)
        self._tasks: dict[str, TaskID] = {}
        # By run: messages and when they were counted, first and last.
        self._rates: dict[str, Rate] = {}
        self._last_lines: dict[str, str] = {}

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, campaign: Tree, runs: list[Tree], members: int | None) -> None:
        """Show how far these runs are, or that they are waited for."""
        if not runs:
            following = f", the next run starts at {campaign['NextStart']}" if "NextStart" in campaign else ""
            self._line("", f"{campaign['State']}{following}", is_shown=True)
        for run in runs:
            self._show_run(run, None if run["IsTriggered"] else members)

    def _show_run(self, run: Tree, members: int | None) -> None:
        name, is_over = run["ActivityId"], run["State"] != "RUNNING"
        rate = self._rates.setdefault(name, Rate(run["Total"], time.monotonic()))
        rate.count(run["Total"], time.monotonic())
        if name not in self._tasks:
            self._tasks[name] = self._bar.add_task("", total=None, sent=0, tried=0, rate=0)
        counts = {"sent": run["Successful"], "tried": run["Total"], "rate": f"{rate.per_second:.0f}"}
        description = f"treatment {run['TreatmentId']} {run['State']}"
        # Members come and go since they were counted; the bar is full when the run is over, and not before.
        total = run["Handled"] if is_over else members and max(members, run["Handled"])
        self._bar.update(self._tasks[name], description=description, completed=run["Handled"], total=total, **counts)
        of_members = "" if total is None else f" of {total}"
        line = f"{description}: {run['Handled']}{of_members} endpoints, {run['Successful']} of {run['Total']} sent"
        self._line(name, line, is_shown=not _console.is_terminal)

    def _line(self, name: str, line: str, *, is_shown: bool) -> None:
        """Print a line if it is another one than the last of that name."""
        if is_shown and self._last_lines.get(name) != line:
            _console.print(line, markup=False, highlight=False, soft_wrap=True)
            self._last_lines[name] = line


class Rate:
    """How many messages leave in a second, over the last seconds."""

    SPAN_S = 10.0

    def __init__(self, messages: int, at: float) -> None:
        self._counted = [(at, messages)]

    def count(self, messages: int, at: float) -> None:
        """Note how many there are by now."""
        self._counted.append((at, messages))
        while len(self._counted) > 2 and self._counted[1][0] < at - self.SPAN_S:  # noqa: PLR2004 - two make a span
            del self._counted[0]

    @property
    def per_second(self) -> float:
        """Messages of the span by its seconds."""
        (begin, before), (end, after) = self._counted[0], self._counted[-1]
        return (after - before) / (end - begin) if end > begin else 0.0
