// A map in an element: drivers by the age of their position, checkpoints in clusters, the plan and the trail of one
// delivery. Places are { latitude, longitude } in WGS 84 degrees; instants are ISO-8601.
//
//   const map = await openMap(element, { onDriver, onDelivery, onPlace });   // null where there is no WebGL
//   map.setDrivers([{ id, name, isFree, latitude, longitude, heading, at }]) heading: degrees from north, or null
//   map.moveDrivers([driver…])                                               some of them; hasDriver(id) tells who is shown
//   map.setCheckpoints([{ delivery, number, name, state, latitude, longitude }])   state: reached, next, open or late
//   map.showRoute({ plan: [place…], trail: [place…] })                       both may be empty
//   map.select({ driver, delivery })                                         marks them; null for none
//   map.fit([place…])                                                        moves so that all are seen
//   map.remove()
//
// What lies over the map's right side now and then can be named as `cover`: what is in view is moved out from under it.
// onDriver(driverId), onDelivery(deliveryId) and onPlace(place) tell what was clicked. The element says by
// data-basemap which file is the ground, by data-style which other style or {z}/{x}/{y} tiles to use instead, and by
// data-mode="small" that it stands in a page that scrolls.
import { BOLD, builtInStyle, repaint, tileStyle } from "./basemap.js";
import { driverMarker } from "./map-drivers.js";
import { addOverlay, paintOverlay } from "./map-overlay.js";
import { fillLegend, wordOf } from "./map-signs.js";
import { rest } from "./rest.js";

const CLOSEST_ZOOM = 16.5, NAMES_FROM_ZOOM = 14.2, AGES_EVERY_MS = 5_000, BUTTONS_PX = 64;
const LIBRARY = "../vendor/maplibre-gl@6.17.0", WORKER = new URL(`${LIBRARY}/maplibre-gl-worker.mjs`, import.meta.url).href;
const AGAIN_MS = 4_000, LOADED_WITHIN_MS = 60_000;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export async function openMap(element, handlers = {}) {
  if (!document.createElement("canvas").getContext("webgl2")) {
    say(element, "This browser can't draw the map (it has no WebGL). The positions are in the list.");
    return null;
  }
  element.hidden = false;
  const parts = await loadParts(element);
  if (!parts) return null;
  const { library, style, bounds } = parts;
  const map = new library.Map({
    container: element,
    style,
    ...(bounds ? { bounds, fitBoundsOptions: { padding: 8 } } : { center: [0, 20], zoom: 1 }),
    attributionControl: false,
    cooperativeGestures: element.dataset.mode === "small",
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    maxZoom: 19,
    fadeDuration: calm.matches ? 0 : 200,
    locale: { "Map.Title": element.getAttribute("aria-label") ?? "Map" },
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new library.NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new library.AttributionControl({ compact: false }), "bottom-right");
  map.on("error", ({ error }) => say(element, `A part of the map couldn't be loaded: ${error?.message ?? "no answer"}`));
  await new Promise((resolve) => map.once("load", resolve));
  return new LiveMap(map, library, element, bounds, handlers);
}

// Where nothing can be drawn, or a part is missing, the element says so.
function say(element, text) {
  let note = element.parentElement.querySelector("[data-map-note]");
  if (!note) {
    note = document.createElement("p");
    note.dataset.mapNote = "";
    note.className = "map-note";
    note.setAttribute("role", "status");
    element.after(note);
  }
  note.textContent = text;
  note.hidden = !text;
}

// What a map is made of. The server may be away just now, which is no reason to be without a map for the rest of the day.
async function loadParts(element) {
  while (element.isConnected) {
    try {
      const [library, ground] = await Promise.all([import(`${LIBRARY}/maplibre-gl.mjs`), groundOf(element)]);
      // The library can't do without its worker and asks for it once only: it gets it when the browser has it.
      await load(WORKER);
      library.setWorkerUrl(WORKER);
      say(element, "");
      return { library, ...ground };
    } catch {
      say(element, "The map can't be loaded just now; it is tried again. The positions are in the list.");
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS * (0.5 + Math.random())));
    }
  }
  return null;
}

async function load(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(LOADED_WITHIN_MS) });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.text();
}

async function groundOf(element) {
  const { style, basemap } = element.dataset;
  if (style) return { style: style.includes("{z}") ? tileStyle(style) : style, bounds: null };
  const ground = JSON.parse(await load(basemap));
  return { style: builtInStyle(element, ground), bounds: ground.bbox };
}

