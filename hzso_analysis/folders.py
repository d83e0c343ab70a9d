"""Where the data lie: the folder, its areas, and the files of an area."""

from __future__ import annotations

from pathlib import Path

from hzso_analysis.faults import nearest

PACKAGE = Path(__file__).resolve().parent
INSTALLED = (PACKAGE / "data").is_dir()
HOME = PACKAGE if INSTALLED else PACKAGE.parent  # of data and notebooks, which a checkout has beside the package
DATA_DIR = HOME / "data"
TEMPLATES = PACKAGE / "templates"
HIDDEN = ("~$", ".")  # what an open Excel and the system leave beside the files
DESCRIBED = "datapackage.json"
TABLES = ["breaks", "categories", "indicators", "policies", "sources"]


def data_folder(data_dir: str | Path | None = None) -> Path:
    """The data folder: `data_dir` as an absolute path, or the one that comes with the package.

    >>> data_folder() == DATA_DIR, data_folder("figures").is_absolute()
    (True, True)
    """
    return Path(data_dir).expanduser().resolve() if data_dir else DATA_DIR


def folder_to_write(data_dir: str | Path | None = None) -> Path:
    """The data folder for what adds to it; ValueError for the one of an installed package, which an update replaces."""
    if INSTALLED and not data_dir:
        raise ValueError(
            "data_dir: the figures that come with the package stay as they are; "
            "make a copy with `hzso init FOLDER` and say --data-dir FOLDER/data"
        )
    return data_folder(data_dir)


def areas(data_dir: str | Path | None = None) -> list[str]:
    """Names of the areas that have a folder with figures.

    >>> areas()
    ['china', 'hangzhou']
    """
    folder = data_folder(data_dir)
    names = (path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else ()
    return sorted(name for name in names if area_files(folder, name))


def area_files(folder: Path, area: str) -> list[Path]:
    """The files of an area in its folder and the folders below; not those that an open Excel leaves beside a workbook.

    >>> [path.name for path in area_files(DATA_DIR, "hangzhou")][:2]
    ['2008.csv', '2009.csv']
    """
    paths = (path for path in (folder / area).glob("**/*") if path.suffix.lower() in (".csv", ".xlsx"))
    return sorted(path for path in paths if path.is_file() and not path.name.startswith(HIDDEN))


def other_areas(area: str, data_dir: str | Path | None = None) -> str:
    """What to say of an area without figures: the nearest name there is, the folder, and all that have figures.

    >>> other_areas("hangzou").partition(";")[0]
    ' (did you mean hangzhou?)'
    """
    known = areas(data_dir)
    return f"{nearest(area, known)}; {data_folder(data_dir)} has {', '.join(known) or 'no areas'}"


def data_files(folder: Path, names: list[str]) -> dict[str, Path]:
    """The files that an edition of these areas is made of, by their path below the data folder.

    A table of the codebook that the folder lacks is the one that comes with the package, as is what describes them all.

    >>> list(data_files(DATA_DIR, ["hangzhou"]))[:3]
    ['breaks.csv', 'categories.csv', 'datapackage.json']
    """
    files = {path.relative_to(folder).as_posix(): path for name in names for path in area_files(folder, name)}
    for table in TABLES:
        own = folder / f"{table}.csv"
        files[own.name] = own if own.is_file() else DATA_DIR / own.name
    files[DESCRIBED] = DATA_DIR / DESCRIBED
    return dict(sorted(files.items()))
