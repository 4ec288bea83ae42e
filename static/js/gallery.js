// The gallery by keyboard: arrows go from picture to picture, Home and End to the first and last, Enter opens.
(() => {
  "use strict";
  document.addEventListener("keydown", (event) => {
    const link = event.target.closest?.("[data-photos] .photo-link");
    if (!link || event.ctrlKey || event.metaKey || event.altKey) return;
    const links = [...link.closest("[data-photos]").querySelectorAll(".photo-link")];
    const row = links.filter((other) => other.offsetTop === links[0].offsetTop).length;
    const forward = document.dir === "rtl" || document.documentElement.dir === "rtl" ? -1 : 1;
    const steps = { ArrowRight: forward, ArrowLeft: -forward, ArrowDown: row, ArrowUp: -row };
    const at = links.indexOf(link);
    const next = event.key === "Home" ? 0 : event.key === "End" ? links.length - 1 : at + (steps[event.key] ?? NaN);
    if (!links[next]) return;
    event.preventDefault();
    links[next].focus();
  });
})();