const lngLat = ({ longitude, latitude }) => [longitude, latitude];

class LiveMap {
  #map; #library; #element; #bounds; #handlers; #timer; #themes; #covers;
  #drivers = new Map();
  #checkpoints = [];
  #drawn = new Map(); // source → its data as text: what is the same isn't drawn again
  #coverings = 0;
  #fitted = null; // what is in view, until somebody moves the map
  #chosen = { driver: null, delivery: null };

  constructor(map, library, element, bounds, handlers) {
    Object.assign(element.dataset, { ready: "yes" });
    this.#map = map;
    this.#library = library;
    this.#element = element;
    this.#bounds = bounds;
    this.#handlers = handlers;
    addOverlay(map, element, BOLD);
    this.#showSigns();
    this.#listen();
    this.#timer = setInterval(() => this.#eachDriver((marker) => marker.showAge()), AGES_EVERY_MS);
    this.#covers = new ResizeObserver(async () => {
      const covering = ++this.#coverings;
      await rest(); // what covers it is to be seen first
      if (covering === this.#coverings && this.#fitted) this.fit(this.#fitted);
    });
    if (handlers.cover) this.#covers.observe(handlers.cover);
    this.#themes = new MutationObserver(() => this.#repaint());
    this.#themes.observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
  }

  setDrivers(drivers) {
    const wanted = new Set(drivers.map(({ id }) => id));
    for (const id of this.#drivers.keys()) if (!wanted.has(id)) this.#forget(id);
    this.moveDrivers(drivers);
  }

  moveDrivers(drivers) {
    for (const driver of drivers) this.#put(driver);
  }

  hasDriver(id) {
    return this.#drivers.has(id);
  }

  setCheckpoints(checkpoints) {
    this.#checkpoints = checkpoints;
    this.#element.dataset.checkpoints = checkpoints.length;
    this.#sayWhatIsCovered(checkpoints);
    this.#source("checkpoints").setData(pointsOf(checkpoints));
    this.#drawChosen();
  }

  showRoute({ plan = [], trail = [] }) {
    this.#draw("plan", lineOf(plan));
    this.#draw("trail", lineOf(trail));
    Object.assign(this.#element.dataset, { plan: plan.length, trail: trail.length });
  }

  select({ driver = null, delivery = null }) {
    this.#chosen = { driver, delivery };
    this.#eachDriver((marker, id) => marker.choose(id === driver));
    this.#drawChosen();
  }

  fit(places, { moves = !calm.matches } = {}) {
    if (!places.length) return;
    this.#fitted = null;
    const bounds = new this.#library.LngLatBounds();
    for (const place of places) bounds.extend(lngLat(place));
    this.#map.resize();
    this.#map.fitBounds(bounds, { padding: this.#padding(places.length === 1), maxZoom: CLOSEST_ZOOM, animate: moves, duration: 500 });
    this.#fitted = places;
  }

  remove() {
    clearInterval(this.#timer);
    this.#coverings += 1;
    this.#themes.disconnect();
    this.#covers.disconnect();
    this.#map.remove();
  }

  // Those of the chosen delivery are drawn once more, larger and over all others, which step back. Taking them out of the
  // others would mean to put all of them into clusters again, at each choice.
  #drawChosen() {
    const { delivery } = this.#chosen;
    this.#draw("chosen", pointsOf(this.#checkpoints.filter((checkpoint) => checkpoint.delivery === delivery)));
    const opacity = delivery ? 0.5 : 1;
    this.#map.setPaintProperty("clusters", "circle-opacity", opacity);
    this.#map.setPaintProperty("clusters", "circle-stroke-opacity", opacity);
    this.#map.setPaintProperty("checkpoints", "icon-opacity", opacity);
  }

  #draw(id, data) {
    const text = JSON.stringify(data);
    if (this.#drawn.get(id) === text) return;
    this.#drawn.set(id, text);
    this.#source(id).setData(data);
  }

  // The zoom buttons and what lies over the map hide no place, as long as enough of the map is left. One alone is in the
  // middle of what can be seen, where no button is.
  #padding(isAlone) {
    const { left, right, width, height } = this.#element.getBoundingClientRect();
    const side = Math.min(48, width / 6, height / 6);
    const cover = this.#handlers.cover?.getBoundingClientRect();
    const covered = cover?.width && cover.left > left + width / 4 ? Math.max(0, right - cover.left) : 0;
    return { top: side, bottom: side, left: side, right: covered + (covered || isAlone ? side : Math.max(side, Math.min(BUTTONS_PX, width / 4))) };
  }

  #source(id) {
    return this.#map.getSource(id);
  }

  #eachDriver(act) {
    for (const [id, { marker }] of this.#drivers) act(marker, id);
  }

  #put(driver) {
    let known = this.#drivers.get(driver.id);
    if (!known) {
      const marker = driverMarker(() => this.#handlers.onDriver?.(driver.id));
      const pin = new this.#library.Marker({ element: marker.element, subpixelPositioning: true });
      known = { marker, pin };
      this.#drivers.set(driver.id, known);
      pin.setLngLat(lngLat(driver)).addTo(this.#map);
      marker.element.removeAttribute("role"); // the library makes every marker an image; this one is a button
      marker.element.removeAttribute("aria-roledescription");
      marker.choose(driver.id === this.#chosen.driver);
    }
    const text = JSON.stringify(driver);
    if (known.text === text) return; // all are set when one delivery changes
    known.text = text;
    known.pin.setLngLat(lngLat(driver));
    known.marker.show(driver);
  }

  #forget(id) {
    this.#drivers.get(id).pin.remove();
    this.#drivers.delete(id);
  }

  #sayWhatIsCovered(places) {
    if (!this.#bounds) return;
    const [west, south, east, north] = this.#bounds;
    const outside = places.some(({ latitude, longitude }) => longitude < west || longitude > east || latitude < south || latitude > north);
    say(this.#element, outside ? "The built-in map has streets for Helsinki's centre only; WAYBILL_MAP_STYLE_URL brings another map." : "");
  }

  #listen() {
    const map = this.#map;
    const showNames = () => { this.#element.dataset.names = map.getZoom() >= NAMES_FROM_ZOOM ? "yes" : "no"; };
    map.on("resize", () => { if (this.#fitted) this.fit(this.#fitted, { moves: false }); });
    map.on("movestart", ({ originalEvent }) => { if (originalEvent) this.#fitted = null; });
    map.on("zoom", showNames);
    showNames();
    map.on("movestart", () => { this.#element.dataset.moves = ""; });
    map.on("moveend", () => { delete this.#element.dataset.moves; });
    map.on("click", async (event) => {
      const [cluster] = map.queryRenderedFeatures(event.point, { layers: ["clusters"] });
      const [checkpoint] = map.queryRenderedFeatures(event.point, { layers: ["checkpoints", "chosen"] });
      if (cluster) {
        const zoom = await this.#source("checkpoints").getClusterExpansionZoom(cluster.properties.cluster_id);
        map.easeTo({ center: cluster.geometry.coordinates, zoom: zoom + 0.2, animate: !calm.matches });
      } else if (checkpoint && this.#handlers.onDelivery) this.#handlers.onDelivery(checkpoint.properties.delivery);
      else this.#handlers.onPlace?.({ latitude: event.lngLat.lat, longitude: event.lngLat.lng });
    });
    for (const layer of ["clusters", "checkpoints"]) {
      map.on("mouseenter", layer, () => { map.getCanvas().style.cursor = "pointer"; });
      map.on("mouseleave", layer, () => { map.getCanvas().style.cursor = ""; });
    }
    const name = new this.#library.Popup({ closeButton: false, closeOnClick: false, offset: 10, className: "map-name" });
    for (const layer of ["checkpoints", "chosen"]) {
      map.on("mousemove", layer, ({ features: [{ properties, geometry }] }) => {
        name.setLngLat(geometry.coordinates).setText(`${properties.number}. ${properties.name} — ${wordOf(properties.state)}`).addTo(map);
      });
      map.on("mouseleave", layer, () => name.remove());
    }
  }

  #showSigns() {
    for (const legend of this.#element.parentElement.querySelectorAll("[data-signs]")) fillLegend(legend);
  }

  #repaint() {
    if (this.#bounds) repaint(this.#map, this.#element);
    paintOverlay(this.#map, this.#element);
    this.#showSigns();
    this.select(this.#chosen);
  }
}

function pointsOf(checkpoints) {
  const features = checkpoints.map(({ latitude, longitude, ...properties }) => ({ type: "Feature", properties, geometry: { type: "Point", coordinates: [longitude, latitude] } }));
  return { type: "FeatureCollection", features };
}

function lineOf(places) {
  return { type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: places.map(lngLat) } };
}
