// The grid of a worksheet: movement by keyboard, blocks from a spreadsheet, verdicts while typing, one request to save.
// Without this script the same form is sent as it stands.
(() => {
  "use strict";
  const form = document.getElementById("sheet");
  if (!form) return;
  const words = form.dataset;
  const rtl = document.documentElement.dir === "rtl";
  const cells = [...form.querySelectorAll(".cell")].filter((cell) => cell.querySelector(".cell-input"));
  const lines = form.querySelector("tbody");
  const drawn = () => [...lines.rows].map((row) => [...row.children].slice(1).map((box) => box.querySelector(".cell")));
  let rows = drawn();
  const status = document.getElementById("sheet-status");
  const count = document.getElementById("sheet-count");
  const undo = document.getElementById("sheet-undo");
  const key = (item, parameter) => `${item}:${parameter}`;
  const byKey = new Map(cells.map((cell) => [key(cell.dataset.item, cell.dataset.parameter), cell]));
  const input = (cell) => cell.querySelector(".cell-input");
  const added = (cell) => cell.querySelector(".cell-added");
  const stored = new Map(cells.map((cell) => [cell, { badge: cell.querySelector(".cell-badge").innerHTML, note: cell.querySelector(".cell-note").textContent }]));
  let pasted = null; // the values before the last paste
  let timer = 0;
  let round = 0; // of checks: an answer that was overtaken is dropped

  const say = (text) => { status.textContent = text; };
  const fill = (text, number) => text.replace("%(count)s", number);
  const changed = (cell) => input(cell).value.trim() !== cell.dataset.held || (added(cell) && added(cell).value.trim() !== added(cell).dataset.held);

  function refresh(cell) {
    cell.classList.toggle("is-dirty", changed(cell));
    const left = cells.filter(changed).length;
    count.textContent = left ? fill(words.unsaved, left) : "";
  }

  // --- what stands under a value --------------------------------------------------------------------------
  function mark(cell, { badge = "", note = "", message = "", kind = "" }) {
    cell.classList.toggle("is-error", kind === "error");
    cell.classList.toggle("is-conflict", kind === "conflict");
    if (kind === "error" || kind === "conflict") input(cell).setAttribute("aria-invalid", "true");
    else input(cell).removeAttribute("aria-invalid");
    cell.querySelector(".cell-badge").innerHTML = badge; // made by our own server from its own words
    cell.querySelector(".cell-note").textContent = note;
    cell.querySelector(".cell-message").textContent = message;
    cell.querySelector(".cell-choice")?.remove();
  }

  function choice(cell, told) {
    const box = document.createElement("span");
    box.className = "cell-choice";
    const button = (text, act) => {
      const made = document.createElement("button");
      made.type = "button";
      made.className = "btn btn-sm";
      made.textContent = text;
      made.addEventListener("click", () => { act(); input(cell).focus(); refresh(cell); });
      box.append(made);
    };
    button(words.mine, () => { cell.dataset.version = told.version; mark(cell, {}); check(); });
    button(words.theirs, () => {
      cell.dataset.version = told.version;
      cell.dataset.held = input(cell).value = told.current;
      stored.set(cell, { badge: told.badge });
      mark(cell, stored.get(cell));
    });
    cell.querySelector(".cell-mark").append(box);
  }

  function show(answer, saving) {
    const tally = { saved: 0, error: 0, conflict: 0 };
    let first = null;
    for (const told of answer.cells) {
      const cell = byKey.get(key(told.itemId, told.parameterId));
      if (!cell) continue;
      if (told.status in tally) tally[told.status] += 1;
      if (told.status === "error" || told.status === "conflict") first ??= cell;
      const sent = told.field === "added" ? added(cell) : input(cell);
      const same = sent.value.trim() === told.value;
      if (saving && (told.status === "saved" || told.status === "unchanged")) {
        (told.field === "added" ? sent : cell).dataset.held = told.value;
        if (told.field === "value" && told.version !== null) {
          cell.dataset.version = told.version;
          stored.set(cell, { badge: told.badge });
        }
      }
      if (same && (told.field === "value" || told.status === "error")) {
        mark(cell, { badge: told.badge, message: told.message ?? "", kind: told.status });
        if (told.status === "conflict") choice(cell, told);
      }
      refresh(cell);
    }
    for (const told of answer.qc) {
      const cell = byKey.get(key(told.itemId, told.parameterId));
      if (!cell) continue;
      if (saving) stored.set(cell, told);
      if (!cell.matches(".is-error, .is-conflict")) mark(cell, told);
    }
    document.getElementById("control").innerHTML = answer.control;
    return { tally, first };
  }

  // --- to the server and back -----------------------------------------------------------------------------------
  function body() {
    const list = [];
    for (const cell of cells.filter(changed)) {
      const at = { itemId: cell.dataset.item, parameterId: cell.dataset.parameter };
      if (added(cell) && added(cell).value.trim() !== added(cell).dataset.held) list.push({ ...at, field: "added", value: added(cell).value.trim() });
      if (input(cell).value.trim() !== cell.dataset.held)
        list.push({ ...at, field: "value", value: input(cell).value.trim(), version: cell.dataset.version ? Number(cell.dataset.version) : null });
    }
    return list;
  }

  async function send(address, list) {
    const response = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": document.querySelector("meta[name=csrf-token]").content },
      body: JSON.stringify({ cells: list }),
    });
    const answer = response.headers.get("Content-Type")?.startsWith("application/json") ? await response.json() : {};
    if (!response.ok) throw new Error(answer.message || words.failed);
    return answer;
  }

  function check() {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const mine = ++round;
      const list = body(); // an empty one brings back how the QC samples stand
      try {
        const answer = await send(words.check, list);
        if (mine === round) show(answer, false);
      } catch { /* saving says what is wrong */ }
    }, 300);
  }

  async function save() {
    clearTimeout(timer);
    round += 1;
    const list = body();
    if (!list.length) { say(words.nothing); return; }
    form.setAttribute("aria-busy", "true");
    try {
      const { tally, first } = show(await send(form.action, list), true);
      const parts = [fill(words.saved, tally.saved)];
      if (tally.error) parts.push(fill(words.errors, tally.error));
      if (tally.conflict) parts.push(fill(words.conflicts, tally.conflict));
      say(parts.join(" "));
      if (first) input(first).focus();
      pasted = null;
      undo.disabled = true;
    } catch (error) {
      say(error instanceof TypeError ? words.failed : error.message);
    }
    form.removeAttribute("aria-busy");
  }

  form.addEventListener("submit", (event) => { event.preventDefault(); save(); });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") { event.preventDefault(); save(); }
  });
  window.addEventListener("beforeunload", (event) => { if (cells.some(changed)) event.preventDefault(); });
  // Completing leaves nothing behind that was typed and not saved.
  document.getElementById("complete")?.addEventListener("submit", (event) => {
    if (!cells.some(changed)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    say(fill(words.unsaved, cells.filter(changed).length));
    input(cells.find(changed)).focus();
  }, true);

  // --- what others enter meanwhile -------------------------------------------------------------------------
  // A cell in which nobody types takes their value; one with another value typed asks, as saving would.
  function take(told) {
    const cell = byKey.get(key(told.itemId, told.parameterId));
    if (!cell) return 0;
    const version = told.version === null ? "" : String(told.version);
    const more = added(cell);
    if (more && more.value.trim() === more.dataset.held) more.value = told.added;
    if (more) more.dataset.held = told.added;
    const box = input(cell);
    const typed = box.value.trim();
    const other = told.value !== cell.dataset.held;
    if (other && typed !== cell.dataset.held && typed !== told.value) {
      if (cell.dataset.asked === version) return 0;
      cell.dataset.asked = version;
      mark(cell, { message: words.other.replace("%(value)s", told.value), kind: "conflict" });
      choice(cell, { version: told.version, current: told.value, badge: told.badge });
      return 0;
    }
    cell.dataset.version = version;
    cell.dataset.held = told.value;
    stored.set(cell, { badge: told.badge, note: told.note });
    if (other) box.value = told.value;
    if (!changed(cell)) mark(cell, stored.get(cell));
    cell.classList.toggle("is-new", other && typed !== told.value);
    refresh(cell);
    return other && typed !== told.value ? 1 : 0;
  }

  let waiting = 0;
  function follow() {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      if (form.hasAttribute("aria-busy")) { follow(); return; }
      const response = await fetch(words.state, { headers: { Accept: "application/json" } }).catch(() => null);
      if (!response?.ok || form.hasAttribute("aria-busy")) return;
      const now = await response.json();
      if (!arrange(now.layout)) {
        if (cells.some(changed)) say(words.changed); else location.reload();
        return;
      }
      const news = now.cells.map(take).filter(Boolean).length;
      document.getElementById("control").innerHTML = now.control;
      if (news) say(fill(words.news, news));
    }, 500);
  }
  document.body.addEventListener(`marsad:worksheet.changed:${words.sheet}`, follow);
  document.body.addEventListener("marsad:result.changed", follow);

  // --- the order of the positions ----------------------------------------------------------------------------
  // Bring the rows into the order of a layout: whether its status and its positions are those of this page.
  function arrange(layout) {
    if (layout === words.layout) return true;
    const [state, ...items] = layout.split(" ");
    const held = new Map([...lines.rows].map((row) => [row.dataset.item, row]));
    if (state !== words.layout.split(" ")[0] || items.length !== held.size || items.some((id) => !held.has(id))) return false;
    const focus = document.activeElement;
    items.forEach((id, index) => {
      const row = held.get(id);
      if (lines.rows[index] !== row) lines.insertBefore(row, lines.rows[index]);
      row.querySelector(".sheet-number bdi").textContent = index + 1;
      const [up, down] = row.querySelectorAll("[name=position]");
      up.value = index;
      down.value = index + 2;
      up.disabled = index === 0;
      down.disabled = index === items.length - 1;
    });
    rows = drawn();
    words.layout = layout;
    if (lines.contains(focus)) focus.focus();
    return true;
  }

  async function moveTo(row, position) {
    if (position < 1 || position > lines.rows.length) return;
    const mover = document.getElementById(`move-${row.dataset.item}`);
    const body = new FormData(mover);
    body.set("position", position);
    try {
      const response = await fetch(mover.action, { method: "POST", headers: { Accept: "application/json" }, body });
      const answer = response.headers.get("Content-Type")?.startsWith("application/json") ? await response.json() : {};
      if (!response.ok) throw new Error(answer.message || words.failed);
      arrange(answer.layout);
      say(fill(words.moved, [...lines.rows].indexOf(row) + 1));
    } catch (error) {
      say(error instanceof TypeError ? words.failed : error.message);
    }
  }

  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-move]")) return;
    event.preventDefault();
    moveTo(event.submitter.closest("tr"), Number(event.submitter.value));
  });
  lines.addEventListener("keydown", (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    const row = event.target.closest("tr");
    moveTo(row, [...lines.rows].indexOf(row) + (event.key === "ArrowUp" ? 0 : 2));
  });
  let dragged = null;
  lines.addEventListener("dragstart", (event) => {
    if (!event.target.matches?.(".sheet-number")) return;
    dragged = event.target.closest("tr");
    event.dataTransfer.effectAllowed = "move";
  });
  lines.addEventListener("dragover", (event) => {
    const over = dragged && event.target.closest("tr");
    for (const row of lines.rows) row.classList.toggle("is-over", row === over && row !== dragged);
    if (over) event.preventDefault();
  });
  lines.addEventListener("drop", (event) => {
    if (!dragged) return;
    event.preventDefault();
    moveTo(dragged, [...lines.rows].indexOf(event.target.closest("tr")) + 1);
  });
  lines.addEventListener("dragend", () => { dragged = null; for (const row of lines.rows) row.classList.remove("is-over"); });

  // --- movement -------------------------------------------------------------------------------------------------------
  function place(cell) {
    const row = rows.findIndex((line) => line.includes(cell));
    return [row, rows[row].indexOf(cell)];
  }

  function move(cell, down, along) {
    let [row, column] = place(cell);
    for (;;) {
      row += down;
      column += along;
      if (row < 0 || row >= rows.length || column < 0 || column >= rows[row].length) return false;
      const target = rows[row][column];
      if (target && byKey.has(key(target.dataset.item, target.dataset.parameter))) {
        input(target).focus();
        return true;
      }
    }
  }

  form.addEventListener("keydown", (event) => {
    const box = event.target;
    if (!box.matches(".cell-input") || event.altKey || event.ctrlKey || event.metaKey) {
      if (box.matches(".cell-input") && (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && pasted) {
        event.preventDefault();
        takeBack();
      }
      return;
    }
    const cell = box.closest(".cell");
    const all = box.selectionStart === 0 && box.selectionEnd === box.value.length;
    const start = all || (box.selectionStart === box.selectionEnd && box.selectionStart === 0);
    const end = all || (box.selectionStart === box.selectionEnd && box.selectionEnd === box.value.length);
    // The text of a cell runs left to right in every language: its left edge is its start.
    const steps = {
      ArrowUp: [true, -1, 0], ArrowDown: [true, 1, 0], Enter: [true, event.shiftKey ? -1 : 1, 0],
      ArrowLeft: [start, 0, rtl ? 1 : -1], ArrowRight: [end, 0, rtl ? -1 : 1],
    };
    if (event.key === "Escape") {
      box.value = cell.dataset.held;
      box.select();
      mark(cell, stored.get(cell));
      refresh(cell);
      check();
      return;
    }
    const step = steps[event.key];
    if (!step || !step[0] || (event.shiftKey && event.key !== "Enter")) return;
    event.preventDefault();
    move(cell, step[1], step[2]);
  });
  form.addEventListener("focusin", (event) => { if (event.target.matches(".cell-input, .cell-added")) event.target.select(); });
  form.addEventListener("input", (event) => {
    const cell = event.target.closest(".cell");
    if (!cell) return;
    pasted = null;
    undo.disabled = true;
    refresh(cell);
    check();
  });

  // --- a block from a spreadsheet -----------------------------------------------------------------------------------------
  // Rows end with a line feed, cells with a tab; a quoted cell may hold both, and a doubled quote is one.
  function block(text) {
    const lines = [[]];
    const pattern = /(?:"((?:[^"]|"")*)"|([^\t\n]*))(\t|\n|$)/g;
    const plain = text.replace(/\r\n?/g, "\n").replace(/\n$/, "");
    while (pattern.lastIndex <= plain.length) {
      const [, quoted, bare, stop] = pattern.exec(plain);
      lines.at(-1).push((quoted === undefined ? bare : quoted.replaceAll('""', '"')).trim());
      if (stop === "\n") lines.push([]);
      if (stop === "") break;
    }
    return lines;
  }

  form.addEventListener("paste", (event) => {
    const box = event.target;
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!box.matches(".cell-input") || !/[\t\n]/.test(text.replace(/\r?\n$/, ""))) return;
    event.preventDefault();
    const [top, left] = place(box.closest(".cell"));
    const before = [];
    let outside = 0;
    block(text).forEach((line, down) => line.forEach((value, along) => {
      const cell = rows[top + down]?.[left + along];
      const there = cell && byKey.get(key(cell.dataset.item, cell.dataset.parameter));
      if (!there) { if (value) outside += 1; return; }
      before.push([there, input(there).value]);
      input(there).value = value;
      refresh(there);
    }));
    pasted = before;
    undo.disabled = false;
    say([fill(words.pasted, before.length), outside ? fill(words.outside, outside) : ""].join(" "));
    check();
  });

  function takeBack() {
    for (const [cell, value] of pasted) {
      input(cell).value = value;
      if (!changed(cell)) mark(cell, stored.get(cell));
      refresh(cell);
    }
    pasted[0] && input(pasted[0][0]).focus();
    pasted = null;
    undo.disabled = true;
    say(words.undone);
    check();
  }
  undo.addEventListener("click", takeBack);
})();
