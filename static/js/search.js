// The box of the global search: Ctrl-K, arrows, Enter, Escape; what was opened lately where nothing is typed.
(() => {
  "use strict";
  const box = document.getElementById("search");
  const field = document.getElementById("search-field");
  const results = document.getElementById("search-results");
  const status = document.getElementById("search-status");
  const key = `marsad-recent-${document.body.dataset.person}`;
  const options = () => [...results.querySelectorAll(".hit")];
  let active = null;

  function choose(option) {
    active?.setAttribute("aria-selected", "false");
    active = option ?? null;
    if (active) {
      active.setAttribute("aria-selected", "true");
      active.scrollIntoView({ block: "nearest" });
      field.setAttribute("aria-activedescendant", active.id);
    } else field.removeAttribute("aria-activedescendant");
  }

  function recent() {
    try { return JSON.parse(localStorage.getItem(key)) ?? []; } catch { return []; }
  }

  function idle() {
    results.replaceChildren(document.getElementById("search-idle").content.cloneNode(true));
    const place = results.querySelector("[data-recent]");
    recent().forEach(({ url, title, kind }, number) => {
      if (!url.startsWith("/")) return;
      const hit = document.getElementById("search-recent").content.firstElementChild.cloneNode(true);
      hit.href = url;
      hit.id = `recent-${number}`;
      hit.setAttribute("role", "option");
      hit.querySelector(".hit-title").textContent = title;
      hit.querySelector(".hit-note").textContent = kind;
      hit.dataset.hit = kind;
      place.append(hit);
      place.hidden = false;
    });
    if (!place.hidden) {
      place.setAttribute("role", "listbox");
      place.setAttribute("aria-labelledby", "search-label");
    }
    status.textContent = "";
    ready();
  }

  function ready() {
    const found = options();
    field.setAttribute("aria-expanded", String(found.length > 0));
    const list = results.querySelector("[role=listbox]");
    field.setAttribute("aria-controls", list?.id || "search-results");
    choose(field.value.trim() ? found[0] : null);
  }

  function open() {
    if (box.open) return;
    document.querySelectorAll("details.menu-box[open]").forEach((menu) => { menu.open = false; });
    box.showModal();
    field.focus();
    field.select();
    if (!field.value.trim()) idle();
  }

  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      if (box.open) box.close(); else open();
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-search-open]")) { event.preventDefault(); open(); }
    else if (event.target.closest("[data-search-close]") || event.target === box) box.close();
  });
  field.addEventListener("input", () => { if (!field.value.trim()) idle(); });
  field.addEventListener("keydown", (event) => {
    const found = options();
    const at = found.indexOf(active);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (found.length) choose(found[(at + (event.key === "ArrowDown" ? 1 : at < 0 ? 0 : -1) + found.length) % found.length]);
    } else if (event.key === "Enter" && active) {
      event.preventDefault();
      active.click();
    } else if (event.key === "Escape") {
      event.preventDefault();  // a search field would only be emptied
      box.close();
    }
  });
  results.addEventListener("click", (event) => {
    const hit = event.target.closest("[data-hit]");
    if (!hit) return;
    const entry = { url: hit.getAttribute("href"), title: hit.querySelector(".hit-title").textContent, kind: hit.dataset.hit };
    const kept = [entry, ...recent().filter(({ url }) => url !== entry.url)].slice(0, 8);
    try { localStorage.setItem(key, JSON.stringify(kept)); } catch { /* the browser keeps nothing: then there is no list */ }
  });
  document.addEventListener("htmx:after:swap", (event) => {
    if (event.detail.ctx?.sourceElement !== field) return;
    if (field.value.trim()) ready(); else idle();
  });
  // Whoever uses the browser next does not read what the last one opened or was sending.
  document.querySelector("form[action$='/logout']")?.addEventListener("submit", () => localStorage.clear());
})();
