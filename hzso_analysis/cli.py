"""The command `hzso`: a thin skin over the library, with errors as one plain message."""

from __future__ import annotations

import atexit
import gc
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

import hzso_analysis as hz
from hzso_analysis import ledger_commands
from hzso_analysis.endings import HELP, Command, plain_errors
from hzso_analysis.workshop import SECONDS

# a command imports much and ends: looking for garbage in that, and in everything at the end, takes a tenth of its time
gc.set_threshold(100_000)
atexit.register(gc.freeze)
# heavy modules are imported inside the commands: `hzso --help` must not wait for pandas
PARAMETERS = ["area", "year", "compare_with", "total_basis", "data_dir", "show_code"]
Given = tuple[tuple[str, str], ...]  # of -p: names and values
BASES = click.Choice(["estimated", "published"])


@click.group(context_settings=HELP, epilog="hzso COMMAND --help has the options and examples of a command.")
@click.version_option(hz.__version__, prog_name="hzso")
def main() -> None:
    """Service outsourcing overviews as checked figures and one offline report.

    \b
    hzso check                                  are the figures sound?
    hzso report --area hangzhou --year 2011     make the report of a year
    hzso init FOLDER                            a copy of the data and the notebooks to work in
    hzso new-year 2012 --area hangzhou          a table of last year's figures to fill in
    hzso import FILE --area hangzhou            a messy file becomes figures, after a preview
    hzso diff HEAD~1 HEAD                       what did the last commit change?
    hzso aggregate CONTRACTS EXECUTIONS ...     contract records become figures
    hzso synthetic FOLDER                       a made-up ledger to try things out with
    """


main.command_class = Command


@main.command()
@click.option("--area", multiple=True, default=["hangzhou"], help="Area, a folder of the data; may be given again.")
@click.option("--year", multiple=True, default=["2011"], help="Year of the overview; may be given again.")
@click.option("--years", help="Years instead of --year, such as 2008-2011 or 2008,2010-2011.")
@click.option("--out", default="reports", show_default=True, help="Folder; a report goes to OUT/AREA/YEAR.")
@click.option("--compare-with", default="china", show_default=True, help="Area to compare with; blank for none.")
@click.option(
    "--total-basis", type=BASES, default="estimated", show_default=True, help="Which totals shares are taken of."
)
@click.option("--data-dir", default="", help="Folder with the data, instead of the one of the package.")
@click.option("--show-code", is_flag=True, help="Unfold the code on the pages.")
@click.option("--pdf", is_flag=True, help="Also print the whole report as report.pdf; needs Chromium.")
@click.option("--force", is_flag=True, help="Make everything again, also what has not changed.")
@click.option("--jobs", type=click.IntRange(min=1), help="Notebooks that run at once; one a core by default.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=SECONDS,
    show_default=True,
    help="Seconds that a notebook may take.",
)
@click.option("--cold", is_flag=True, help="Start each kernel as a new process, as systems that cannot fork do.")
@click.option("--scheduler", default="", help="Address of a Dask scheduler whose workers run the notebooks.")
@click.option("-p", "given", nargs=2, multiple=True, metavar="NAME VALUE", help="Parameter of the notebooks.")
@click.pass_context
def report(ctx: click.Context, /, years: str | None, out: str, given: Given, **options: Any) -> None:
    """Run all notebooks for each area and year and write a report for each, and OUT/index.html over all reports.

    An old report of the same area and year stays until the new one is whole, and is kept where nothing it was made
    from has changed. The paths of the reports go to stdout, progress to stderr. The exit status is 1 where a report
    could not be made; the others are made all the same.

    Examples:
      hzso report --area hangzhou --year 2011
      hzso report --area hangzhou --area china --years 2008,2010-2011
      hzso report --year 2010 --compare-with "" --out /tmp/reports
      hzso report --area hangzhou --year 2011 --pdf
      hzso report --area china --years 2008-2022 --jobs 8 --force
      hzso report --area china --years 2008-2022 --scheduler tcp://10.0.0.5:8786
      hzso report -p year 2011 -p total_basis published
    """
    with plain_errors("reports that were not finished are as they were before"):
        from hzso_analysis.faults import ReportError  # noqa: PLC0415
        from hzso_analysis.folders import other_areas  # noqa: PLC0415
        from hzso_analysis.numerals import years_in  # noqa: PLC0415
        from hzso_analysis.report import build_reports  # noqa: PLC0415

        if options["scheduler"] and options["jobs"]:
            raise click.UsageError("--jobs is for this machine; the workers of a scheduler have threads of their own")
        asked = options | _given(ctx, given)
        areas, texts = asked.pop("area"), asked.pop("year")
        other, folder = asked["compare_with"], asked["data_dir"]
        if other and other not in hz.areas(folder):
            click.echo(f"not compared: {other} has no figures{other_areas(other, folder)}", err=True)
        asked_years = [year for text in ([years] if years is not None else texts) for year in years_in(text)]
        try:
            build_reports(areas, asked_years, click.echo, out_dir=out, progress=True, **asked)
        except ReportError as error:
            raise click.ClickException(str(error)) from None


