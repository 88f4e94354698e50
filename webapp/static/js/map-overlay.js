// What is drawn on a map's ground: the plan, the trail, checkpoints in clusters, and the numbered ones of one delivery.
import { STATES, pictureOf } from "./map-signs.js";

const PIXELS = 2; // of a picture for each of the page's
const AT_ONCE = { duration: 0 }; // a transition draws the whole map some twenty times
const nothing = () => ({ type: "FeatureCollection", features: [] });

export function addOverlay(map, element, font) {
  map.addSource("plan", { type: "geojson", data: nothing() });
  map.addSource("trail", { type: "geojson", data: nothing() });
  map.addSource("checkpoints", { type: "geojson", data: nothing(), cluster: true, clusterRadius: 34, clusterMaxZoom: 15 });
  map.addSource("chosen", { type: "geojson", data: nothing() });
  for (const [id, picture] of pictures(element)) map.addImage(id, picture, { pixelRatio: PIXELS });
  for (const layer of layers(element, fontOf(map) ?? font)) map.addLayer(layer);
}

export function paintOverlay(map, element) {
  for (const [id, picture] of pictures(element)) map.updateImage(id, picture);
  for (const layer of layers(element, [])) {
    for (const [name, value] of Object.entries(layer.paint)) map.setPaintProperty(layer.id, name, value);
  }
}

// Another style may bring fonts of its own.
function fontOf(map) {
  const style = map.getStyle();
  if (!style.glyphs) return null;
  return style.layers.map((layer) => layer.layout?.["text-font"]).find((font) => Array.isArray(font) && font.every((part) => typeof part === "string" && part !== "literal")) ?? null;
}

// Each state has a form of its own, for those who can't tell the colours apart; see map-signs.js.
function pictures(element) {
  const style = getComputedStyle(element);
  const colour = (name) => style.getPropertyValue(name).trim();
  return STATES.flatMap((state) => ["stop", "chosen"].map((kind) => [`${kind}-${state}`, pictureOf(kind, state, colour(`--map-stop-${state}`), colour("--wb-surface"), PIXELS)]));
}

function layers(element, font) {
  const style = getComputedStyle(element);
  const colour = (name) => style.getPropertyValue(name).trim();
  const round = { "line-cap": "round", "line-join": "round" };
  const numbers = ["match", ["get", "state"], "open", colour("--map-stop-open"), colour("--wb-surface")]; // an open one is hollow
  const sign = (kind) => ({ "icon-image": ["concat", `${kind}-`, ["get", "state"]], "icon-allow-overlap": true, "icon-ignore-placement": true });
  const single = ["!", ["has", "point_count"]];
  return [
    { id: "plan-edge", type: "line", source: "plan", layout: round, paint: { "line-color": colour("--wb-surface"), "line-width": 6, "line-opacity": 0.8 } },
    { id: "plan", type: "line", source: "plan", layout: { "line-join": "round" }, paint: { "line-color": colour("--map-plan"), "line-width": 3, "line-dasharray": [1.6, 1.4] } },
    { id: "trail", type: "line", source: "trail", layout: round, paint: { "line-color": colour("--map-trail"), "line-width": 4, "line-opacity": 0.85 } },
    { id: "clusters", type: "circle", source: "checkpoints", filter: ["has", "point_count"], paint: { "circle-color": colour("--wb-surface"), "circle-radius": ["step", ["get", "point_count"], 12, 10, 15, 50, 19], "circle-stroke-width": 2, "circle-stroke-color": colour("--map-stop-open"), "circle-opacity-transition": AT_ONCE, "circle-stroke-opacity-transition": AT_ONCE } },
    { id: "cluster-counts", type: "symbol", source: "checkpoints", filter: ["has", "point_count"], layout: { "text-field": ["get", "point_count_abbreviated"], "text-font": font, "text-size": 12, "text-allow-overlap": true }, paint: { "text-color": colour("--wb-text") } },
    { id: "checkpoints", type: "symbol", source: "checkpoints", filter: single, layout: sign("stop"), paint: { "icon-opacity-transition": AT_ONCE } },
    { id: "chosen", type: "symbol", source: "chosen", layout: sign("chosen"), paint: {} },
    { id: "chosen-numbers", type: "symbol", source: "chosen", layout: { "text-field": ["to-string", ["get", "number"]], "text-font": font, "text-size": 11, "text-allow-overlap": true, "text-ignore-placement": true }, paint: { "text-color": numbers } },
  ];
}
