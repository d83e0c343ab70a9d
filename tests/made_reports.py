"""Reports as a list of reports finds them: pages without content beside a contents.json."""

import json

ATTACKS = ["<script>alert(1)</script>", '</script><script>alert(2)</script>"onload="alert(3)', "{{ 7*7 }} <!-- &amp;"]
CHAPTERS = {
    "01_scale.html": ("Scale", "How large is it?", ["Contracts by flow", "Growth in {year}"]),
    "04_firm_sizes.html": ("Firm sizes", "How concentrated is it?", ["Largest firms", "Cafés and ＩＴＯ 杭州"]),
}


def chapters(year):
    pages = []
    for number, (page, (name, question, titles)) in enumerate(CHAPTERS.items()):
        exhibits = [
            {"id": f"table-{2 * number + n}", "name": f"Table {2 * number + n}", "title": title.format(year=year)}
            for n, title in enumerate(titles, start=1)
        ]
        pages.append({"page": page, "name": name, "question": question, "exhibits": exhibits})
    return pages


def make(out, area, year, contents=None):
    """Write a report of four findings; `contents` replaces what its contents.json says."""
    folder = out / area / str(year)
    folder.mkdir(parents=True)
    name = area.replace("_", " ").title()
    told = {"area": area, "name": name, "year": year, "title": f"{name} service outsourcing, {year}"}
    told |= {"headline": f"Offshore contracts in {year}: USD 2,033–2,034 million", "misfits": year - 2010}
    told |= {"chapters": chapters(year), "files": ["tables.xlsx"]}
    (folder / "contents.json").write_text(json.dumps(told | (contents or {})), encoding="utf-8")
    for page in ("index.html", *CHAPTERS):
        (folder / page).write_text("<!doctype html><title>A page</title>", encoding="utf-8")
    return folder
