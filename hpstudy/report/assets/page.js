"use strict";
/* Draws each figure shortly before it is seen and all of them before printing, lets tables be sorted by their headers,
   and marks the section in the contents that is being read. Without it every table and text is there. */
(() => {
  const root = document.documentElement;

  // Figures
  const waiting = new Set(document.querySelectorAll("[data-figure]"));

  function draw(element) {
    if (!waiting.delete(element)) return;
    const data = document.getElementById(element.dataset.figure);
    hpstudyFigures.draw(element, JSON.parse(data.textContent));
  }

  if (waiting.size) {
    const near = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        draw(target);
      }
    }, { rootMargin: "800px 0px" });
    for (const element of waiting) near.observe(element);
  }

  // Printing: everything is drawn, at the width of a page, and nothing stays folded. figures.js, which listens after
  // this, draws in light colours what is drawn already.
  const opened = [];
  addEventListener("beforeprint", () => {
    root.classList.add("printing", "figures-light");
    for (const details of document.querySelectorAll("details:not([open])")) {
      details.open = true;
      opened.push(details);
    }
    for (const element of [...waiting]) draw(element);
  });
  addEventListener("afterprint", () => {
    // figures.js takes the light colours back too and draws again, but is not in a page without figures.
    root.classList.remove("printing", "figures-light");
    for (const details of opened.splice(0)) details.open = false;
  });

  // Sorting: numbers by their value, what has none last, equal rows as they stood.
  const text = new Intl.Collator("en", { numeric: true });

  function compare(one, other, sign) {
    const [a, b] = [one.dataset.order, other.dataset.order];
    if (a !== undefined && b !== undefined) return sign * (Number(a) - Number(b));
    if (a !== undefined || b !== undefined) return a === undefined ? 1 : -1;
    const [said, missing] = [one.textContent, one.textContent === "–" || one.textContent === ""];
    const otherMissing = other.textContent === "–" || other.textContent === "";
    if (missing !== otherMissing) return missing ? 1 : -1;
    return sign * text.compare(said, other.textContent);
  }

  function sort(table, header) {
    const ascending = header.getAttribute("aria-sort") !== "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const column = header.cellIndex;
    const body = table.tBodies[0];
    body.append(...[...body.rows].sort((one, other) =>
      compare(one.cells[column], other.cells[column], ascending ? 1 : -1)));
  }

  for (const table of document.querySelectorAll("table[data-sortable]")) {
    for (const header of table.tHead.rows[0].querySelectorAll("th")) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      header.append(button);
      button.addEventListener("click", () => sort(table, header));
    }
  }

  // Contents
  const links = new Map([...document.querySelectorAll(".contents a")].map((link) => [link.hash.slice(1), link]));
  const reading = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const link = links.get(target.id);
      if (isIntersecting) link?.setAttribute("aria-current", "true");
      else link?.removeAttribute("aria-current");
    }
  }, { rootMargin: "-20% 0px -75% 0px" });
  for (const section of document.querySelectorAll("main > section")) reading.observe(section);
})();
