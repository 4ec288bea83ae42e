// Maps of places: pins over a coast line and a grid of degrees of our own; tiles only where the installation names a
// server.
// <div data-places="id"> draws the JSON of <script id="id">: [{lat, lon, name, flagged?, url?, thumbnail?, radius?}].
// data-shapes="id" draws GeoJSON polygons beneath them: properties {name, url?, kind?: "whole" | "allowed"}.
(() => {
  "use strict";
  const STEPS = [30, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001];

  const ANYWHERE = [[12, 41.7], [19.1, 54.7]];
  const AREAS = {
    part: { color: "#0b6e75", weight: 1.5, fillOpacity: 0.1 },
    allowed: { color: "#1f7a45", weight: 2, fillOpacity: 0.18 },
    whole: { color: "#3d2c00", weight: 3, fill: false, interactive: false },
  };

  // Meridians and parallels of the part in sight, one to about 110 pixels, with their degrees.
  function grid(map, lines) {
    lines.clearLayers();
    const box = map.getBounds();
    const most = Math.max(2, map.getSize().x / 110);
    const step = STEPS.findLast((size) => (box.getEast() - box.getWest()) / size <= most) ?? STEPS[0];
    const digits = Math.max(0, Math.ceil(-Math.log10(step)));
    const style = { color: "#7b8794", weight: 1, opacity: 0.35, interactive: false };
    const label = (at, degrees) => L.marker(at, { interactive: false, keyboard: false, icon: L.divIcon({ className: "map-label", html: Object.assign(document.createElement("span"), { textContent: `${degrees.toFixed(digits)}°` }), iconSize: null, iconAnchor: [-3, 14] }) }).addTo(lines);
    for (let lon = Math.ceil(box.getWest() / step) * step; lon <= box.getEast(); lon += step) {
      L.polyline([[Math.max(-85, box.getSouth()), lon], [Math.min(85, box.getNorth()), lon]], style).addTo(lines);
      label([box.getSouth(), lon], lon);
    }
    for (let lat = Math.ceil(Math.max(-85, box.getSouth()) / step) * step; lat <= Math.min(85, box.getNorth()); lat += step) {
      L.polyline([[lat, box.getWest()], [lat, box.getEast()]], style).addTo(lines);
      label([lat, box.getWest()], lat);
    }
  }

  function card(place) {
    const box = document.createElement(place.url ? "a" : "div");
    box.className = "map-card";
    if (place.url) box.href = place.url;
    if (place.thumbnail) box.append(Object.assign(document.createElement("img"), { src: place.thumbnail, alt: "" }));
    box.append(Object.assign(document.createElement("span"), { textContent: place.name, dir: "auto" }));
    return box;
  }

  function areas(found) {
    return L.geoJSON(found, {
      style: ({ properties }) => AREAS[properties.kind] ?? AREAS.part,
      onEachFeature: ({ properties }, shape) => {
        if (properties.kind === "whole") return;
        const name = Object.assign(document.createElement("span"), { textContent: properties.name, dir: "auto" });
        shape.bindTooltip(name, { sticky: true });
        if (properties.url) shape.on("click", () => location.assign(properties.url));
      },
    });
  }

  function draw(box) {
    if (box.dataset.drawn) return;
    box.dataset.drawn = "yes";
    const places = box.dataset.places ? JSON.parse(document.getElementById(box.dataset.places).textContent) : [];
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const map = L.map(box, { attributionControl: false, zoomControl: false, zoomAnimation: !still, fadeAnimation: !still, maxZoom: 19, worldCopyJump: true });
    const all = L.latLngBounds(places.map((place) => [place.lat, place.lon]));
    const shapes = box.dataset.shapes ? areas(JSON.parse(document.getElementById(box.dataset.shapes).textContent)) : null;
    shapes?.addTo(map);
    if (shapes && !places.length) all.extend(shapes.getBounds());
    map.fitBounds(all.isValid() ? all : ANYWHERE, { padding: [40, 40], maxZoom: 16 });
    const words = document.getElementById("strings").dataset;
    L.control.zoom({ zoomInTitle: words.zoomIn, zoomOutTitle: words.zoomOut }).addTo(map);
    L.control.scale({ imperial: false }).addTo(map);
    const lines = L.layerGroup().addTo(map);
    const { tiles, credit, coast } = box.dataset;
    if (tiles) L.control.attribution({ prefix: false }).addTo(map) && L.tileLayer(tiles, { attribution: credit, maxZoom: 18 }).addTo(map);
    fetch(coast).then((answer) => answer.json()).then((found) => {
      for (const line of found.lines) L.polyline(line, { color: "#5f8f96", weight: 1.5, interactive: false }).addTo(map);
    }).catch(() => {}); // the places stand without a coast as well
    map.on("moveend", () => grid(map, lines));
    grid(map, lines);
    for (const place of places) {
      const icon = L.divIcon({ className: `map-pin${place.flagged ? " map-pin-flag" : ""}`, iconSize: [24, 24] });
      L.marker([place.lat, place.lon], { icon, alt: place.name, title: place.name }).bindPopup(() => card(place), { minWidth: 192 }).addTo(map);
      if (place.radius) L.circle([place.lat, place.lon], { radius: place.radius, color: place.flagged ? "#b42318" : "#1f6fd6", weight: 1, fillOpacity: 0.08, interactive: false }).addTo(map);
    }
    if (!box.classList.contains("map-tall") && places.length === 2)
      L.polyline(places.map((place) => [place.lat, place.lon]), { color: "#b42318", dashArray: "4 4", weight: 2, interactive: false }).addTo(map);
  }

  const drawAll = () => document.querySelectorAll("[data-places]").forEach(draw);
  document.addEventListener("DOMContentLoaded", drawAll);
  document.addEventListener("htmx:after:swap", drawAll);
})();
