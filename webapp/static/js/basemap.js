// How the ground of a map looks: the built-in one of the demo city, in our own colours, or one of another address.
// Labels are drawn with the fonts of the device, so that no font has to be loaded.
const OSM = '<a href="https://www.openstreetmap.org/copyright" target="_blank" rel="noreferrer noopener">© OpenStreetMap contributors</a>';
const COLOURS = ["outside", "land", "water", "green", "square", "building", "outline", "casing", "street", "path", "rail", "label", "halo"];
// A family that isn't there makes way for the device's sans-serif, in the weight that its name says.
const FONT = ["sans-serif"];
export const BOLD = ["Waybill Bold"];

const byZoom = (...stops) => ["interpolate", ["exponential", 1.5], ["zoom"], ...stops];
const WIDTHS = {
  major: byZoom(12, 1.5, 15, 6, 18, 24),
  minor: byZoom(12, 0.6, 15, 4, 18, 18),
  pedestrian: byZoom(13, 0.5, 15, 3, 18, 14),
  service: byZoom(14, 0.4, 16, 2.5, 18, 8),
};
const wider = (width) => ["interpolate", ["exponential", 1.5], ["zoom"], ...width.slice(3).map((value, at) => (at % 2 ? value + 1.6 : value))];

// The built-in map: `ground` is its GeoJSON.
export function builtInStyle(element, ground) {
  const colour = coloursOf(element);
  const data = { type: "geojson", data: ground, attribution: OSM, tolerance: 0.2, maxzoom: 16 };
  const extent = { type: "geojson", data: boxOf(ground.bbox) };
  return { version: 8, sources: { ground: data, extent }, layers: layers(colour) };
}

// Tiles that are pictures, at an address with {z}, {x} and {y}.
export function tileStyle(url) {
  const tiles = { type: "raster", tiles: [url], tileSize: 256, maxzoom: 19, attribution: OSM };
  return { version: 8, sources: { tiles }, layers: [{ id: "tiles", type: "raster", source: "tiles" }] };
}

// Light or dark has changed.
export function repaint(map, element) {
  for (const layer of layers(coloursOf(element))) {
    for (const [name, value] of Object.entries(layer.paint)) map.setPaintProperty(layer.id, name, value);
  }
}

function boxOf([west, south, east, north]) {
  return { type: "Polygon", coordinates: [[[west, south], [east, south], [east, north], [west, north], [west, south]]] };
}

function coloursOf(element) {
  const style = getComputedStyle(element);
  return Object.fromEntries(COLOURS.map((name) => [name, style.getPropertyValue(`--map-${name}`).trim()]));
}

function layers(colour) {
  const of = (kind, ...more) => ["all", ["==", ["get", "kind"], kind], ...more];
  const street = (name) => of("street", ["==", ["get", "class"], name]);
  const layer = (id, type, filter, paint, more = {}) => ({ id, type, source: "ground", filter, paint, ...more });
  const fill = (kind, more) => layer(kind, "fill", of(kind), { "fill-color": colour[kind], ...more });
  const line = (id, filter, paint, minzoom = 0) => layer(id, "line", filter, paint, { minzoom, layout: { "line-cap": "round", "line-join": "round" } });
  const ink = (halo = 1.4) => ({ "text-color": colour.label, "text-halo-color": colour.halo, "text-halo-width": halo });
  const name = (id, filter, minzoom, layout, paint = ink()) => layer(id, "symbol", filter, paint, { minzoom, layout: { "text-field": ["get", "name"], "text-font": FONT, "text-size": 12, "text-max-width": 8, ...layout } });
  const named = ["has", "name"];
  const roads = Object.entries(WIDTHS).reverse();
  return [
    { id: "outside", type: "background", paint: { "background-color": colour.outside } },
    { id: "land", type: "fill", source: "extent", paint: { "fill-color": colour.land } },
    fill("green"), fill("square"), fill("water"),
    line("path", street("path"), { "line-color": colour.path, "line-width": byZoom(14, 0.5, 18, 2.5), "line-dasharray": [2, 1.5] }, 15),
    ...roads.map(([of_class, width]) => line(`casing-${of_class}`, street(of_class), { "line-color": colour.casing, "line-width": wider(width) })),
    ...roads.map(([of_class, width]) => line(`street-${of_class}`, street(of_class), { "line-color": colour.street, "line-width": width })),
    line("rail", of("rail"), { "line-color": colour.rail, "line-width": byZoom(13, 0.5, 18, 1.6) }, 13),
    fill("building", { "fill-outline-color": colour.outline }),
    name("number", ["all", ["any", ["==", ["get", "kind"], "number"], ["==", ["get", "kind"], "building"]], ["any", ["has", "number"], ["==", ["get", "kind"], "number"]]], 17, { "text-field": ["coalesce", ["get", "number"], ["get", "name"]], "text-size": 10 }),
    name("parkname", of("green", named), 15.5, { "text-size": 11 }),
    name("squarename", of("square", named), 15.5, { "text-size": 11 }),
    name("watername", ["all", ["any", ["==", ["get", "kind"], "watername"], ["==", ["get", "kind"], "water"]], named], 13.5, { "text-size": 12 }),
    name("streetname", of("street", named), 14, { "symbol-placement": "line", "text-size": byZoom(14, 10.5, 18, 13), "symbol-spacing": 320 }),
    name("station", of("station"), 14.5, { "text-size": 11.5, "text-font": BOLD }),
    name("place", of("place", ["!=", ["get", "class"], "city"]), 12, { "text-size": 13, "text-font": BOLD, "text-letter-spacing": 0.06, "text-transform": "uppercase" }, { ...ink(2), "text-opacity": ["interpolate", ["linear"], ["zoom"], 16, 1, 17, 0] }),
  ];
}
