// A review by keyboard: J and K (or the arrows) go from item to item, A accepts, R returns and asks for the remark, U takes the
// decision back. The map looks at the item that has the focus. All of it works by mouse and without this file too.
(() => {
  "use strict";
  const list = document.querySelector("[data-review]");
  if (!list) return;
  const items = [...list.querySelectorAll("[data-item]")];
  const done = document.querySelector("[data-decided]");

  const shown = () => items.filter((item) => !item.hidden);
  function told() {
    done.textContent = items.filter((item) => item.querySelector("input[type=radio]:checked")?.value).length;
    for (const item of items) {
      const decision = item.querySelector("input[type=radio]:checked")?.value ?? "";
      item.dataset.decision = decision;
      const remark = item.querySelector("[data-remark]");
      remark.hidden = decision !== "return";
      remark.querySelector("input").required = decision === "return";
    }
  }
  function go(item) {
    if (!item) return;
    item.focus();
    item.scrollIntoView({ block: "nearest" });
    document.dispatchEvent(new CustomEvent("survey:look", { detail: item.dataset.item }));
  }
  function decide(item, decision) {
    item.querySelector(`input[type=radio][value="${decision}"]`).checked = true;
    told();
    if (decision === "return") item.querySelector("[data-remark] input").focus();
    else if (decision) go(shown()[shown().indexOf(item) + 1]);
  }

  list.addEventListener("change", told);
  list.addEventListener("keydown", (event) => {
    const item = event.target.closest("[data-item]");
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input[type=text]")) { if (event.key === "Escape") item.focus(); return; }
    const at = shown().indexOf(item);
    const key = event.code.startsWith("Key") ? event.code.slice(3) : event.key; // the same keys on an Arabic keyboard
    const work = { J: () => go(shown()[at + 1]), ArrowDown: () => go(shown()[at + 1]), K: () => go(shown()[at - 1]), ArrowUp: () => go(shown()[at - 1]), A: () => decide(item, "accept"), R: () => decide(item, "return"), U: () => decide(item, "") }[key];
    if (!work) return;
    event.preventDefault();
    work();
  });
  document.addEventListener("survey:chosen", (event) => {
    const item = items.find((one) => one.dataset.item === event.detail);
    item?.focus();
    item?.scrollIntoView({ block: "nearest" });
  });
  document.querySelector("[data-accept-rest]")?.addEventListener("click", () => {
    shown().filter((item) => !item.dataset.decision && !("flagged" in item.dataset)).forEach((item) => { item.querySelector('input[value="accept"]').checked = true; });
    told();
  });
  document.querySelector("[data-only-flagged]")?.addEventListener("change", (event) => {
    items.forEach((item) => { item.hidden = event.target.checked && !("flagged" in item.dataset); });
  });
  told();
})();
