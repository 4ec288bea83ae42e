// The page of a form while people fill it in: what is asked, what is worked out, what is wrong, entries, places, files.
// Everything here is an addition: the server decides, and the page works without it.
(() => {
  "use strict";
  const { compile, pattern, blank, equal, string, settled } = window.FormLanguage;
  const L = window.L;
  const words = document.getElementById("fill-words").dataset;
  const compiled = new Map();

  // One compiled expression for each text; one that this page cannot read counts as unknown, the server decides.
  function expression(source, columns = []) {
    const key = `${source}\n${columns}`;
    if (!compiled.has(key)) {
      let made = null;
      try { made = compile(source, columns); } catch { /* stays null */ }
      compiled.set(key, made);
    }
    return compiled.get(key);
  }

  function begin(form, wire) {
    const loaded = Date.now(), began = Date.parse(wire.now);
    const context = (more) => ({ now: new Date(began + Date.now() - loaded).toISOString().replace(/\.\d+Z$/, "Z"), zone: wire.zone, ...more });
    const latin = (text) => text.trim().replace(/[٠-٩]/g, (digit) => digit.charCodeAt(0) - 0x660).replace(/[۰-۹]/g, (digit) => digit.charCodeAt(0) - 0x6f0).replace(/[٫,]/, ".").replace("−", "-");
    const place = (scope, field) => scope.querySelector(`[data-q="${field.id}"]`);
    const inputs = (box) => [...box.querySelectorAll("input, select, textarea")].filter((one) => one.closest("[data-q]") === box);

    // ---- reading ----
    function answer(field, box) {
      const found = inputs(box);
      if (field.type === "selectMultiple") return found.filter((one) => one.checked && one.value).map((one) => one.value);
      if (field.type === "boolean") return { true: true, false: false }[found.find((one) => one.checked)?.value] ?? null;
      if (field.type === "select") return box.querySelector("select")?.value || found.find((one) => one.checked)?.value || null;
      if (field.type === "geopoint") {
        const made = {};
        found.forEach((one) => { if (one.value.trim()) made[one.name.split(".").pop()] = numeric(one.value); });
        return Object.keys(made).length ? made : null;
      }
      if (["photo", "file", "signature"].includes(field.type)) {
        const file = found.find((one) => one.type === "file");
        const kept = found.find((one) => one.type === "hidden");
        const removed = found.find((one) => one.type === "checkbox")?.checked;
        return file?.files.length ? file.files[0].name : (!removed && kept?.value) || null;
      }
      const text = found[0]?.value.trim() ?? "";
      if (!text) return null;
      if (field.type === "number" || field.type === "integer") return numeric(text);
      if (field.type === "datetime") return instant(text);
      return text;
    }
    const numeric = (text) => (/^[-+]?(\d+\.?\d*|\.\d+)$/.test(latin(text)) ? Number(latin(text)) : text);

    // A time of the organisation's wall clock as an instant.
    function instant(text) {
      const wall = Date.parse(`${text}Z`);
      if (Number.isNaN(wall)) return text;
      let at = wall;
      for (let turn = 0; turn < 2; turn += 1) at = wall - (Date.parse(`${local(at)}Z`) - at);
      return new Date(at).toISOString();
    }
    function local(at) {
      const parts = Object.fromEntries(new Intl.DateTimeFormat("en-CA", { timeZone: wire.zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" }).formatToParts(new Date(at)).map((part) => [part.type, part.value]));
      return `${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}:${parts.second}`;
    }

    // ---- what is asked, and what is worked out ----
    function flat(fields, group = null) {
      return fields.flatMap((field) => [{ field, group }, ...(field.type === "group" ? flat(field.fields, field.id) : [])]);
    }
    function level(fields, scope, around) {
      const all = flat(fields).filter(({ field }) => place(scope, field));
      const sent = {};
      all.forEach(({ field }) => { if (!["group", "repeat", "note", "calculate"].includes(field.type)) sent[field.id] = answer(field, place(scope, field)); });
      const values = { ...around, ...sent };
      const hidden = new Set();
      for (let turn = 0; turn < 30; turn += 1) { // until nothing changes any more: cycles were refused
        let changed = false;
        for (const { field, group } of all) {
          const asked = !hidden.has(group) && (!field.relevant || (expression(field.relevant)?.true(values, context()) ?? true));
          if (asked === hidden.has(field.id)) { asked ? hidden.delete(field.id) : hidden.add(field.id); changed = true; }
          let value = asked ? sent[field.id] ?? null : null;
          if (asked && field.calculation) value = settled(expression(field.calculation)?.run(values, context()) ?? null);
          if (field.type !== "group" && field.type !== "repeat" && JSON.stringify(values[field.id] ?? null) !== JSON.stringify(value)) { values[field.id] = value; changed = true; }
        }
        if (!changed) break;
      }
      for (const { field } of all) show(field, place(scope, field), hidden.has(field.id), values);
      return values;
    }
    function show(field, box, gone, values) {
      box.hidden = gone;
      box.disabled = gone;
      box.querySelectorAll("[data-wording]").forEach((one) => {
        if (one.closest("[data-q]") === box) one.textContent = one.dataset.wording.replace(/\$\{\s*([A-Za-z_]\w*)\s*\}/g, (_whole, name) => string(values[name]));
      });
      if (gone) return;
      if (field.calculation) box.querySelector("[data-result]").textContent = string(values[field.id]) || "—";
      if (field.choices) offer(field, box, values);
      const clear = box.querySelector("[data-clear]");
      if (clear) clear.hidden = !inputs(box).some((one) => one.checked);
      if (field.type === "repeat") {
        const entries = [...box.querySelector("[data-entries]").children];
        entries.forEach((entry) => level(field.fields, entry, values));
        const most = Number(box.querySelector("[data-entries]").dataset.max) || 200;
        box.querySelector(":scope > [data-add]").hidden = entries.length >= most;
      }
    }
    function offer(field, box, values) {
      box.querySelectorAll("[data-value]").forEach((one) => {
        const said = field.choices[one.dataset.value];
        let open = true;
        if (typeof said === "string") open = expression(said)?.true(values, context()) ?? true;
        else if (field.choiceFilter) open = expression(field.choiceFilter, [...columns(field)])?.true(values, context({ row: { ...said, name: one.dataset.value } })) ?? true;
        else open = Object.entries(said || {}).every(([name, wanted]) => [].concat(wanted).some((w) => (Array.isArray(values[name]) ? values[name].includes(w) : equal(values[name], w, context()))));
        const input = one.matches("option") ? one : one.querySelector("input");
        one.hidden = !open;
        input.disabled = !open;
        if (!open && one.matches("option") && one.selected) one.parentElement.value = "";
        else if (!open) input.checked = false;
      });
    }
    const columns = (field) => new Set(["name", ...Object.values(field.choices).flatMap((said) => (said && typeof said === "object" ? Object.keys(said) : []))]);

    // ---- what is wrong ----
    function fault(field, value, values) {
      if (blank(value)) {
        const must = field.required === true || (field.required && expression(field.required)?.true(values, context()));
        return must ? words.required : "";
      }
      if ((field.type === "number" || field.type === "integer") && (typeof value !== "number" || (field.type === "integer" && !Number.isInteger(value)))) return words.type;
      if (field.type === "geopoint" && !(Math.abs(value.lat) <= 90 && Math.abs(value.lng) <= 180)) return words.type;
      const size = { text: () => [...value].length, barcode: () => [...value].length, selectMultiple: () => value.length }[field.type]?.() ?? value;
      if (field.min != null && size < field.min) return words.min.replace("{min}", field.min);
      if (field.max != null && size > field.max) return words.max.replace("{max}", field.max);
      if (field.pattern && pattern(field.pattern)?.test(value) === false) return "pattern";
      if (field.constraint && expression(field.constraint)?.true(values, context({ this: value })) === false) return "constraint";
      return "";
    }
    // Every question that is asked, with the answers that it sees.
    function* asked(fields, scope, values) {
      for (const { field } of flat(fields)) {
        const box = place(scope, field);
        if (!box || box.hidden || box.closest("[data-q][hidden]")) continue;
        yield { field, box, values };
        if (field.type === "repeat") for (const entry of box.querySelector("[data-entries]").children) yield* asked(field.fields, entry, level(field.fields, entry, values));
      }
    }
    function tell({ field, box, values }) {
      if (["group", "note", "calculate", "repeat"].includes(field.type)) return true;
      const said = fault(field, answer(field, box), values);
      const list = box.querySelector(":scope > .q-faults");
      list.replaceChildren();
      list.hidden = !said;
      box.classList.toggle("is-invalid", Boolean(said));
      if (said) {
        const line = document.createElement("li");
        line.textContent = ["pattern", "constraint"].includes(said) ? box.dataset.message || words[said] : said;
        list.append(line);
        box.setAttribute("aria-describedby", list.id);
      }
      return !said;
    }

    const refresh = () => level(wire.fields, form, {});
    // A fault that appears between pressing and releasing a button would move the button away from under the finger.
    let pressing = false;
    form.addEventListener("pointerdown", (event) => { pressing = Boolean(event.target.closest("button")); }, true);
    form.addEventListener("click", () => { pressing = false; }, true);
    form.addEventListener("input", refresh);
    form.addEventListener("change", (event) => {
      const values = refresh();
      if (pressing) return;
      const box = event.target.closest("[data-q]");
      for (const one of asked(wire.fields, form, values)) if (one.box === box) tell(one);
    });
    form.addEventListener("submit", (event) => {
      if (event.submitter?.hasAttribute("formnovalidate")) return;
      const bad = [...asked(wire.fields, form, refresh())].filter((one) => !tell(one));
      if (!bad.length) return;
      event.preventDefault();
      event.stopPropagation();
      const first = bad[0].box;
      first.scrollIntoView({ block: "center" });
      (inputs(first).find((one) => !one.disabled && one.type !== "hidden" && one.offsetParent) || first).focus();
      window.marsad.toast(words.faults, "warning");
    });

    // ---- entries ----
    form.addEventListener("click", async (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      const box = button.closest("[data-q]");
      if (button.matches("[data-add]")) {
        event.preventDefault();
        const entries = box.querySelector("[data-entries]"), blankEntry = box.querySelector(":scope > template");
        const next = Math.max(-1, ...[...entries.children].map((one) => Number(one.dataset.entry))) + 1;
        const holder = document.createElement("template");
        holder.innerHTML = blankEntry.innerHTML.replaceAll(blankEntry.dataset.blank, next);
        const entry = holder.content.firstElementChild;
        entries.append(entry);
        furnish(entry);
        refresh();
        entry.querySelector("input:not([type=hidden]), select, textarea")?.focus();
      } else if (button.matches("[data-remove]")) {
        event.preventDefault();
        if (!(await window.marsad.ask(words.remove, words.removeYes))) return;
        const around = button.closest("[data-entry]").parentElement.closest("[data-q]");
        button.closest("[data-entry]").remove();
        refresh();
        around.querySelector(":scope > [data-add]").focus();
      } else if (button.matches("[data-clear]")) {
        inputs(box).forEach((one) => { one.checked = false; });
        refresh();
      } else if (button.matches("[data-now]")) {
        put(box.querySelector("input"), local(Date.now()).slice(0, 16));
      } else if (button.matches("[data-here]")) here(box);
      else if (button.matches("[data-map-open]")) openMap(box);
      else if (button.matches("[data-back]")) {
        const area = box.querySelector("textarea");
        put(area, area.value.trim().split("\n").slice(0, -1).join("\n"));
        box.drawing?.();
      } else if (button.matches("[data-sign-clear]")) sign(box, true);
      else if (button.matches("[data-scan]")) scan(box);
    });
    function put(input, value) {
      input.value = value;
      input.dispatchEvent(new Event("input", { bubbles: true }));
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }

    // ---- places ----
    const corners = (box) => box.querySelector("textarea").value.split("\n").map((line) => latin(line.replace(/[;\s]*[,;\s][;\s]*/, ";")).split(";").map(Number)).filter((at) => at.length === 2 && at.every(Number.isFinite));
    const field = (box, name) => inputs(box).find((one) => one.name.endsWith(`.${name}`));
    function set(box, at, accuracy, altitude) {
      if (box.dataset.type === "geopoint") {
        field(box, "accuracy").value = accuracy ? accuracy.toFixed(1) : "";
        field(box, "altitude").value = altitude ? altitude.toFixed(1) : "";
        box.querySelector("[data-accuracy]").textContent = accuracy ? words.accuracy.replace("{metres}", Math.round(accuracy)) : "";
        put(field(box, "lat"), at.lat.toFixed(6));
        put(field(box, "lng"), at.lng.toFixed(6));
      } else {
        const area = box.querySelector("textarea");
        put(area, `${area.value.trim()}\n${at.lat.toFixed(6)}, ${at.lng.toFixed(6)}`.trim());
      }
      box.drawing?.();
    }
    function here(box) {
      if (!navigator.geolocation) return window.marsad.toast(words.refused, "warning");
      navigator.geolocation.getCurrentPosition(({ coords }) => set(box, { lat: coords.latitude, lng: coords.longitude }, coords.accuracy, coords.altitude),
        () => window.marsad.toast(words.refused, "warning"), { enableHighAccuracy: true, timeout: 20000 });
    }
    function openMap(box) {
      const area = box.querySelector(".q-map");
      area.hidden = !area.hidden;
      if (area.hidden || area.dataset.ready) return;
      area.dataset.ready = "1";
      const map = L.map(area, { zoomControl: false, maxZoom: 18, minZoom: 2 });
      map.attributionControl.setPrefix("");
      L.control.zoom({ zoomInTitle: words.zoomIn, zoomOutTitle: words.zoomOut }).addTo(map);
      L.control.scale({ imperial: false }).addTo(map);
      if (words.tiles) L.tileLayer(words.tiles, { attribution: words.credit, maxZoom: 18 }).addTo(map);
      fetch(words.coast).then((reply) => reply.json()).then(({ lines }) => lines.forEach((line) => L.polyline(line, { className: "map-coast", interactive: false, weight: 1.5 }).addTo(map))).catch(() => {});
      const layer = L.layerGroup().addTo(map);
      const pin = L.divIcon({ className: "map-pin", html: '<span class="pin pin-place"></span>', iconSize: [28, 28] });
      const points = () => (box.dataset.type === "geopoint" ? [[numeric(field(box, "lat").value), numeric(field(box, "lng").value)]].filter((at) => at.every((part) => typeof part === "number")) : corners(box));
      box.drawing = () => {
        layer.clearLayers();
        const found = points();
        if (box.dataset.type === "geoshape" && found.length > 2) L.polygon(found).addTo(layer);
        else if (found.length > 1) L.polyline(found).addTo(layer);
        found.forEach((at) => L.marker(at, { icon: pin, keyboard: false }).addTo(layer));
      };
      const began = points();
      if (began.length > 1) map.fitBounds(began, { padding: [30, 30] });
      else if (began.length) map.setView(began[0], 14);
      else map.fitBounds([[10, -18], [40, 60]]);
      map.on("click", (event) => set(box, event.latlng.wrap()));
      box.drawing();
    }

    // ---- files, signatures, barcodes ----
    function sign(box, clear) {
      const canvas = box.querySelector("[data-sign]"), pen = canvas.getContext("2d");
      const file = inputs(box).find((one) => one.type === "file");
      if (clear) {
        pen.clearRect(0, 0, canvas.width, canvas.height);
        file.value = "";
        return refresh();
      }
      let drawing = false;
      const at = (event) => { const edge = canvas.getBoundingClientRect(); return [(event.clientX - edge.left) * canvas.width / edge.width, (event.clientY - edge.top) * canvas.height / edge.height]; };
      Object.assign(pen, { lineWidth: 3, lineCap: "round", strokeStyle: "#14303a" });
      canvas.addEventListener("pointerdown", (event) => { drawing = true; canvas.setPointerCapture(event.pointerId); pen.beginPath(); pen.moveTo(...at(event)); });
      canvas.addEventListener("pointermove", (event) => { if (drawing) { pen.lineTo(...at(event)); pen.stroke(); } });
      canvas.addEventListener("pointerup", () => {
        drawing = false;
        canvas.toBlob((blob) => {
          const held = new DataTransfer();
          held.items.add(new File([blob], "signature.png", { type: "image/png" }));
          file.files = held.files;
          file.dispatchEvent(new Event("change", { bubbles: true }));
        }, "image/png");
      });
      return undefined;
    }
    async function scan(box) {
      const dialog = document.getElementById("scanner"), video = dialog.querySelector("video");
      let stream;
      try { stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }); } catch { return window.marsad.toast(words.noCamera, "warning"); }
      video.srcObject = stream;
      await video.play();
      dialog.showModal();
      const detector = new window.BarcodeDetector();
      const look = async () => {
        if (!dialog.open) return;
        const [found] = await detector.detect(video).catch(() => []);
        if (found) { put(box.querySelector("input"), found.rawValue); dialog.close(); } else setTimeout(look, 250);
      };
      dialog.addEventListener("close", () => stream.getTracks().forEach((track) => track.stop()), { once: true });
      look();
      return undefined;
    }
    function furnish(scope) {
      scope.querySelectorAll("[data-sign]").forEach((canvas) => sign(canvas.closest("[data-q]")));
      if ("BarcodeDetector" in window) scope.querySelectorAll("[data-scan]").forEach((button) => { button.hidden = false; });
    }
    form.addEventListener("change", (event) => {
      const box = event.target.closest('[data-type="photo"]');
      if (!box || event.target.type !== "file") return;
      const picture = box.querySelector("[data-picture]"), [file] = event.target.files;
      picture.hidden = !file;
      if (!file) return;
      const reader = new FileReader();
      reader.addEventListener("load", () => { picture.src = reader.result; });
      reader.readAsDataURL(file);
    });

    furnish(form);
    refresh();
  }

  function start() {
    document.querySelectorAll("[data-fill]").forEach((form) => {
      if (form.dataset.begun) return;
      form.dataset.begun = "1";
      begin(form, JSON.parse((form.parentElement.querySelector("#form-wire") || document.getElementById("form-wire")).textContent));
    });
  }
  start();
  document.addEventListener("htmx:after:swap", start);
})();
