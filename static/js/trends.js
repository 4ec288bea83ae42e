// The chart of measured values over time. Censored values are open triangles at their bound, limits are lines.
(() => {
  "use strict";
  const COLOURS = ["#0b6e75", "#b3541e", "#5b3f9e", "#3b7d23", "#9e2a5b", "#5c6670"];
  const DASHES = [[8, 4], [3, 3], [12, 3, 3, 3], [2, 6]];
  const LIMITS = { legal: "#c92a2a", guideline: "#e0821b", information: "#5c6670" };
  const SHAPES = ["circle", "rect", "rectRot", "star", "cross", "crossRot"];
  let chart = null;

  function draw() {
    const canvas = document.getElementById("trend-canvas");
    const source = document.getElementById("trend-data");
    chart?.destroy();
    chart = null;
    if (!canvas || !source || !window.Chart) return;
    const data = JSON.parse(source.textContent);
    const words = canvas.dataset;
    const ink = getComputedStyle(canvas).color;
    const faint = "rgb(128 140 148 / 25%)";
    const surface = document.documentElement.dataset.bsTheme === "dark" ? "#121f27" : "#fff";
    const language = `${document.documentElement.lang}-u-nu-latn`;
    const day = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: data.zone, calendar: "gregory" });
    const month = new Intl.DateTimeFormat(language, { month: "short", year: "2-digit", timeZone: data.zone, calendar: "gregory" });
    const series = data.series.map((one, place) => {
      const colour = COLOURS[place % COLOURS.length];
      return {
        label: one.name,
        data: one.points,
        borderColor: colour,
        backgroundColor: colour,
        borderWidth: 1.25,
        pointRadius: one.points.map((point) => (point.c ? 6 : 4)),
        pointHoverRadius: 7,
        pointStyle: one.points.map((point) => (point.c ? "triangle" : SHAPES[place % SHAPES.length])),
        pointRotation: one.points.map((point) => (point.c === "<" ? 180 : 0)),
        pointBackgroundColor: one.points.map((point) => (point.c ? surface : colour)),
        pointBorderColor: colour,
        pointBorderWidth: one.points.map((point) => (point.c ? 1.75 : 1)),
      };
    });
    const limits = data.lines.flatMap((line, place) => [1, 2].flatMap((edge) => {
      const steps = line.steps.map((step) => ({ x: Math.max(step[0], data.first), y: step[edge] }));
      if (steps.every((step) => step.y === null)) return [];
      return [{
        label: `${line.name} ${edge === 1 ? words.lower : words.upper}`,
        data: [...steps, { x: data.last, y: steps.at(-1).y }],
        borderColor: LIMITS[line.role],
        backgroundColor: "transparent",
        borderDash: DASHES[place % DASHES.length],
        borderWidth: 1.75,
        stepped: "before",
        pointRadius: 0,
        pointHitRadius: 0,
      }];
    }));
    chart = new window.Chart(canvas, {
      type: "line",
      data: { datasets: [...series, ...limits] },
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        locale: language,
        parsing: false,
        interaction: { mode: "nearest", intersect: false },
        scales: {
          x: { type: "linear", min: data.first, max: data.last, reverse: document.documentElement.dir === "rtl", grid: { color: faint }, ticks: { color: ink, maxTicksLimit: 8, callback: (value) => month.format(value) } },
          y: { position: document.documentElement.dir === "rtl" ? "right" : "left", grid: { color: faint }, ticks: { color: ink }, title: { display: true, text: data.unit, color: ink } },
        },
        plugins: {
          legend: { rtl: document.documentElement.dir === "rtl", textDirection: document.documentElement.dir, labels: { color: ink, usePointStyle: false } },
          tooltip: {
            rtl: document.documentElement.dir === "rtl",
            callbacks: {
              title: (items) => day.format(items[0].parsed.x),
              label: ({ raw, dataset }) => (raw.t ? `${dataset.label}: \u2066${raw.t}\u2069 (${raw.s})` : `${dataset.label}: \u2066${raw.y} ${data.unit}\u2069`),
            },
          },
        },
      },
    });
    canvas.dataset.drawn = series.reduce((sum, one) => sum + one.data.length, 0);
  }
  document.addEventListener("DOMContentLoaded", draw);
  document.addEventListener("htmx:after:swap", draw);
  document.addEventListener("marsad:theme", draw);
})();