@main.command()
@click.option("--area", "chosen", multiple=True, help="Area to check, several times for several; all by default.")
@click.option("--data-dir", default="", help="Folder with the data, instead of the one of the package.")
@click.option("--strict", is_flag=True, help="Exit status 1 also where figures contradict each other.")
@click.option("--notes", is_flag=True, help="Also how files were read: encoding, units, marks, lines left out.")
def check(chosen: tuple[str, ...], data_dir: str, strict: bool, notes: bool) -> None:
    """Name every fault by file, line and column, then the figures that do not fit the others.

    The exit status is 1 where there are faults; what contradicts itself is no fault of the files.

    Examples:
      hzso check
      hzso check --area hangzhou --strict
      hzso check --area hangzhou --data-dir ~/figures
    """
    with plain_errors("nothing was changed"):
        from hzso_analysis.folders import data_folder  # noqa: PLC0415

        names = list(chosen) or hz.areas(data_dir)
        if not names:
            raise click.ClickException(f"{data_folder(data_dir)}: no areas; figures lie in AREA/YEAR.csv")
        found = [_check_area(name, data_dir, notes) for name in names]
        sys.exit(1 if None in found or (strict and any(found)) else 0)


@main.command()
@click.argument("old")
@click.argument("new")
@click.option("--area", "chosen", multiple=True, help="Area to compare, several times for several; all by default.")
@click.option("--data-dir", default="", help="Folder in whose git repository revisions are looked up.")
def diff(old: str, new: str, chosen: tuple[str, ...], data_dir: str) -> None:
    """Name the figures that differ between two states of the data and the numbers that move by them.

    OLD and NEW are data folders, or revisions of the git repository the data lie in; REVISION:FOLDER is another folder
    of it. Figures are the same where cell, source and locator are. The exit status is 0 whether or not they differ.

    Examples:
      hzso diff HEAD~1 HEAD                the last commit of the data
      hzso diff main data                  a branch against the files as they are
      hzso diff v1:data ~/figures --area hangzhou
    """
    with plain_errors("nothing was changed"):
        from hzso_analysis.revisions import differences  # noqa: PLC0415

        click.echo("\n".join(differences(old, new, chosen=chosen, data_dir=data_dir)))


