// Chart views. What is drawn stands as JSON under the id that `data-chart` of a canvas names; the same figures stand as a
// table on the page. Series and slices differ by pattern, dash and point, not by colour alone.
(() => {
  "use strict";
  // The same as in portal/collect/charts/drawing.py; lighter ones on a dark ground.
  const LIGHT = ["#0b6e75", "#c2570c", "#4c5fb8", "#8a6d00", "#9e2a6b", "#3b7d23", "#7a4a2b", "#5c6670"];
  const DARK = ["#4fc3c0", "#f0954c", "#93a3f5", "#e0c050", "#e585b8", "#8fce6f", "#d0a07c", "#a9b6c0"];
  const DASHES = [[], [8, 4], [3, 3], [12, 3, 3, 3], [2, 6], [8, 2, 2, 2], [14, 4], [1, 3]];
  const SHAPES = ["circle", "rect", "triangle", "rectRot", "star", "cross", "crossRot", "rectRounded"];
  const PATTERNS = ["", "M0 8L8 0", "M0 0L8 8", "M0 4H8", "M4 0V8", "M0 0L8 8M0 8L8 0", "M0 4H8M4 0V8", "M2 2h3v3h-3Z"];
  const MANY = 60; // labels from which points are left out
  const drawn = new Map();

  function pattern(context, place, colour, ground) {
    const path = PATTERNS[place % PATTERNS.length];
    if (!path) return colour;
    const tile = document.createElement("canvas");
    tile.width = tile.height = 8;
    const pen = tile.getContext("2d");
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 8, 8);
    pen.strokeStyle = ground;
    pen.lineWidth = 1.25;
    pen.globalAlpha = .7;
    pen.stroke(new Path2D(path));
    return context.createPattern(tile, "repeat");
  }

  function settings(canvas, data) {
    const context = canvas.getContext("2d");
    const dark = canvas.closest("[data-bs-theme]").dataset.bsTheme === "dark";
    const rtl = document.documentElement.dir === "rtl";
    const ink = getComputedStyle(canvas).color;
    const ground = dark ? "#121f27" : "#fff";
    const colours = dark ? DARK : LIGHT;
    const colour = (place) => colours[place % colours.length];
    const language = `${document.documentElement.lang}-u-nu-latn`;
    const round = data.kind === "pie" || data.kind === "donut";
    const line = data.kind === "line";
    const digits = new Intl.NumberFormat("en", { maximumSignificantDigits: 6 });
    const told = (value) => digits.format(value).replaceAll(",", "\u202f"); // as all numbers of the product
    // A mark that keeps digits and signs together inside Arabic words.
    const apart = (text) => `\u2066${text}\u2069`;
    const datasets = data.series.map((one, place) => round
      ? { label: one.name, data: one.values, backgroundColor: one.values.map((_v, slice) => pattern(context, slice, colour(slice), ground)), borderColor: ground, borderWidth: 2 }
      : {
        label: one.name, data: one.values, stack: data.kind === "stackedBar" ? "all" : undefined,
        backgroundColor: line ? colour(place) : pattern(context, place, colour(place), ground), borderColor: colour(place),
        borderWidth: line ? 2 : 0, borderDash: line ? DASHES[place % DASHES.length] : undefined, pointStyle: SHAPES[place % SHAPES.length],
        pointRadius: data.labels.length > MANY ? 0 : 3.5, pointHoverRadius: 6, pointHitRadius: 8, spanGaps: false, borderRadius: 2, maxBarThickness: 64,
      });
    const scale = { grid: { color: "rgb(128 140 148 / 25%)" }, ticks: { color: ink } };
    return {
      type: round ? (data.kind === "donut" ? "doughnut" : "pie") : line ? "line" : "bar",
      data: { labels: data.timed ? data.labels.map(apart) : data.labels, datasets },
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        locale: language,
        // Reversed, the last label needs more room than Chart.js gives it.
        layout: { padding: round || !rtl ? 4 : { left: data.timed ? 24 : 28, right: 4, top: 4, bottom: 4 } },
        interaction: round ? undefined : { mode: "index", intersect: false },
        scales: round ? undefined : {
          x: { ...scale, reverse: rtl, stacked: data.kind === "stackedBar", ticks: { ...scale.ticks, maxRotation: data.timed ? 0 : 45, autoSkipPadding: 12 } },
          y: { ...scale, position: rtl ? "right" : "left", beginAtZero: true, stacked: data.kind === "stackedBar", ticks: { ...scale.ticks, callback: (value) => told(value) } },
        },
        plugins: {
          legend: { display: round || data.series.length > 1, position: round ? (rtl ? "left" : "right") : "bottom", rtl, textDirection: rtl ? "rtl" : "ltr", labels: { color: ink, usePointStyle: line, boxWidth: 16 } },
          tooltip: { rtl, textDirection: rtl ? "rtl" : "ltr", callbacks: { label: ({ raw, label, dataset }) => `${round ? label : dataset.label}: ${raw === null ? "–" : apart(told(raw))}` } },
        },
      },
    };
  }

  function draw(again = false) {
    if (!window.Chart) return;
    for (const [canvas, chart] of drawn) if (!canvas.isConnected) { chart.destroy(); drawn.delete(canvas); }
    for (const canvas of document.querySelectorAll("canvas[data-chart]")) {
      const source = document.getElementById(canvas.dataset.chart);
      const text = source?.textContent ?? "";
      if (!again && drawn.has(canvas) && canvas.dataset.drawnText === String(text.length) && drawn.get(canvas).text === text) continue;
      drawn.get(canvas)?.destroy();
      drawn.delete(canvas);
      if (!text) continue;
      const chart = new window.Chart(canvas, settings(canvas, JSON.parse(text)));
      chart.text = text;
      canvas.dataset.drawnText = String(text.length);
      drawn.set(canvas, chart);
    }
    for (const place of document.querySelectorAll("[data-number-of]")) {
      const source = document.querySelector(`[data-number="${CSS.escape(place.dataset.numberOf)}"]`);
      if (source) place.textContent = source.textContent;
    }
  }

  // PNG: the canvas on the ground of its theme, under the name of the view.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-chart-png]");
    const canvas = button && document.querySelector(`canvas[data-chart="${button.dataset.chartPng}"]`);
    if (!canvas) return;
    const copy = document.createElement("canvas");
    copy.width = canvas.width;
    copy.height = canvas.height;
    const pen = copy.getContext("2d");
    pen.fillStyle = document.documentElement.dataset.bsTheme === "dark" ? "#121f27" : "#fff";
    pen.fillRect(0, 0, copy.width, copy.height);
    pen.drawImage(canvas, 0, 0);
    copy.toBlob((blob) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = `${button.dataset.name}.png`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    });
  });

  document.addEventListener("DOMContentLoaded", () => draw());
  document.addEventListener("htmx:after:swap", () => draw());
  document.addEventListener("marsad:theme", () => draw(true));
})();
