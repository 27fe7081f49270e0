"use strict";
/* Draws the report's figures: hpstudyFigures.draw(element, figure) with what Figure.plot holds, {data, layout,
   narrow: {data?, layout}}. Draws again by itself when the colour scheme or the width changes, and light for print. */
const hpstudyFigures = (() => {
  const drawn = new Map();
  const NARROW = 620; // pixels: below it panels stand one above the other
  const CONFIG = {
    displaylogo: false, showSendToCloud: false, responsive: true, displayModeBar: "hover",
    modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
  };

  // "token:NAME" becomes the page's colour --figure-NAME, in attributes that hold colours and nowhere else.
  function coloured(value, styles, inColour) {
    if (typeof value === "string") {
      if (!inColour || !value.startsWith("token:")) return value;
      return styles.getPropertyValue("--figure-" + value.slice(6)).trim();
    }
    if (Array.isArray(value)) return value.map((item) => coloured(item, styles, inColour));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(
      ([key, item]) => [key, coloured(item, styles, inColour || /color/i.test(key))]));
  }

  function isNarrow(element) {
    return element.clientWidth > 0 && element.clientWidth < NARROW;
  }

  function draw(element, figure) {
    const narrow = isNarrow(element);
    drawn.set(element, { figure, narrow });
    const { data, layout } = narrow ? { ...figure, ...figure.narrow } : figure;
    const styles = getComputedStyle(document.documentElement);
    element.style.minHeight = layout.height + "px";
    return Plotly.react(element, coloured(data, styles, false), coloured(layout, styles, false), CONFIG);
  }

  function redraw() {
    return Promise.all([...drawn].map(([element, { figure }]) => draw(element, figure)));
  }

  function light(on) {
    document.documentElement.classList.toggle("figures-light", on);
    return redraw();
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("beforeprint", () => light(true));
  addEventListener("afterprint", () => light(false));
  addEventListener("resize", () => {
    for (const [element, { figure, narrow }] of drawn) {
      if (isNarrow(element) !== narrow) draw(element, figure).then(() => Plotly.Plots.resize(element));
    }
  });
  return { draw, redraw };
})();
