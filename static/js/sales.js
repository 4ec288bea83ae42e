// Sales: the dialog of a move, the lines of a deal, charts of figures.
(() => {
  "use strict";

  // --- what a stage asks for ------------------------------------------------------------------
  document.addEventListener("htmx:after:swap", () => {
    const dialog = document.querySelector("#sale-ask dialog[data-open]");
    if (dialog && !dialog.open) dialog.showModal();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-close-dialog]")) event.target.closest("dialog").close();
  });

  // --- lines --------------------------------------------------------------------------------------
  const editor = document.querySelector("[data-lines]");
  if (editor) {
    const total = editor.querySelector("[name=lines-TOTAL_FORMS]");
    const output = editor.querySelector("[data-lines-total]");
    const value = document.getElementById("id_value");
    const latin = (text) => text.replace(/[٠-٩]/g, (d) => "٠١٢٣٤٥٦٧٨٩".indexOf(d)).replace("٫", ".").trim();
    const number = (row, name, other) => {
      const text = latin(row.querySelector(`[name$=-${name}]`).value);
      return text === "" ? other : Number(text);
    };
    const sum = () => {
      let found = 0;
      let lines = 0;
      for (const row of editor.querySelectorAll(".sale-rows > .sale-row")) {
        const product = row.querySelector("[name$=-product]");
        if (!product.value && !row.querySelector("[name$=-name]").value.trim()) continue;
        lines += 1;
        const price = Number(product.selectedOptions[0]?.text.split(" · ").at(-1)) || 0;
        found += number(row, "quantity", 1) * number(row, "unit_price", price) * (1 - number(row, "discount", 0) / 100);
      }
      output.value = Number.isFinite(found) ? (Math.round((found + Number.EPSILON) * 100) / 100).toFixed(2) : "–";
      value.readOnly = lines > 0;
      if (lines) value.value = output.value;
    };
    editor.addEventListener("input", sum);
    editor.querySelector("[data-add-line]").addEventListener("click", () => {
      const html = editor.querySelector("template").innerHTML.replaceAll("__prefix__", total.value);
      editor.querySelector(".sale-rows").insertAdjacentHTML("beforeend", html);
      total.value = Number(total.value) + 1;
      editor.querySelector(".sale-rows > .sale-row:last-child select").focus();
    });
    sum();
  }

  // --- charts ---------------------------------------------------------------------------------------
  const COLOURS = { won: "#2f9e44", open: "#0b6e75", lost: "#c92a2a" };
  const digits = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
  const told = (value) => digits.format(value).replaceAll(",", "\u202f"); // as all numbers of the product
  let charts = [];
  function draw() {
    charts.forEach((chart) => chart.destroy());
    charts = [];
    if (!window.Chart) return;
    for (const canvas of document.querySelectorAll("canvas[data-sale-chart]")) {
      const data = JSON.parse(document.getElementById(canvas.dataset.saleChart).textContent);
      const ink = getComputedStyle(canvas).color;
      const rtl = document.documentElement.dir === "rtl";
      const stacked = "stacked" in canvas.dataset;
      const line = data.line && {
        type: "line", label: data.line.name, data: data.line.values.map((v) => (v === null ? null : Number(v))),
        borderColor: "#e0821b", backgroundColor: "#e0821b", borderDash: [6, 4], pointRadius: 4, pointStyle: "rectRot", spanGaps: true,
      };
      const bars = data.bars.map((bar) => ({
        label: bar.name, data: bar.values.map(Number), backgroundColor: COLOURS[bar.colour], stack: stacked ? "all" : undefined, maxBarThickness: 48,
      }));
      charts.push(new window.Chart(canvas, {
        type: "bar",
        data: { labels: data.labels, datasets: [...(line ? [line] : []), ...bars] },
        options: {
          animation: false,
          maintainAspectRatio: false,
          scales: {
            x: { reverse: rtl, stacked, ticks: { color: ink }, grid: { display: false } },
            y: { position: rtl ? "right" : "left", stacked, ticks: { color: ink, callback: told }, grid: { color: "rgb(128 140 148 / 25%)" } },
          },
          plugins: { legend: { rtl, textDirection: document.documentElement.dir, labels: { color: ink, usePointStyle: true } }, tooltip: { rtl, callbacks: { label: ({ raw, dataset }) => `${dataset.label}: ${raw === null ? "–" : `\u2066${told(raw)}\u2069`}` } } },
        },
      }));
    }
  }
  document.addEventListener("DOMContentLoaded", draw);
  document.addEventListener("htmx:after:swap", draw);
  document.addEventListener("marsad:theme", () => requestAnimationFrame(draw));
})();
