"""The command `hzso`: a thin skin over the library, with errors as one plain message."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from click.core import ParameterSource

import hzso_analysis as hz

# heavy modules are imported inside the commands: `hzso --help` must not wait for pandas
HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
PARAMETERS = ["area", "year", "compare_with", "total_basis", "data_dir"]
BASES = click.Choice(["estimated", "published"])
INTERRUPTED = 130


@click.group(context_settings=HELP, epilog="hzso COMMAND --help has the options and examples of a command.")
@click.version_option(hz.__version__, prog_name="hzso")
def main() -> None:
    """Service outsourcing overviews as checked figures and one offline report.

    \b
    hzso check                                  are the figures sound?
    hzso report --area hangzhou --year 2011     make the report of a year
    """


@main.command(
    epilog="""\b
Examples:
  hzso report --area hangzhou --year 2011
  hzso report --year 2010 --compare-with "" --out /tmp/reports
  hzso report -p year 2011 -p total_basis published
"""
)
@click.option("--area", default="hangzhou", show_default=True, help="Area, a folder of the data.")
@click.option("--year", default="2011", show_default=True, help="Year of the overview.")
@click.option("--out", default="reports", show_default=True, help="Folder; the report goes to OUT/AREA/YEAR.")
@click.option("--compare-with", default="china", show_default=True, help="Area to compare with; blank for none.")
@click.option(
    "--total-basis", type=BASES, default="estimated", show_default=True, help="Which totals shares are taken of."
)
@click.option("--data-dir", default="", help="Folder with the data, instead of the one of the package.")
@click.option("-p", "given", nargs=2, multiple=True, metavar="NAME VALUE", help="Parameter of the notebooks.")
@click.pass_context
def report(ctx: click.Context, out: str, given: tuple[tuple[str, str], ...], **options: str) -> None:
    """Run all notebooks for an area and a year and write the report.

    An old report of the same area and year stays until the new one is whole.
    """
    with plain_errors("the report is as it was before"):
        from hzso_analysis.report import ReportError, build_report  # noqa: PLC0415

        parameters = options | _given(ctx, given)
        try:
            click.echo(build_report(out_dir=out, progress=True, **parameters))
        except ReportError as error:
            raise click.ClickException(str(error)) from None


@main.command(
    epilog="""\b
Examples:
  hzso check
  hzso check --area hangzhou --strict
  hzso check --area hangzhou --data-dir ~/figures
"""
)
@click.option("--area", "chosen", multiple=True, help="Area to check, several times for several; all by default.")
@click.option("--data-dir", default="", help="Folder with the data, instead of the one of the package.")
@click.option("--strict", is_flag=True, help="Exit status 1 also where figures contradict each other.")
def check(chosen: tuple[str, ...], data_dir: str, strict: bool) -> None:
    """Name every fault by file, line and column, then the figures that do not fit the others.

    The exit status is 1 where there are faults; what contradicts itself is no fault of the files.
    """
    with plain_errors("nothing was changed"):
        from hzso_analysis.figures import data_folder  # noqa: PLC0415

        names = list(chosen) or hz.areas(data_dir)
        if not names:
            raise click.ClickException(f"{data_folder(data_dir)}: no areas; figures lie in AREA/YEAR.csv")
        found = [_check_area(name, data_dir) for name in names]
        sys.exit(1 if None in found or (strict and any(found)) else 0)


def _check_area(name: str, data_dir: str) -> list[str] | None:
    """Print what is wrong with an area; return the sentences on what does not fit, or None where there are faults."""
    from hzso_analysis import wording  # noqa: PLC0415
    from hzso_analysis.chapters.data_quality import sentences  # noqa: PLC0415
    from hzso_analysis.edition import Edition  # noqa: PLC0415
    from hzso_analysis.figures import load_policies  # noqa: PLC0415

    try:
        figures = hz.load_figures(name, data_dir=data_dir)
        load_policies(name, data_dir=data_dir)
    except hz.DataError as error:
        click.echo("\n".join(error.faults), err=True)
        return None
    years = f"{figures['year'].min()} to {figures['year'].max()}"
    number = wording.counted(len(figures), "figure")
    sources = wording.counted(figures["source"].nunique(), "source")
    click.echo(f"{name}: {number}, {years}, {sources}, no faults")
    edition = Edition(name, int(figures["year"].max()), "", "estimated", hz.reconcile(figures))
    misfits = sentences(edition, all_years=True)
    click.echo("\n".join(f"  - {text}" for text in misfits) or "  all of them can be true together")
    return misfits


def _given(ctx: click.Context, given: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """The parameters given with -p, or a usage error for one that is unknown or also given as an option."""
    from hzso_analysis.read import nearest  # noqa: PLC0415

    for name, _ in given:
        if name not in PARAMETERS:
            hint = f"{nearest(name, PARAMETERS)}; the notebooks have {', '.join(PARAMETERS)}"
            raise click.UsageError(f"no parameter {name}{hint}")
        twice = [other for other, _ in given].count(name) > 1
        if twice or ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{name} is given twice; give it once")
    return dict(given)


@contextmanager
def plain_errors(after: str) -> Iterator[None]:
    """Turn the user's mistakes and faults in the data into a message; `after` says how things stand after Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"\ninterrupted; {after}", err=True)
        sys.exit(INTERRUPTED)
    except (OSError, ValueError) as error:
        # what has faults is a DataError, whose module may not have been imported yet
        no_misuse = isinstance(error, OSError) or hasattr(error, "faults")
        raise (click.ClickException if no_misuse else click.UsageError)(str(error)) from None


if __name__ == "__main__":
    main()
