"""The commands for contract records, which need extras: `hzso aggregate`, `hzso synthetic`."""

from __future__ import annotations

from typing import Any

import click

from hzso_analysis.endings import HELP, Command, plain_errors


@click.command(cls=Command, context_settings=HELP)
@click.argument("contracts", type=click.Path())
@click.argument("executions", type=click.Path())
@click.option("--area", "areas", multiple=True, required=True, help="Area of the records; may be given again.")
@click.option("--year", "years", multiple=True, help="Year of signing or execution; may be given again.")
@click.option("--years", "span", help="Years instead of --year, such as 2008-2011 or 2008,2010-2011.")
@click.option("--as-of", default="", help="Count only what was filed (contracts: signed) up to this day, 2012-03-31.")
@click.option("--cut-off", is_flag=True, help="Leave out executions filed after the 31 March that closes their year.")
@click.option("--engine", default="duckdb", show_default=True, help="duckdb, spark, or the URL of a Spark master.")
@click.option("--store", default="ledger", show_default=True, help="Folder that keeps the checked records as Parquet.")
@click.option("--internal", is_flag=True, help="Suppress nothing; every page then says that it is not for publication.")
@click.option(
    "--out", default="", help="Folder of data to write OUT/AREA/ledger-YEAR.csv into; else rows go to stdout."
)
def aggregate(span: str | None, years: tuple[str, ...], **options: Any) -> None:
    """Add up contract records to the figures of a year: levels, size bands, concentration.

    CONTRACTS and EXECUTIONS are CSV or Parquet files, or folders of them; datapackage.json has their columns. Records
    that cannot count are listed in STORE/rejected-*.csv and counted here. Figures that would tell what a single
    enterprise did are suppressed, and as many others as it takes that they cannot be computed either.

    Examples:
      hzso aggregate contracts.csv executions.csv --area hangzhou --year 2012
      hzso aggregate contracts/ executions/ --area hangzhou --area ningbo --years 2008-2012 --out figures
      hzso aggregate contracts.csv executions.csv --area hangzhou --year 2018 --as-of 2019-03-31 --cut-off
      hzso aggregate contracts/ executions/ --area hangzhou --year 2012 --engine spark://10.0.0.5:7077 --out figures
    Then
      hzso report --area hangzhou --year 2012 --data-dir figures
    """
    with plain_errors("no figures were written"):
        from hzso_analysis import publication  # noqa: PLC0415
        from hzso_analysis.numerals import years_in  # noqa: PLC0415

        if bool(years) == (span is not None):
            raise click.UsageError("say which years: --year or --years")
        wanted = [year for text in ([span] if span is not None else years) for year in years_in(text)]
        made = publication.publish(years=wanted, progress=True, note=lambda line: click.echo(line, err=True), **options)
        for path in made.paths:
            click.echo(path)
        if made.text:
            click.echo(made.text, nl=False)


@click.command(cls=Command)
@click.argument("folder", type=click.Path())
@click.option("--executions", type=int, default=100_000, show_default=True, help="Rows; about 4 to a contract.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed makes other rows.")
@click.option("--years", default="2008-2012", show_default=True, help="First and last year of the executions.")
@click.option("--area", "areas", multiple=True, default=["synthetic"], help="Area, synthetic...; may be given again.")
@click.option("--enterprises", type=int, default=800, show_default=True, help="Enterprises of each area.")
@click.option("--faults", type=float, default=0.0, show_default=True, help="Part of the rows that get a fault.")
@click.option("--csv", is_flag=True, help="Two CSV files instead of folders of Parquet files.")
def synthetic(folder: str, years: str, csv: bool, **options: Any) -> None:
    """Write a made-up ledger, contract records and their executions, into a new FOLDER.

    It is for trying out what is done with real ones: areas and ids say that the rows are synthetic, and the same
    options give the same files. The paths go to stdout, progress to stderr.

    Examples:
      hzso synthetic /tmp/ledger
      hzso synthetic /tmp/ledger --executions 10000000 --years 2008-2022
      hzso synthetic /tmp/ledger --area synthetic-east --area synthetic-west --faults 0.01 --csv
    """
    with plain_errors("nothing was written"):
        from hzso_analysis.numerals import whole_year, years_in  # noqa: PLC0415
        from hzso_analysis.synthetic import make_ledger  # noqa: PLC0415

        asked = [whole_year(year) for year in years_in(years)]
        if asked != list(range(asked[0], asked[-1] + 1)):
            raise click.UsageError(f"--years {years}: write the first and the last one, such as 2008-2012")
        kind = "csv" if csv else "parquet"
        paths = make_ledger(folder, years=(asked[0], asked[-1]), kind=kind, progress=True, **options)
        click.echo("\n".join(map(str, paths)))
        click.echo("made up: rows of no real enterprise, with ids that begin with SYN-", err=True)
