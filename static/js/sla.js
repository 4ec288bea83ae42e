// Timers of promises: each element with `data-sla-due` counts down to that moment; near and over it changes its look.
(() => {
  "use strict";
  const words = document.getElementById("sla-words")?.dataset;
  if (!words) return;
  const put = (text, values) => text.replace(/%\((\w+)\)[sd]/g, (_all, name) => values[name]);

  function span(milliseconds) {
    const all = Math.floor(Math.abs(milliseconds) / 60000);
    const days = Math.floor(all / 1440);
    const hours = Math.floor(all / 60) % 24;
    const minutes = all % 60;
    if (days) return put(words.days, { days, hours });
    return hours ? put(words.hours, { hours, minutes }) : put(words.minutes, { minutes });
  }

  function tick() {
    const now = Date.now();
    for (const timer of document.querySelectorAll("[data-sla-due]")) {
      const left = Date.parse(timer.dataset.slaDue) - now;
      const warn = timer.dataset.slaWarn ? Date.parse(timer.dataset.slaWarn) : Infinity;
      const state = left < 0 ? "over" : now >= warn ? "near" : "fine";
      if (timer.dataset.state !== state) timer.dataset.state = state;
      const text = put(left < 0 ? words.over : words.left, { time: span(left) });
      const box = timer.querySelector("bdi");
      if (box.textContent !== text) box.textContent = text;
    }
  }
  tick();
  setInterval(tick, 5000);
  document.addEventListener("htmx:after:swap", tick);
})();
