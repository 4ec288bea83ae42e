// The builder: dragging questions, tabs of languages, more than one step back. Without it, buttons and links do the same.
(() => {
  "use strict";
  const builder = document.querySelector("[data-builder]");
  if (!builder) return;
  const csrf = () => document.querySelector("meta[name=csrf-token]").content;

  // ---- dragging: before a question, or onto a section ----
  let dragged = null;
  const row = (event) => event.target.closest?.("[data-row]");
  const into = (over, event) => over.hasAttribute("data-holds") && event.clientY > over.getBoundingClientRect().top + over.offsetHeight / 2;
  const unmark = () => builder.querySelectorAll(".is-over, .is-into").forEach((one) => one.classList.remove("is-over", "is-into"));
  builder.addEventListener("dragstart", (event) => { dragged = row(event)?.dataset.row; event.dataTransfer.effectAllowed = "move"; });
  builder.addEventListener("dragover", (event) => {
    const over = row(event);
    if (!dragged || !over || over.dataset.row === dragged) return;
    event.preventDefault();
    unmark();
    over.classList.add(into(over, event) ? "is-into" : "is-over");
  });
  builder.addEventListener("dragend", () => { dragged = null; unmark(); });
  builder.addEventListener("drop", (event) => {
    const over = row(event);
    if (!dragged || !over) return;
    event.preventDefault();
    const chosen = document.getElementById("builder-panel").dataset.chosen;
    const url = over.closest("[data-move]").dataset.move.replace("__field__", dragged);
    window.htmx.ajax("POST", url, { target: "#builder-state", swap: "outerMorph", headers: { "X-CSRFToken": csrf() }, values: { way: into(over, event) ? "into" : "before", target: over.dataset.row, chosen } });
  });
  // Alt and an arrow moves the question that has the focus.
  builder.addEventListener("keydown", (event) => {
    const over = row(event);
    if (!event.altKey || !over || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    over.querySelector(`[value=${event.key === "ArrowUp" ? "up" : "down"}]`).click();
  });

  // ---- languages of the panel ----
  let language = document.documentElement.lang;
  function tabs() {
    const box = document.querySelector("[data-languages]");
    if (!box) return;
    const found = [...box.querySelectorAll("[data-words]")];
    const shown = found.find((one) => one.dataset.words === language) || found[0];
    found.forEach((one) => { one.hidden = one !== shown; });
    box.querySelectorAll("[data-language]").forEach((tab) => {
      const current = tab.dataset.language === shown.dataset.words;
      tab.setAttribute("aria-selected", String(current));
      tab.tabIndex = current ? 0 : -1;
    });
  }
  builder.addEventListener("click", (event) => {
    const tab = event.target.closest("[data-language]");
    if (!tab) return;
    language = tab.dataset.language;
    tabs();
  });
  builder.addEventListener("keydown", (event) => {
    const tab = event.target.closest("[data-language]");
    if (!tab || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    const next = (event.key === "ArrowRight") === (document.documentElement.dir !== "rtl") ? tab.nextElementSibling : tab.previousElementSibling;
    next?.focus();
    next?.click();
  });

  // ---- an answer put into the condition that was written in last ----
  let written = null;
  builder.addEventListener("focusin", (event) => { if (["relevant", "constraint", "requiredIf", "calculation", "choiceFilter"].includes(event.target.name)) written = event.target; });
  builder.addEventListener("change", (event) => {
    if (!event.target.matches("[data-insert]")) return;
    event.stopPropagation();
    const goal = written?.isConnected ? written : builder.querySelector("[name=relevant]");
    if (event.target.value) goal.setRangeText(`\${${event.target.value}}`, goal.selectionStart, goal.selectionEnd, "end");
    event.target.value = "";
    goal.focus();
  }, true);

  // ---- steps back: the page keeps what each step came from ----
  const steps = [];
  let undoing = false;
  document.addEventListener("submit", (event) => { if (event.target.matches("[data-undo]")) { undoing = true; steps.pop(); } }, true);
  document.addEventListener("htmx:after:swap", (event) => {
    tabs();
    const panel = document.getElementById("builder-panel");
    if (event.detail.ctx?.sourceElement?.closest?.(".builder-open")) {
      panel.scrollIntoView({ block: "nearest" });
      panel.focus({ preventScroll: true });
      builder.querySelectorAll(".builder-row").forEach((one) => one.classList.toggle("is-chosen", one.dataset.row === panel.dataset.chosen));
      builder.querySelectorAll(".builder-add [name=after], .builder-moves [name=chosen]").forEach((one) => { one.value = panel.dataset.chosen; });
    }
    const held = document.querySelector("[data-undo] textarea");
    if (!held) return;
    if (undoing) {
      undoing = false;
      held.value = steps.at(-1) ?? "";
      held.closest("form").querySelector("button").disabled = !steps.length;
    } else if (held.value && held.value !== steps.at(-1)) steps.push(held.value);
  });
  // The preview sends nothing.
  document.addEventListener("submit", (event) => { if (event.target.matches("[data-preview]")) event.preventDefault(); });
  tabs();
})();
