// Uploads in parts: drag and drop, several at once, progress, and on where it stopped after a break. A form with
// data-upload sends its files to data-begin; what is under way is remembered in the browser, so that choosing the same
// file again after a crash sends only what is missing.
(() => {
  "use strict";
  const AT_ONCE = 2;
  const TRIES = 8;
  const csrf = () => document.querySelector("meta[name=csrf-token]")?.content ?? "";
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  class Refused extends Error {}

  async function ask(method, url, body) {
    const headers = { "X-CSRFToken": csrf(), Accept: "application/json" };
    const response = await fetch(url, { method, body, headers, credentials: "same-origin", redirect: "error" });
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    if (response.status >= 500 && response.status !== 507) throw new TypeError("server");
    throw new Refused(answer.message || String(response.status));
  }

  // XMLHttpRequest, because fetch tells nothing of bytes that are on their way.
  function put(url, blob, told, signal) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("PUT", url);
      request.setRequestHeader("X-CSRFToken", csrf());
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.upload.addEventListener("progress", (event) => told(event.loaded));
      request.addEventListener("error", () => reject(new TypeError("network")));
      request.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
      request.addEventListener("load", () => {
        if (request.status < 300) return resolve();
        let message = "";
        try { message = JSON.parse(request.responseText).message; } catch { /* no JSON, no words */ }
        reject(request.status >= 500 ? new TypeError("server") : new Refused(message || String(request.status)));
      });
      signal.addEventListener("abort", () => request.abort(), { once: true });
      request.send(blob);
    });
  }

  for (const form of document.querySelectorAll("form[data-upload]")) {
    const list = form.querySelector("[data-uploads]");
    const template = form.querySelector("[data-upload-row]");
    const words = form.querySelector("[data-upload-words]").dataset;
    const input = form.querySelector("input[type=file]");
    const waiting = [];
    let running = 0;
    let last = "";

    const memory = (file) => ["upload", form.dataset.target ?? "", file.name, file.size, file.lastModified].join("|");

    function add(file) {
      const row = template.content.firstElementChild.cloneNode(true);
      const item = { file, row, control: new AbortController(), category: form.elements.category?.value ?? "", comment: form.elements.comment?.value ?? "" };
      row.querySelector("[data-name]").textContent = file.name;
      say(item, words.waiting);
      row.querySelector("[data-cancel]").addEventListener("click", () => cancel(item));
      row.querySelector("[data-retry]").addEventListener("click", () => {
        row.classList.remove("is-wrong");
        row.querySelector("[data-retry]").hidden = true;
        waiting.push(item);
        next();
      });
      list.hidden = false;
      list.append(row);
      waiting.push(item);
      next();
    }

    const say = (item, text) => { item.row.querySelector("[data-state]").textContent = text ?? ""; };
    const show = (item, bytes) => { item.row.querySelector("progress").value = item.file.size ? (100 * bytes) / item.file.size : 100; };

    async function cancel(item) {
      item.control.abort();
      item.over = true;
      localStorage.removeItem(memory(item.file));
      say(item, words.cancelled);
      item.row.querySelector("[data-cancel]").hidden = true;
      item.row.querySelector("[data-retry]").hidden = true;
      if (item.id) await ask("DELETE", `${form.dataset.begin}/${item.id}`).catch(() => {});
    }

    function next() {
      while (running < AT_ONCE && waiting.length) {
        running += 1;
        const item = waiting.shift();
        send(item).finally(() => { running -= 1; next(); finished(); });
      }
    }

    function finished() {
      if (running || waiting.length || !last) return;
      if (form.dataset.target) location.assign(last);
      else document.body.dispatchEvent(new CustomEvent("marsad:file.uploaded"));
    }

    async function begin(item) {
      const known = localStorage.getItem(memory(item.file));
      if (known) {
        const state = await ask("GET", `${form.dataset.begin}/${known}`).catch((error) => { if (error instanceof Refused) return null; throw error; });
        if (["open", form.dataset.attach && "done"].includes(state?.status) && state.size === item.file.size) {
          if (state.received.length) say(item, words.goingOn);
          return state;
        }
      }
      const body = new URLSearchParams({ filename: item.file.name, size: item.file.size, category: item.category, comment: item.comment, target: form.dataset.target ?? "" });
      const state = await ask("POST", form.dataset.begin, body);
      localStorage.setItem(memory(item.file), state.id);
      return state;
    }

    async function send(item) {
      if (item.over) return;
      for (let tried = 0; ; tried += 1) {
        try {
          await once(item);
          return;
        } catch (error) {
          if (item.over || error.name === "AbortError") return;
          if (error instanceof Refused || tried === TRIES) {
            const final = error instanceof Refused; // what the server refuses, it refuses again
            if (final) localStorage.removeItem(memory(item.file));
            item.row.classList.add("is-wrong");
            say(item, final ? error.message : words.broken);
            item.row.querySelector("[data-retry]").hidden = final;
            item.row.querySelector("[data-cancel]").hidden = final;
            return;
          }
          say(item, words.broken);
          await pause(Math.min(30000, 500 * 2 ** tried));
        }
      }
    }

    async function once(item) {
      const state = await begin(item); // done already, where only the attaching failed
      item.id = state.id;
      const here = new Set(state.received);
      let sent = state.receivedBytes;
      show(item, sent);
      for (let number = 1; number <= state.parts && state.status === "open"; number += 1) {
        if (here.has(number)) continue;
        const part = item.file.slice((number - 1) * state.partSize, number * state.partSize);
        await put(`${form.dataset.begin}/${state.id}/${number}`, part, (bytes) => show(item, sent + bytes), item.control.signal);
        sent += part.size;
        say(item, "");
        show(item, sent);
      }
      say(item, words.checking);
      let made = state.fileId ? state : await ask("POST", `${form.dataset.begin}/${state.id}/finish`);
      // `data-attach` makes something of the file, with the form's own fields.
      if (form.dataset.attach) {
        const said = new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string"));
        said.set("file", made.fileId);
        made = await ask("POST", form.dataset.attach, said);
      }
      localStorage.removeItem(memory(item.file));
      last = made.url;
      const link = document.createElement("a");
      link.href = made.url;
      link.textContent = item.file.name;
      item.row.querySelector("[data-name]").replaceChildren(link);
      item.row.querySelector("[data-cancel]").hidden = true;
      show(item, item.file.size);
      say(item, words.done);
    }

    input.addEventListener("change", () => {
      for (const file of input.files) add(file);
      input.value = "";
    });
    for (const name of ["dragenter", "dragover"])
      form.addEventListener(name, (event) => { event.preventDefault(); form.classList.add("is-over"); });
    for (const name of ["dragleave", "drop"])
      form.addEventListener(name, (event) => { if (name === "drop" || !form.contains(event.relatedTarget)) form.classList.remove("is-over"); });
    form.addEventListener("drop", (event) => {
      event.preventDefault();
      const files = [...event.dataTransfer.files];
      for (const file of form.dataset.target ? files.slice(0, 1) : files) add(file);
    });
    addEventListener("beforeunload", (event) => { if (running) event.preventDefault(); });
  }
})();
