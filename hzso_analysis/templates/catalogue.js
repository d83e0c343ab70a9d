"use strict";
// Filters the reports and their findings by all words typed. Texts of the data are only ever read as text.
(() => {
  const box = document.querySelector("[role=search]");
  const field = box.querySelector("input");
  const status = box.querySelector("[role=status]");
  const { unfolded, some, count, nothing } = box.dataset;

  // without case, accents, width of letters and kinds of dashes
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").replace(/[\u2010-\u2015\u2212]/g, "-");
  const fold = (text) => plain(text).toLowerCase();
  const all = (selector, within) => [...within.querySelectorAll(selector)];
  const fill = (phrase, numbers) => phrase.replace(/\{(\w+)\}/g, (_, name) => numbers[name].toLocaleString("en"));
  const show = (element, shown) => { if (element.hidden === shown) element.hidden = !shown; };

  const readChapter = (element, place) => {
    const where = `${place} ${element.querySelector("h4").textContent} ${element.querySelector("p").textContent}`;
    const read = (item) => ({ item, text: fold(`${where} ${item.textContent}`), shown: true });
    const findings = all("li", element).map(read);
    return { element, findings, found: findings.length };
  };
  const readReport = (element, area) => {
    const place = `${area} ${element.querySelector("h3").textContent} ${element.dataset.words}`;
    const own = all(".headline, .fit", element).map((part) => part.textContent).join(" ");
    const chapters = all(".chapters > section", element).map((chapter) => readChapter(chapter, place));
    const details = element.querySelector("details");
    const total = chapters.reduce((sum, chapter) => sum + chapter.findings.length, 0);
    const label = details?.firstElementChild.textContent;
    const report = { element, details, label, chapters, total, text: fold(`${place} ${own}`) };
    details?.addEventListener("toggle", () => { if (details.open) drawFindings(report); });
    return report;
  };
  const readArea = (element) => {
    const head = element.querySelector("h2");
    const entry = document.querySelector(`nav a[href="#${head.id}"]`)?.parentElement;
    return { element, entry, reports: all(".report", element).map((report) => readReport(report, head.textContent)) };
  };

  let areas = null;
  const read = () => { areas ??= all(".area", document).map(readArea); };
  let typed = "";
  let wereOpen = []; // what the reader had unfolded before the search

  const search = (words) => {
    const has = (text) => words.every((word) => text.includes(word));
    const reports = areas.flatMap((area) => area.reports);
    for (const report of reports) {
      for (const chapter of report.chapters) {
        for (const finding of chapter.findings) finding.shown = has(finding.text);
        chapter.found = chapter.findings.filter((finding) => finding.shown).length;
      }
      report.found = report.chapters.reduce((sum, chapter) => sum + chapter.found, 0);
      report.shown = report.found > 0 || has(report.text);
    }
    const sum = (key) => reports.reduce((total, report) => total + Number(report[key]), 0);
    return { found: sum("found"), total: sum("total"), shown: sum("shown"), reports: reports.length };
  };

  // only what is unfolded is drawn: thousands of findings would take a moment at each letter
  const drawFindings = (report) => {
    for (const chapter of report.chapters) {
      for (const finding of chapter.findings) show(finding.item, finding.shown);
      show(chapter.element, chapter.found > 0);
    }
  };
  const draw = (open) => {
    for (const area of areas) {
      for (const report of area.reports) {
        show(report.element, report.shown);
        if (!report.details) continue;
        show(report.details, report.found > 0);
        report.details.open = report.found > 0 && open(report);
        if (report.details.open) drawFindings(report);
        const part = fill(some, { found: report.found, total: report.total });
        report.details.firstElementChild.textContent = report.found === report.total ? report.label : part;
      }
      const any = area.reports.some((report) => report.shown);
      show(area.element, any);
      area.entry?.classList.toggle("out", !any); // it keeps its room, or the field would move
    }
  };

  const update = () => {
    const words = fold(field.value).split(/\s+/).filter(Boolean);
    if (words.join(" ") === typed) return;
    read();
    if (!typed) wereOpen = areas.flatMap((area) => area.reports).filter((report) => report.details?.open);
    typed = words.join(" ");
    // a page that gets shorter than where the reader is would jump
    document.body.style.minHeight = words.length ? `${window.scrollY + window.innerHeight}px` : "";
    const numbers = search(words);
    draw((report) => (words.length ? numbers.found <= Number(unfolded) : wereOpen.includes(report)));
    status.textContent = words.length ? fill(count, numbers) + (numbers.shown ? "" : `. ${nothing}`) : "";
  };

  field.addEventListener("focus", read); // thousands of findings take a moment, and not at the first letter
  field.addEventListener("input", update);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return; // Escape may belong to an input method
    event.preventDefault();
    field.value = "";
    update();
  });
  window.addEventListener("pageshow", update); // a browser may bring back what was typed
  box.hidden = false;
})();
