// Maps of sampling points: the overview with groups, the picker of a form, the place of one point. The ground is our
// own coast line and grid of degrees; tiles only where the installation names a server.
(() => {
  "use strict";
  const L = window.L;
  const box = document.getElementById("map");
  if (!box || !L) return;
  const words = document.getElementById("map-words").dataset;
  const markers = Object.fromEntries([...document.querySelectorAll("template[data-marker]")].map((one) => [one.dataset.marker, one]));
  const ANYWHERE = [[10, -18], [40, 60]];
  const STEPS = [30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01];

  const map = L.map(box, { zoomControl: false, worldCopyJump: true, minZoom: 2, maxZoom: 18, maxBounds: [[-89, -720], [89, 720]] });
  map.attributionControl.setPrefix("");
  L.control.zoom({ zoomInTitle: words.zoomIn, zoomOutTitle: words.zoomOut }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
  if (words.tiles) L.tileLayer(words.tiles, { attribution: words.credit, maxZoom: 18 }).addTo(map);

  // --- the ground -------------------------------------------------------------------
  fetch(words.coast).then((answer) => answer.json()).then(({ lines }) => {
    lines.forEach((line) => L.polyline(line, { className: "map-coast", interactive: false, weight: 1.5 }).addTo(map));
  }).catch(() => {});
  const grid = L.layerGroup().addTo(map);
  function drawGrid() {
    grid.clearLayers();
    const view = map.getBounds();
    const wide = view.getEast() - view.getWest();
    const step = STEPS.findLast((one) => wide / one <= 8) ?? STEPS[0];
    const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
    const line = (ends) => L.polyline(ends, { className: "map-grid", interactive: false, weight: 1 }).addTo(grid);
    const label = (at, text, kind) => L.marker(at, { interactive: false, keyboard: false, icon: L.divIcon({ className: `map-degree ${kind}`, html: text, iconSize: null }) }).addTo(grid);
    const south = Math.max(view.getSouth(), -85);
    const north = Math.min(view.getNorth(), 85);
    for (let x = Math.ceil(view.getWest() / step) * step; x < view.getEast(); x += step) {
      line([[south, x], [north, x]]);
      label([south, x], `${Math.abs(x).toFixed(digits)}° ${x < 0 ? "W" : "E"}`, "map-degree-x");
    }
    for (let y = Math.ceil(south / step) * step; y < north; y += step) {
      line([[y, view.getWest()], [y, view.getEast()]]);
      label([y, view.getWest()], `${Math.abs(y).toFixed(digits)}° ${y < 0 ? "S" : "N"}`, "map-degree-y");
    }
  }
  map.on("moveend", drawGrid);

  // A marker's picture and what it is called; both come from templates in the page's language.
  function pin(state) {
    return L.divIcon({ className: "map-pin", html: markers[state].innerHTML, iconSize: [28, 28], iconAnchor: [14, 14] });
  }
  function text(...parts) {
    const whole = document.createElement("div");
    whole.dir = "auto";
    parts.filter(Boolean).forEach((part, place) => {
      if (place) whole.append(document.createElement("br"));
      whole.append(part);
    });
    return whole;
  }

  // All points of the organisation, else a wide view.
  function wholeView() {
    const edges = box.dataset.box.split(",").map(Number);
    if (edges.length === 4) map.fitBounds([[edges[1], edges[0]], [edges[3], edges[2]]], { padding: [30, 30], maxZoom: 13 });
    else map.fitBounds(ANYWHERE);
  }

  // --- overview: what is in sight comes from the server ------------------------------------
  function overview() {
    const layer = L.layerGroup().addTo(map);
    let running = null;
    function state(feature) {
      const { count, states, state: worst } = feature.properties;
      const [x, y] = feature.geometry.coordinates;
      if (count) {
        const parts = Object.entries(states).map(([key, number]) => `${markers[key].dataset.word}: ${number}`);
        const size = 30 + Math.min(22, Math.round(6 * Math.log10(count)) * 2);
        const icon = L.divIcon({ className: `map-group map-group-${worst.toLowerCase()}`, html: `<b>${count}</b>${markers[worst].innerHTML}`, iconSize: [size, size] });
        const name = `${count} ${words.points}; ${parts.join(", ")}`;
        L.marker([y, x], { icon, title: name, alt: name }).on("click", () => {
          const [west, south, east, north] = feature.properties.box;
          map.fitBounds([[south, west], [north, east]], { maxZoom: Math.min(18, map.getZoom() + 4), padding: [40, 40] });
        }).addTo(layer);
        return;
      }
      const about = feature.properties;
      const name = `${about.name}: ${markers[worst].dataset.word}`;
      const link = document.createElement("a");
      link.href = box.dataset.detail + about.id;
      link.textContent = about.name;
      L.marker([y, x], { icon: pin(worst), title: name, alt: name }).bindPopup(
        text(link, about.code, markers[worst].dataset.word, `${words.samples}: ${about.samples}`)).addTo(layer);
    }
    async function load() {
      running?.abort();
      running = new AbortController();
      const view = map.getBounds();
      const query = new URLSearchParams(box.dataset.query);
      query.set("bbox", [view.getWest(), view.getSouth(), view.getEast(), view.getNorth()].map((edge) => edge.toFixed(5)).join(","));
      query.set("zoom", map.getZoom());
      try {
        const answer = await fetch(`${box.dataset.url}?${query}`, { signal: running.signal });
        if (!answer.ok) throw new Error(answer.status);
        const found = await answer.json();
        layer.clearLayers();
        found.features.forEach(state);
        box.dataset.shown = found.features.length;
      } catch (fault) {
        if (fault.name !== "AbortError") window.marsad.toast(words.failed, "danger");
      }
    }
    map.on("moveend", load);
    wholeView();
    document.body.addEventListener("marsad:sample.changed", load);
    document.addEventListener("click", (event) => {
      const row = event.target.closest("[data-map-show]")?.closest("[data-lat]");
      if (!row) return;
      box.scrollIntoView({ block: "nearest" });
      const at = [Number(row.dataset.lat), Number(row.dataset.lng)];
      map.setView(at, Math.max(map.getZoom(), 12));
      L.popup().setLatLng(at).setContent(text(row.querySelector("a").textContent)).openOn(map);
    });
  }

  // --- picker: a click sets the two fields, the fields move the mark ---------------------------
  function picker() {
    const fields = [document.getElementById(box.dataset.latitude), document.getElementById(box.dataset.longitude)];
    let mark = null;
    function read() {
      const found = fields.map((field) => Number(field.value.replace(",", ".")));
      return fields.every((field) => field.value.trim()) && found.every(Number.isFinite) ? found : null;
    }
    function show(at, move) {
      if (!mark) {
        mark = L.marker(at, { draggable: true, title: box.getAttribute("aria-label") || "", icon: L.divIcon({ className: "map-pin", html: '<span class="pin pin-place"></span>', iconSize: [28, 28] }) }).addTo(map);
        mark.on("dragend", () => write(mark.getLatLng()));
      }
      mark.setLatLng(at);
      if (move) map.setView(at, Math.max(map.getZoom(), 12));
    }
    function write(at) {
      const place = at.wrap();
      fields[0].value = place.lat.toFixed(5);
      fields[1].value = place.lng.toFixed(5);
      fields[0].dispatchEvent(new Event("input", { bubbles: true }));
      show(place, false);
    }
    const began = read();
    if (began) { map.setView(began, 13); show(began, false); } else wholeView();
    map.on("click", (event) => write(event.latlng));
    fields.forEach((field) => field.addEventListener("change", () => { const at = read(); if (at) show(at, true); }));
    const here = document.querySelector("[data-map-here]");
    if (!navigator.geolocation) here.hidden = true;
    here.addEventListener("click", () => navigator.geolocation.getCurrentPosition(
      ({ coords }) => { const at = L.latLng(coords.latitude, coords.longitude); write(at); map.setView(at, 16); },
      () => window.marsad.toast(words.refused, "warning"), { enableHighAccuracy: true, timeout: 15000 }));
  }

  if (box.dataset.map === "features") overview();
  else if (box.dataset.map === "pick") picker();
  else {
    const at = [Number(box.dataset.lat), Number(box.dataset.lng)];
    map.setView(at, 9);
    L.marker(at, { title: box.dataset.name, alt: box.dataset.name, keyboard: false, icon: L.divIcon({ className: "map-pin", html: '<span class="pin pin-place"></span>', iconSize: [28, 28] }) }).addTo(map);
  }
})();
