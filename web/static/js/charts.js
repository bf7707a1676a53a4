// Draws what pages carry in data-chart. The tables behind the charts say the same, and stay open without this file.
"use strict";

(() => {
  const charts = new Map();

  function draw(box) {
    const option = JSON.parse(box.dataset.chart);
    const locale = document.documentElement.lang;
    for (const series of option.series) {
      const unit = series.unit || "";
      delete series.unit;
      const show = (value) => {
        const number = Array.isArray(value) ? value[1] : value;
        return number === null || number === undefined ? "–" : number.toLocaleString(locale) + unit;
      };
      series.tooltip = { valueFormatter: show };
    }
    option.textStyle = { fontFamily: getComputedStyle(document.body).fontFamily };
    box.classList.add("plot-drawn");
    const chart = window.echarts.init(box, null, { renderer: "canvas" });
    chart.setOption(option);
    charts.set(box, chart);
    new ResizeObserver(() => chart.resize()).observe(box);
    const details = box.parentElement.querySelector("details");
    if (details) details.open = false;
  }

  function ready() {
    document.querySelectorAll("[data-chart]").forEach(draw);
    document.querySelectorAll("[data-print]").forEach((button) => {
      button.hidden = false;
      button.addEventListener("click", () => window.print());
    });
  }

  // On paper nobody can open a table.
  const closed = [];
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll("details.plot-data:not([open])").forEach((item) => {
      item.open = true;
      closed.push(item);
    });
    charts.forEach((chart) => chart.resize());
  });
  window.addEventListener("afterprint", () => {
    closed.splice(0).forEach((item) => { item.open = false; });
    charts.forEach((chart) => chart.resize());
  });

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
  else ready();
})();
