// A board of cards: dragging, and the same with the keyboard. A card's own form makes the move, so that it works
// without any of this.
(() => {
  "use strict";
  const said = document.getElementById("board-said");
  let lifted = null; // by keyboard: {card, column}
  let dragged = null;

  const board = () => document.getElementById("board");
  const columns = () => [...board().querySelectorAll(".board-column")];
  const columnOf = (card) => card.closest(".board-column");
  const choice = (card) => card.querySelector(".board-move select");
  const allowed = (card, column) => [...choice(card).options].some((option) => option.value === column.dataset.status);

  function say(key, card, column) {
    said.textContent = said.dataset[key].replace("{title}", card.dataset.title).replace("{column}", column?.dataset.label ?? "");
  }
  function mark(card) {
    for (const column of columns()) {
      column.classList.toggle("is-closed", !!card && column !== columnOf(card) && !allowed(card, column));
      column.classList.remove("is-over");
    }
  }
  function put(card, column) {
    if (column === columnOf(card)) return say("left", card);
    if (!allowed(card, column)) return say("cannot", card, column);
    const select = choice(card);
    select.value = column.dataset.status;
    say("dropped", card, column);
    select.form.requestSubmit();
  }

  // --- a choice in the card's own list moves at once -----------------------------------------------
  document.addEventListener("change", (event) => {
    const form = event.target.closest(".board-move");
    if (form && event.target.value) form.requestSubmit();
  });

  // --- dragging -----------------------------------------------------------------------------------------
  document.addEventListener("dragstart", (event) => {
    const card = event.target.closest?.(".board-card[draggable]");
    if (!card) return;
    dragged = card;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", card.dataset.title);
    mark(card);
  });
  document.addEventListener("dragover", (event) => {
    const column = dragged && event.target.closest(".board-column");
    if (!column || !allowed(dragged, column)) return;
    event.preventDefault();
    columns().forEach((other) => other.classList.toggle("is-over", other === column));
  });
  document.addEventListener("drop", (event) => {
    const column = dragged && event.target.closest(".board-column");
    if (!column) return;
    event.preventDefault();
    put(dragged, column);
  });
  document.addEventListener("dragend", () => { dragged = null; mark(null); });

  // --- keyboard -------------------------------------------------------------------------------------------
  function leave() {
    lifted?.card.classList.remove("is-lifted");
    lifted = null;
    mark(null);
  }
  document.addEventListener("keydown", (event) => {
    const card = event.target.closest?.(".board-card[draggable]");
    if (!card || card !== event.target) return;
    if (event.key === " ") {
      event.preventDefault();
      if (lifted) {
        const { column } = lifted;
        leave();
        put(card, column);
      } else {
        lifted = { card, column: columnOf(card) };
        card.classList.add("is-lifted");
        mark(card);
        say("lifted", card);
      }
    } else if (lifted && event.key === "Escape") {
      event.stopPropagation();
      leave();
      say("left", card);
    } else if (lifted && (event.key === "ArrowRight" || event.key === "ArrowLeft")) {
      event.preventDefault();
      const forward = (event.key === "ArrowRight") !== (document.documentElement.dir === "rtl");
      const all = columns();
      const next = all[all.indexOf(lifted.column) + (forward ? 1 : -1)];
      if (!next) return;
      lifted.column = next;
      all.forEach((column) => column.classList.toggle("is-over", column === next));
      next.scrollIntoView({ block: "nearest", inline: "nearest" });
      say(allowed(card, next) || next === columnOf(card) ? "over" : "cannot", card, next);
    }
  });
  document.addEventListener("focusout", (event) => { if (lifted && event.target === lifted.card) leave(); });

  // After a move the focus is on the card again, in its new column.
  let moved = "";
  document.addEventListener("htmx:before:request", (event) => {
    moved = event.detail.ctx.sourceElement?.closest?.(".board-card")?.id ?? "";
  });
  document.addEventListener("htmx:after:swap", () => {
    if (moved) document.getElementById(moved)?.focus();
    moved = "";
  });
})();
