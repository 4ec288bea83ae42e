// Draws a control chart from the data of its canvas; the page's table carries the same numbers in words.
(() => {
  "use strict";
  const canvas = document.getElementById("control-chart");
  if (!canvas || !window.Chart) return;
  const data = JSON.parse(canvas.dataset.chart);
  const locale = `${document.documentElement.lang}-u-nu-latn`;
  const looks = {
    pass: ["#0b6e75", "circle", 4], warning: ["#b07a06", "triangle", 7], fail: ["#c92a2a", "rect", 7],
    not_evaluated: ["#8fa3aa", "circle", 4], repeated: ["#8fa3aa", "crossRot", 6],
  };
  const look = (place) => data.states.map((state) => looks[state][place]);
  const line = ([step, value]) => ({
    data: data.labels.map(() => value),
    label: step ? `${step > 0 ? "+" : "−"}${Math.abs(step)} s` : canvas.dataset.mean,
    borderColor: ["#6b7f86", "#b8c2cc", "#b07a06", "#c92a2a"][Math.abs(step)],
    borderDash: step ? [6, 4] : [],
    borderWidth: step ? 1 : 1.5,
    pointRadius: 0,
    pointHitRadius: 0,
  });
  const chart = new window.Chart(canvas, {
    type: "line",
    data: {
      labels: data.labels,
      datasets: [
        {
          data: data.values,
          label: canvas.dataset.unit,
          borderColor: "#8fa3aa",
          borderWidth: 1,
          pointStyle: look(1),
          pointRadius: look(2),
          pointBorderColor: look(0),
          pointBackgroundColor: look(0),
        },
        ...data.lines.map(line),
      ],
    },
    options: {
      locale,
      animation: false,
      maintainAspectRatio: false,
      plugins: {
        legend: { display: false },
        tooltip: { filter: (item) => item.datasetIndex === 0, callbacks: { afterLabel: (item) => data.rules[item.dataIndex] } },
      },
      scales: { x: { ticks: { maxRotation: 0, autoSkipPadding: 24 } }, y: { title: { display: true, text: canvas.dataset.unit } } },
    },
  });
  // The colours of axes follow the theme.
  const paint = () => {
    const style = getComputedStyle(document.body);
    for (const axis of Object.values(chart.options.scales)) {
      axis.ticks.color = style.color;
      axis.grid = { color: "rgba(128, 128, 128, .15)" };
      if (axis.title) axis.title.color = style.color;
    }
    chart.update();
  };
  paint();
  document.addEventListener("marsad:theme", () => requestAnimationFrame(paint));
})();
