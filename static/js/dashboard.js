// The grid of a dashboard: exact places, and in "Arrange" dragging and resizing by pointer and by keyboard. Without this
// the grid fills itself in order, and a form of each widget takes its place in numbers.
(() => {
  "use strict";
  const COLUMNS = 12;
  const MOST_ROWS = 500;
  const stage = document.getElementById("dashboard");
  const grid = stage?.querySelector("[data-layout]");
  if (!grid) return;
  const tiles = [...grid.querySelectorAll("[data-widget]")];
  const said = document.querySelector("[data-layout-said]");
  const places = new Map(tiles.map((tile) => [tile, Object.fromEntries(["x", "y", "w", "h"].map((key) => [key, Number(tile.dataset[key])]))]));
  const within = (value, least, most) => Math.max(least, Math.min(most, value));
  const meets = (a, b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

  // As `settled` in portal/collect/dashboards/layout.py, but the one that moves keeps its place.
  function settle(first) {
    const order = [...places].sort(([a, p], [b, q]) => (b === first) - (a === first) || p.y - q.y || p.x - q.x);
    const done = [];
    for (const [, place] of order) {
      for (let other; (other = done.find((one) => meets(place, one)));) place.y = other.y + other.h;
      done.push(place);
    }
  }
  function show() {
    for (const [tile, { x, y, w, h }] of places) {
      tile.style.gridColumn = `${x + 1} / span ${w}`;
      tile.style.gridRow = `${y + 1} / span ${h}`;
    }
  }
  grid.classList.add("is-placed");
  show();

  function change(tile, next) {
    const place = places.get(tile);
    next.w = within(next.w, 1, COLUMNS);
    next.h = within(next.h, 1, COLUMNS);
    next.x = within(next.x, 0, COLUMNS - next.w);
    next.y = within(next.y, 0, MOST_ROWS);
    if (["x", "y", "w", "h"].every((key) => place[key] === next[key])) return false;
    Object.assign(place, next);
    settle(tile);
    show();
    return true;
  }
  function tell(tile) {
    const place = places.get(tile);
    said.textContent = grid.dataset.said.replace("{name}", tile.dataset.name).replace("{x}", place.x + 1).replace("{y}", place.y + 1).replace("{w}", place.w).replace("{h}", place.h);
  }

  let timer = 0;
  function save() {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const body = new FormData();
      body.append("layout", JSON.stringify(Object.fromEntries([...places].map(([tile, place]) => [tile.dataset.widget, place]))));
      const headers = { "X-CSRFToken": document.querySelector("meta[name=csrf-token]")?.content ?? "" };
      const answer = await fetch(grid.dataset.layout, { method: "POST", body, headers }).catch(() => null);
      grid.dataset.saved = answer?.ok ? "yes" : "no";
      if (!answer?.ok) window.marsad.toast(grid.dataset.failed, "danger");
    }, 400);
  }

  // --- "Arrange" -----------------------------------------------------------------------------------
  const button = document.querySelector("[data-layout-edit]");
  function edit(on) {
    stage.classList.toggle("is-edited", on);
    button.setAttribute("aria-pressed", String(on));
    stage.querySelectorAll("[data-handle], [data-corner], [data-layout-help]").forEach((part) => { part.hidden = !on; });
  }
  button?.addEventListener("click", () => edit(!stage.classList.contains("is-edited")));
  if (button && location.hash === "#edit") edit(true);

  // --- keyboard ---------------------------------------------------------------------------------------
  grid.addEventListener("keydown", (event) => {
    const tile = event.target.closest("[data-handle]") && event.target.closest("[data-widget]");
    const forward = document.documentElement.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    const step = { [forward]: [1, 0], [forward === "ArrowLeft" ? "ArrowRight" : "ArrowLeft"]: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    if (!tile || !step) return;
    event.preventDefault();
    const next = { ...places.get(tile) };
    if (event.shiftKey) { next.w = Math.min(next.w + step[0], COLUMNS - next.x); next.h += step[1]; } else { next.x += step[0]; next.y += step[1]; }
    if (change(tile, next)) save();
    tell(tile);
    tile.scrollIntoView({ block: "nearest" });
  });

  // --- pointer -------------------------------------------------------------------------------------------
  let held = null;
  grid.addEventListener("pointerdown", (event) => {
    if (!stage.classList.contains("is-edited") || event.button) return;
    const tile = event.target.closest("[data-widget]");
    const corner = event.target.closest("[data-corner]");
    const head = event.target.closest(".tile-head") && !event.target.closest("a, summary, .menu-panel");
    if (!tile || !(corner || head)) return;
    const style = getComputedStyle(grid);
    const gap = parseFloat(style.columnGap) || 0;
    held = { tile, corner, x: event.clientX, y: event.clientY, from: { ...places.get(tile) }, wide: (grid.clientWidth + gap) / COLUMNS, tall: parseFloat(style.gridAutoRows) + (parseFloat(style.rowGap) || 0) };
    tile.classList.add("is-held");
    grid.setPointerCapture(event.pointerId);
    if (!event.target.closest("[data-handle]")) event.preventDefault();
  });
  grid.addEventListener("pointermove", (event) => {
    if (!held) return;
    const across = Math.round((event.clientX - held.x) / held.wide) * (document.documentElement.dir === "rtl" ? -1 : 1);
    const down = Math.round((event.clientY - held.y) / held.tall);
    const next = { ...held.from };
    if (held.corner) { next.w = Math.min(next.w + across, COLUMNS - next.x); next.h += down; } else { next.x += across; next.y += down; }
    change(held.tile, next);
  });
  function drop() {
    if (!held) return;
    const { tile, from } = held;
    held = null;
    tile.classList.remove("is-held");
    if (["x", "y", "w", "h"].some((key) => places.get(tile)[key] !== from[key])) { save(); tell(tile); }
  }
  grid.addEventListener("pointerup", drop);
  grid.addEventListener("pointercancel", drop);

  document.querySelector("[data-fullscreen]")?.addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : stage.requestFullscreen()));
})();
