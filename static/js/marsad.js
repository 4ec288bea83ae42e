// Behaviour of every page. Everything here is an addition: pages work without it.
(() => {
  "use strict";
  const root = document.documentElement;
  const words = document.getElementById("strings").dataset;
  const csrf = () => document.querySelector("meta[name=csrf-token]")?.content ?? "";

  // --- toasts -----------------------------------------------------------------
  function toast(text, level = "info") {
    if (!text) return;
    const note = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
    note.dataset.level = level === "error" ? "danger" : level;
    note.querySelector(".note-text").textContent = text;
    note.querySelector(".btn-close").addEventListener("click", () => note.remove());
    document.getElementById("toasts").append(note);
    // A reader who rests on a note or tabs into it may take the time that it needs.
    const leave = () => (note.matches(":hover, :focus-within") ? setTimeout(leave, 2000) : note.remove());
    if (note.dataset.level !== "danger") setTimeout(leave, 6000);
  }

  // HX-Trigger: {"marsad:toast": {"text": "…", "level": "success"}}
  document.addEventListener("marsad:toast", (event) => toast(event.detail.text ?? event.detail.value, event.detail.level));

  // --- our own dialog instead of window.confirm -----------------------------------
  function ask(text, yes) {
    const dialog = document.getElementById("confirm");
    dialog.querySelector("#confirm-text").textContent = text;
    dialog.querySelector("[data-confirm-yes]").textContent = yes || words.continue;
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    });
  }

  // `data-confirm` on a link, button or form asks before it acts; `data-confirm-yes-label` names the button.
  document.addEventListener("click", async (event) => {
    const element = event.target.closest("a[data-confirm], button[data-confirm]");
    if (!element) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!(await ask(element.dataset.confirm, element.dataset.confirmYesLabel))) return;
    const text = element.dataset.confirm;
    delete element.dataset.confirm;
    element.click();
    element.dataset.confirm = text;
  }, true);
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.dataset.confirm) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const submitter = event.submitter;
    if (!(await ask(form.dataset.confirm, form.dataset.confirmYesLabel))) return;
    const text = form.dataset.confirm;
    delete form.dataset.confirm;
    form.requestSubmit(submitter);
    form.dataset.confirm = text;
  }, true);
  document.addEventListener("htmx:confirm", async (event) => {
    const { ctx, issueRequest, dropRequest } = event.detail;
    if (!ctx.confirm) return;
    event.preventDefault();
    ((await ask(ctx.confirm)) ? issueRequest : dropRequest)();
  });

  // --- htmx: CSRF and errors -------------------------------------------------------
  document.addEventListener("htmx:config:request", (event) => {
    const request = event.detail.ctx.request;
    if (request.method !== "GET") request.headers["X-CSRFToken"] = csrf();
    // A filter that is not set does not belong into the address.
    else if (request.body && event.detail.ctx.sourceElement.matches("form")) {
      for (const [key, value] of [...request.body]) if (value === "") request.body.delete(key, value);
    }
  });
  document.addEventListener("htmx:response:error", (event) => {
    const { status, headers } = event.detail.ctx.response;
    if (status === 422 || headers.get("HX-Redirect") || headers.get("HX-Trigger")?.includes("marsad:toast")) return;
    toast(words[`error-${status}`] ?? words[`error${status}`] ?? words.error, "danger");
  });
  document.addEventListener("htmx:error", (event) => {
    if (event.detail.error?.name === "TypeError" || event.detail.error === "timeout") toast(words.errorNetwork, "danger");
  });
  document.addEventListener("htmx:after:swap", () => document.querySelectorAll("select[data-search]").forEach(searchable));

  // --- theme ---------------------------------------------------------------------------
  document.querySelectorAll("[data-theme-switch]").forEach((button) => button.addEventListener("click", () => {
    const next = root.dataset.bsTheme === "dark" ? "light" : "dark";
    root.dataset.theme = root.dataset.bsTheme = next;
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `marsad_theme=${next}; path=/; max-age=31536000; samesite=lax${secure}`;
    document.dispatchEvent(new CustomEvent("marsad:theme", { detail: { theme: next } }));
  }));

  // --- side menu on narrow screens ---------------------------------------------------------
  const side = document.getElementById("side");
  const opener = document.querySelector("[data-side-open]");
  function showSide(open) {
    side.classList.toggle("is-open", open);
    (open ? side.querySelector("a") : opener).focus();
  }
  if (side) {
    opener.addEventListener("click", (event) => { event.preventDefault(); showSide(true); });
    document.querySelectorAll("[data-side-close]").forEach((link) => link.addEventListener("click", (event) => {
      event.preventDefault();
      showSide(false);
    }));
  }

  // --- tabs that do not fit: the one in force is in sight ------------------------------------------
  document.querySelectorAll(".tabs [aria-current]").forEach((tab) => {
    const box = tab.parentElement;
    box.scrollLeft = tab.offsetLeft - box.offsetLeft - (box.clientWidth - tab.offsetWidth) / 2;
  });

  // --- small menus: one at a time, closed by Escape and by a click elsewhere ------------------
  document.addEventListener("click", (event) => {
    document.querySelectorAll("details.menu-box[open]").forEach((box) => { if (!box.contains(event.target)) box.open = false; });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const box = document.querySelector("details.menu-box[open]");
      if (box) { box.open = false; box.querySelector("summary").focus(); }
      else if (side?.classList.contains("is-open")) showSide(false);
      return;
    }
    if (document.querySelector("dialog[open]")) return;
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = document.querySelector(`[data-shortcut="${CSS.escape(event.key)}"]`);
    if (!target) return;
    event.preventDefault();
    if (target.matches("input")) { target.focus(); target.select(); } else target.click();
  });

  // --- the keys of the page: everything that carries `data-shortcut`, under its own name -----------------
  const keys = document.getElementById("keys");
  function shortcutName(element) {
    const label = element.labels?.[0]?.textContent ?? element.getAttribute("aria-label") ?? element.textContent;
    return label.replace(/\s+/g, " ").trim();
  }
  document.addEventListener("click", (event) => {
    if (event.target === keys) keys.close();
    if (!event.target.closest("[data-keys-open]")) return;
    const list = keys.querySelector("dl");
    list.querySelectorAll("[data-found]").forEach((row) => row.remove());
    const seen = new Set();
    document.querySelectorAll("[data-shortcut]").forEach((element) => {
      const key = element.dataset.shortcut;
      if (seen.has(key)) return;
      seen.add(key);
      const row = list.firstElementChild.cloneNode(true);
      row.dataset.found = "";
      row.querySelector("kbd").textContent = key;
      row.querySelector("dd").textContent = shortcutName(element);
      list.append(row);
    });
    document.querySelectorAll("details.menu-box[open]").forEach((box) => { box.open = false; });
    keys.showModal();
  });

  // --- rows: a click anywhere opens the first link of the row ------------------------------------
  document.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-row-link]");
    if (!row || event.target.closest("a, button, input, select, label, summary") || getSelection().toString()) return;
    const link = row.querySelector("a[href]");
    if (!link) return;
    if (event.ctrlKey || event.metaKey) window.open(link.href); else link.click();
  });

  // --- links that take the filters of the list with them (exports) ----------------------------------
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-with-query]");
    if (!link) return;
    const more = link.dataset.withQuery;
    link.search = more ? `${location.search ? `${location.search}&` : "?"}${more}` : location.search;
  });

  // --- forms: unsaved changes, double submission ---------------------------------------------------
  let dirty = false;
  const guarded = "form[data-guard]";
  document.addEventListener("input", (event) => { if (event.target.closest(guarded)) dirty = true; });
  document.addEventListener("submit", (event) => { if (event.target.matches(guarded)) dirty = false; });
  document.addEventListener("htmx:after:swap", () => { dirty = dirty && !!document.querySelector(guarded); });
  window.addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[href]");
    if (!dirty || !link || link.target || link.hasAttribute("hx-get") || link.getAttribute("href").startsWith("#") || link.origin !== location.origin) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (await ask(words.unsaved, words.leave)) { dirty = false; link.click(); }
  }, true);

  // --- password, copy, selects with search ---------------------------------------------------------------
  document.addEventListener("click", (event) => {
    const eye = event.target.closest("[data-password-eye]");
    if (eye) {
      const input = document.getElementById(eye.dataset.passwordEye);
      const shown = input.type === "password";
      input.type = shown ? "text" : "password";
      eye.setAttribute("aria-pressed", String(shown));
      eye.setAttribute("aria-label", shown ? words.hidePassword : words.showPassword);
    }
    const copy = event.target.closest("[data-copy]");
    if (copy) navigator.clipboard?.writeText(copy.dataset.copy).then(() => toast(words.copied, "success"));
  });
  // `data-words` on an option are other names that the search finds it by.
  function searchable(select) {
    if (!window.TomSelect || select.tomselect) return;
    const focused = document.activeElement === select || select.autofocus;
    // `data-search-url` answers [{value, text}] for `?q=`: a choice too long to be sent whole
    const url = select.dataset.searchUrl;
    const load = (text, done) => fetch(`${url}?q=${encodeURIComponent(text)}`).then((answer) => answer.json()).then(done, () => done());
    const control = new window.TomSelect(select, { ...(url && { load }), maxOptions: 200, searchField: ["text", "words"], openOnFocus: false, plugins: select.multiple ? ["remove_button"] : [] });
    select.setAttribute("aria-hidden", "true"); // the control that stands for it has its label
    if (focused) control.focus();
  }
  // Later deferred scripts bring Tom Select; all of them have run before this event.
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("select[data-search]").forEach(searchable));

  // --- a support session: the minutes that are left, and the page again when it is over ------------------------------
  document.querySelectorAll("[data-until]").forEach((place) => {
    const words = new Intl.NumberFormat(`${root.lang}-u-nu-latn`, { style: "unit", unit: "minute", unitDisplay: "long" });
    const show = () => {
      const left = Math.ceil((new Date(place.dataset.until) - Date.now()) / 60000);
      if (left > 0) place.textContent = words.format(left); else location.reload();
    };
    show();
    setInterval(show, 20000);
  });

  // --- rows that are ticked: the bar of what can be done with them says how many they are ------------------------------
  function ticked() {
    const bar = document.querySelector("[data-bulk]");
    if (!bar) return;
    const boxes = [...document.querySelectorAll(`input[name=ids][form=${bar.id}]`)];
    const count = boxes.filter((box) => box.checked).length;
    bar.querySelector("[data-bulk-count]").textContent = count;
    bar.classList.toggle("is-idle", !count);
    bar.querySelectorAll("select, button").forEach((control) => { control.disabled = !count; });
    const all = bar.querySelector("[data-bulk-all]");
    all.checked = count > 0 && count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
  }
  document.addEventListener("change", (event) => {
    const bar = event.target.closest("[data-bulk]");
    if (event.target.matches("[data-bulk-all]"))
      document.querySelectorAll(`input[name=ids][form=${bar.id}]`).forEach((box) => { box.checked = event.target.checked; });
    ticked();
  });
  document.addEventListener("htmx:after:swap", ticked);
  document.addEventListener("DOMContentLoaded", ticked);

  // --- live reloads: input in progress is kept, and the focus is not lost ------------------------------------------
  // `data-hold` on the element that reloads names what must not be swapped away; the notice says that there is more.
  document.addEventListener("htmx:before:swap", (event) => {
    const source = event.detail.ctx.sourceElement;
    const hold = source?.dataset?.hold;
    if (!hold || !document.querySelector(hold)) return;
    event.preventDefault();
    document.querySelector(source.dataset.holdNotice).hidden = false;
  });
  let refocus = null;
  document.addEventListener("htmx:before:request", (event) => {
    const place = event.detail.ctx.sourceElement?.closest?.("[data-keep-focus]");
    refocus = place?.contains(document.activeElement) ? place : null;
  });
  document.addEventListener("htmx:after:swap", () => {
    if (refocus && document.activeElement === document.body) refocus.focus();
    refocus = null;
  });

  window.marsad = { toast, ask };
})();
