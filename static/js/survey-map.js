// Maps of surveys: a session with its points, shapes and photos (data-survey-map="session"), and open applications to be
// given out (data-survey-map="dispatch"). The ground is our own coast line and grid of degrees; tiles only where the
// installation names a server.
(() => {
  "use strict";
  const L = window.L;
  const box = document.querySelector("[data-survey-map]");
  if (!L || !box) return;
  const words = document.getElementById("map-words").dataset;
  const YEMEN = [[12, 41.7], [19.1, 54.7]];
  const STEPS = [10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001, 0.00005, 0.00002];
  const INK = { server: "#0b6e75", flagged: "#b3211f", media: "#6a3fa0", place: "#b06f00" };
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

  const map = L.map(box, { preferCanvas: true, zoomControl: false, zoomAnimation: !still, fadeAnimation: !still, minZoom: 4, maxZoom: 22 });
  map.attributionControl.setPrefix("");
  L.control.zoom({ position: "topright", zoomInTitle: words.zoomIn, zoomOutTitle: words.zoomOut }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
  if (words.tiles) L.tileLayer(words.tiles, { attribution: words.credit, maxZoom: 22, maxNativeZoom: 18 }).addTo(map);
  map.fitBounds(YEMEN);
  fetch(words.coast).then((answer) => answer.json()).then(({ lines }) => {
    lines.forEach((line) => L.polyline(line, { color: "#5f8f96", weight: 1.5, interactive: false }).addTo(map));
  }).catch(() => {}); // the survey stands without a coast as well

  const grid = L.layerGroup().addTo(map);
  function drawGrid() {
    grid.clearLayers();
    const view = map.getBounds();
    const most = Math.max(2, map.getSize().x / 120);
    const step = STEPS.findLast((size) => (view.getEast() - view.getWest()) / size <= most) ?? STEPS[0];
    const digits = Math.max(0, Math.ceil(-Math.log10(step)));
    const style = { color: "#7b8794", weight: 1, opacity: 0.35, interactive: false };
    const label = (at, degrees, side) => L.marker(at, { interactive: false, keyboard: false, icon: L.divIcon({ className: "map-label", html: Object.assign(document.createElement("span"), { textContent: `${degrees.toFixed(digits)}°${side}` }), iconSize: null, iconAnchor: [-3, 14] }) }).addTo(grid);
    for (let lon = Math.ceil(view.getWest() / step) * step; lon <= view.getEast(); lon += step) {
      L.polyline([[view.getSouth(), lon], [view.getNorth(), lon]], style).addTo(grid);
      label([view.getSouth(), lon], lon, "E");
    }
    for (let lat = Math.ceil(view.getSouth() / step) * step; lat <= view.getNorth(); lat += step) {
      L.polyline([[lat, view.getWest()], [lat, view.getEast()]], style).addTo(grid);
      label([lat, view.getWest()], lat, "N");
    }
  }
  map.on("moveend", drawGrid);
  drawGrid();

  // What a popup says; all of it came from the server in the page's language, as text.
  function card(about) {
    const whole = Object.assign(document.createElement("div"), { className: "survey-card" });
    whole.dir = document.documentElement.dir;
    if (about.thumbnail) whole.append(Object.assign(document.createElement("img"), { src: about.thumbnail, alt: "" }));
    whole.append(Object.assign(document.createElement("strong"), { textContent: about.name, dir: "auto" }));
    for (const line of about.lines ?? []) whole.append(Object.assign(document.createElement("span"), { textContent: line, dir: "auto" }));
    if (about.url) whole.append(Object.assign(document.createElement("a"), { href: about.url, textContent: words.open }));
    return whole;
  }
  function marker(at, kind, name) {
    return L.marker(at, { alt: name, title: name, icon: L.divIcon({ className: `survey-mark survey-mark-${kind}`, iconSize: [24, 24] }) });
  }

  // --- a session ----------------------------------------------------------------------
  function session() {
    const layers = Object.fromEntries(["points", "accuracy", "shapes", "media", "flags", "places"].map((name) => [name, L.layerGroup()]));
    const found = new Map(); // id -> drawn
    const switches = [...document.querySelectorAll("[data-map-layer]")];
    const show = () => switches.forEach((one) => (one.checked ? layers[one.dataset.mapLayer].addTo(map) : layers[one.dataset.mapLayer].remove()));
    switches.forEach((one) => one.addEventListener("change", show));

    function drawn(feature) {
      const about = feature.properties;
      const colour = about.flagged ? INK.flagged : INK.server;
      if (feature.geometry.type !== "Point") {
        const dash = about.flagged ? "6 4" : null;
        return L.geoJSON(feature, { style: about.layer === "flags" ? { color: INK.flagged, weight: 2, fillColor: INK.flagged, fillOpacity: 0.45 } : { color: colour, weight: 3, dashArray: dash, fillOpacity: 0.12 } });
      }
      const at = [feature.geometry.coordinates[1], feature.geometry.coordinates[0]];
      if (about.layer === "media") return marker(at, about.flagged ? "media-flag" : "media", about.name);
      if (about.layer === "places") return marker(at, about.kind, about.name);
      if (about.accuracy) L.circle(at, { radius: about.accuracy, color: colour, weight: 1, opacity: 0.5, fillOpacity: 0.06, interactive: false }).addTo(layers.accuracy);
      return L.circleMarker(at, { radius: about.flagged ? 7 : 5, color: "#fff", weight: 1.5, fillColor: colour, fillOpacity: 1 });
    }
    let first = true;
    let running = null;
    async function load() {
      running?.abort();
      running = new AbortController();
      try {
        const answer = await fetch(box.dataset.url, { signal: running.signal });
        if (!answer.ok) throw new Error(answer.status);
        const { features } = await answer.json();
        Object.values(layers).forEach((layer) => layer.clearLayers());
        found.clear();
        const all = L.latLngBounds([]);
        for (const feature of features) {
          const about = feature.properties;
          const shape = drawn(feature).bindPopup(() => card(about), { minWidth: 180 }).addTo(layers[about.layer]);
          if (about.id) found.set(about.id, shape);
          if (about.id) shape.on("click", () => document.dispatchEvent(new CustomEvent("survey:chosen", { detail: about.id })));
          if (about.kind !== "application") all.extend(shape.getBounds ? shape.getBounds() : shape.getLatLng());
        }
        show();
        if (first && all.isValid()) map.fitBounds(all, { padding: [40, 40], maxZoom: 20 });
        first = false;
        box.dataset.shown = features.length;
      } catch (fault) {
        if (fault.name !== "AbortError") window.marsad.toast(words.failed, "danger");
      }
    }
    load();
    // Points arrive in packets: one look a second at most.
    let waiting = 0;
    for (const type of ["points.uploaded", "geometries.uploaded", "session.submitted", "session.decided"]) document.body.addEventListener(`marsad:${type}`, (event) => {
      if (event.detail.id !== box.dataset.session) return;
      clearTimeout(waiting);
      waiting = setTimeout(load, 1000);
    });
    function look(id) {
      const shape = found.get(id);
      if (!shape) return;
      if (shape.getBounds) map.fitBounds(shape.getBounds(), { padding: [50, 50], maxZoom: 21 });
      else map.setView(shape.getLatLng(), Math.max(map.getZoom(), 19));
      shape.openPopup();
    }
    document.addEventListener("survey:look", (event) => look(event.detail));
    document.addEventListener("click", (event) => {
      const row = event.target.closest("[data-map-show]");
      if (!row) return;
      box.scrollIntoView({ block: "nearest" });
      look(row.dataset.mapShow);
    });
  }

  // --- applications to be given out --------------------------------------------------------------
  function dispatch() {
    const places = JSON.parse(document.getElementById("places").textContent);
    const people = document.getElementById("id_assigned_to");
    const warning = document.getElementById("outside");
    const counted = document.querySelectorAll("[data-bulk-count]");
    const boxes = new Map([...document.querySelectorAll("[data-place]")].map((one) => [one.dataset.place, one]));
    const marks = new Map();
    for (const place of places) {
      const tick = boxes.get(place.id);
      const mark = marker([place.lat, place.lng], `state survey-state-${place.state}`, `${place.name}: ${place.word}`).addTo(map);
      mark.bindTooltip(() => card(place), { direction: "top", offset: [0, -8] });
      mark.on("click", () => { if (tick) { tick.checked = !tick.checked; told(); } else location.assign(place.url); });
      marks.set(place.id, mark);
    }
    if (places.length) map.fitBounds(places.map((place) => [place.lat, place.lng]), { padding: [40, 40], maxZoom: 14 });
    function told() {
      const chosen = places.filter((place) => boxes.get(place.id)?.checked);
      marks.forEach((mark, id) => mark.getElement()?.classList.toggle("is-chosen", Boolean(boxes.get(id)?.checked)));
      counted.forEach((one) => { one.textContent = chosen.length; });
      const outside = people.value ? chosen.filter((place) => !place.people.includes(people.value)) : [];
      warning.hidden = !outside.length;
      warning.querySelector("[data-outside]").textContent = outside.map((place) => place.number).join("، ");
      boxes.forEach((tick, id) => tick.closest("li").classList.toggle("is-outside", outside.some((place) => place.id === id)));
    }
    document.addEventListener("change", told);
    document.querySelector("[data-in-sight]").addEventListener("click", () => {
      const view = map.getBounds();
      places.forEach((place) => { const tick = boxes.get(place.id); if (tick && view.contains([place.lat, place.lng])) tick.checked = true; });
      told();
    });
    document.querySelector("[data-none]").addEventListener("click", () => { boxes.forEach((tick) => { tick.checked = false; }); told(); });
    told();
  }

  if (box.dataset.surveyMap === "dispatch") dispatch();
  else session();
})();