def _check_area(name: str, data_dir: str, notes: bool) -> list[str] | None:
    """Print what is wrong with an area; return the sentences on what does not fit, or None where there are faults."""
    from hzso_analysis import wording  # noqa: PLC0415
    from hzso_analysis.chapters.data_quality import sentences  # noqa: PLC0415
    from hzso_analysis.edition import Edition  # noqa: PLC0415
    from hzso_analysis.figures import load_policies  # noqa: PLC0415
    from hzso_analysis.template import still_blank  # noqa: PLC0415

    try:
        figures = hz.load_figures(name, data_dir=data_dir)
        load_policies(name, data_dir=data_dir)
    except hz.DataError as error:
        click.echo("\n".join(error.faults), err=True)
        return None
    # what was left out is said without being asked for
    remarks = [f"  {name}/{note}" for note in figures.attrs["notes"] if notes or "left out" in note]
    remarks += [f"  {text}" for text in still_blank(figures)]
    if figures.empty:
        click.echo("\n".join([f"{name}: no figures yet, no faults", *remarks]))
        return []
    years = f"{figures['year'].min()} to {figures['year'].max()}"
    number = wording.counted(len(figures), "figure")
    sources = wording.counted(figures["source"].nunique(), "source")
    click.echo(f"{name}: {number}, {years}, {sources}, no faults")
    click.echo("".join(f"{text}\n" for text in remarks), nl=False)
    edition = Edition(name, int(figures["year"].max()), "", "estimated", hz.reconcile(figures))
    misfits = sentences(edition, all_years=True)
    click.echo("\n".join(f"  - {text}" for text in misfits) or "  all of them can be true together")
    return misfits


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Copy the data and the notebooks of the package into a new FOLDER, to add to them and to open them.

    The notebooks there read the data there. Reports are made of them with --data-dir FOLDER/data, and always with the
    notebooks of the package.

    Examples:
      hzso init overviews
      jupyter lab overviews/notebooks
      hzso new-year 2012 --area hangzhou --data-dir overviews/data
    """
    with plain_errors("nothing was written"):
        import nbformat  # noqa: PLC0415

        from hzso_analysis.folders import HOME  # noqa: PLC0415
        from hzso_analysis.pages import save_notebook  # noqa: PLC0415

        if folder.exists():
            raise FileExistsError(f"{folder} is there already; name a new folder")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as aside:
            new, hidden = Path(aside) / "new", shutil.ignore_patterns(".*", "__pycache__", "~$*")
            for name in ("data", "notebooks"):
                shutil.copytree(HOME / name, new / name, ignore=hidden)
            own = f"data_dir = {str(folder.resolve() / 'data')!r}  #"
            for path in (new / "notebooks").glob("*.ipynb"):
                notebook = nbformat.read(path, as_version=4)
                for cell in notebook.cells:
                    cell.source = cell.source.replace('data_dir = ""  #', own)
                save_notebook(notebook, path)
            new.replace(folder)
        click.echo(f"{folder}\nNow for instance\n  jupyter lab {shlex.quote(str(folder / 'notebooks'))}")
        click.echo(f"  hzso check --data-dir {shlex.quote(str(folder / 'data'))}")


@main.command("new-year")
@click.argument("year")
@click.option("--area", default="hangzhou", show_default=True, help="Area, a folder of the data.")
@click.option("--like", default="", help="Area whose figures to list, to begin a new area.")
@click.option("--source", default="", help="Id of sources.csv to write into every row.")
@click.option("--xlsx", is_flag=True, help="A workbook with drop-down lists instead of a CSV file.")
@click.option("--data-dir", default="", help="Folder with the data, instead of the one of the package.")
def new_year(year: str, area: str, data_dir: str, **options: Any) -> None:
    """Write AREA/YEAR.csv with a row for each figure of the year before, to be filled in.

    Excel drops the last zero of 66.10 in a CSV file and keeps it in a workbook. A file that is there is never replaced.

    Examples:
      hzso new-year 2012 --xlsx
      hzso new-year 2012 --area hangzhou --source "hangzhou overview 2012"
      hzso new-year 2012 --area ningbo --like hangzhou
    """
    with plain_errors("nothing was written"):
        from hzso_analysis import template, wording  # noqa: PLC0415

        made = template.new_year(year, area=area, data_dir=data_dir, **options)
        more = f" --data-dir {shlex.quote(data_dir)}" if data_dir else ""
        click.echo(f"{made.path}: {wording.counted(made.rows, 'row')}, one for each figure of {made.last}")
        if made.last != int(made.path.stem) - 1:
            click.echo(f"  {int(made.path.stem) - 1} has no figures to list")
        if made.unclear:
            click.echo(f"  left out: {wording.counted(made.unclear, 'figure')} of unclear meaning")
        click.echo("Fill in value, source and locator; leave blank what is not published. A new source needs a row in")
        click.echo("sources.csv of the data folder. Then")
        click.echo(f"  hzso check --area {area}{more}\n  hzso report --area {area} --year {made.path.stem}{more}")


@main.command("import")
@click.argument("file", type=click.Path())
@click.option("--area", required=True, help="Area, a folder of the data; a new one is made.")
@click.option("--source", default="", help="Id of sources.csv, the source of all rows.")
@click.option("--name", default="", help="Name of the file to write; that of FILE by default.")
@click.option("--data-dir", default="", help="Folder with the data, instead of the one of the package.")
@click.option("--replace", is_flag=True, help="Replace a file of that name, an earlier import for instance.")
@click.option("--yes", is_flag=True, help="Write without asking.")
def import_(file: str, yes: bool, **options: Any) -> None:
    """Check a messy file and write it as a clean CSV file beside the data of an area.

    CSV and XLSX in the usual encodings and layouts are understood, labels in English and Chinese become ids. What was
    noticed, the figures that come or change and the estimates that move are shown first; then you are asked.

    Examples:
      hzso import overview.xlsx --area hangzhou --source "hangzhou overview 2012"
      hzso import figures.csv --area hangzhou --name 2012-press --yes
    """
    with plain_errors("nothing was written"):
        from hzso_analysis import intake, wording, workshop  # noqa: PLC0415

        made = intake.prepare(file, **options)
        for line in [*made.notes, *made.lines]:
            click.echo(line)
        if not made.rows:
            click.echo("nothing to import: no figure that the area does not have already")
            return
        done = f"{made.target}: {wording.counted(made.rows, 'row')}"
        if yes or click.confirm(f"{done}; {'replace' if options['replace'] else 'write'} it?"):
            workshop.write_aside(made.target, made.text)
            click.echo(f"{done} written")
        else:
            click.echo("nothing was written")


def _given(ctx: click.Context, given: Given) -> dict[str, Any]:
    """The parameters given with -p, or a usage error for one that is unknown or also given as an option."""
    from hzso_analysis.faults import nearest  # noqa: PLC0415

    for name, _ in given:
        if name not in PARAMETERS:
            hint = f"{nearest(name, PARAMETERS)}; the notebooks have {', '.join(PARAMETERS)}"
            raise click.UsageError(f"no parameter {name}{hint}")
        twice = [other for other, _ in given].count(name) > 1
        if twice or _on_command_line(ctx, name):
            raise click.UsageError(f"{name} is given twice; give it once")
    if ctx.params["years"] is not None and ("year" in dict(given) or _on_command_line(ctx, "year")):
        raise click.UsageError("year is given twice; give --year or --years")
    return {name: [value] if name in ("area", "year") else value for name, value in given}


def _on_command_line(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


main.add_command(ledger_commands.aggregate)
main.add_command(ledger_commands.synthetic)

if __name__ == "__main__":
    main()
