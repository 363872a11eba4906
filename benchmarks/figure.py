"""What a figure is: pairs of measurements, bound and product in turn, and the ratio of each pair.

The verdict is on the median ratio, so a run that something else disturbed does not decide it.
"""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median


def arguments(description: str | None, **defaults: int) -> argparse.Namespace:
    """The command line of a benchmark: an option with a whole number for each of `defaults`, and `--runs`."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, epilog="Less is a quick try."
    )
    for name, default in {"runs": 5, **defaults}.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"by default {default:,}")
    return parser.parse_args()


@dataclass
class Figure:
    """One ratio, product / bound: at most `must` for times and sizes, at least `must` for rates."""

    name: str
    unit: str
    must: float
    aim: float | None = None
    more_is_better: bool = False
    runs: list[tuple[float, float]] = field(default_factory=list)

    def add(self, bound: float, product: float) -> None:
        """Take in one run and print it."""
        self.runs.append((bound, product))
        print(f"{self.name}, run {len(self.runs)}: {self._pair(bound, product)}, {product / bound:.2f}x", flush=True)

    def is_reached(self) -> bool:
        """Print the medians and the verdict; whether the median ratio is within `must`."""
        bounds, products = zip(*self.runs, strict=True)
        ratio = median(product / bound for bound, product in self.runs)
        print(f"{self.name}: {self._pair(median(bounds), median(products))}, ratio {ratio:.2f}x")
        print(f"  must reach {self._told(self.must, ratio)}", end="")
        print("" if self.aim is None else f"; aim {self._told(self.aim, ratio)}", flush=True)
        return self._holds(ratio, self.must)

    def _pair(self, bound: float, product: float) -> str:
        return f"bound {_number(bound)} {self.unit}, product {_number(product)} {self.unit}"

    def _told(self, limit: float, ratio: float) -> str:
        sign = ">=" if self.more_is_better else "<="
        return f"{sign} {limit:g}x: {'reached' if self._holds(ratio, limit) else 'MISSED'}"

    def _holds(self, ratio: float, limit: float) -> bool:
        return ratio >= limit if self.more_is_better else ratio <= limit


def exit_code(figures: Iterable[Figure]) -> int:
    """Print every verdict; 1 when one was missed."""
    print()
    # Each is asked: none is left unprinted behind a missed one.
    missed = [figure for figure in figures if not figure.is_reached()]
    return 1 if missed else 0


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"  # noqa: PLR2004 - a matter of looks
