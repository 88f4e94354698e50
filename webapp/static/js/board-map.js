// The board's map: what the list shows, where it is. It is told of changes by events on the document: board:changed (ids of
// deliveries, fixes of drivers), board:loaded (the list is another one) and board:select (see board-selection.js).
import { askForJson } from "./board-ask.js";
import { openMap } from "./map.js";
import { showAges } from "./board-ages.js";
import { select as selectForAll, selectedId } from "./board-selection.js";

const pane = document.getElementById("board-map");
const element = document.getElementById("map");
const table = pane?.querySelector("[data-map-table]");
const SOON_MS = [300, 1_500], MOST_ASKED_FOR = 50;

const deliveries = new Map(); // id → { destination, driver, stops }
const drivers = new Map(); // id → { name, latitude, longitude, heading, at }
const changed = new Set();
let map = null;
let selected = selectedId();
let isWhole = true;
let timer;
let trailOf = { id: null, trail: [] };

// Everything, or what has changed; a part that is no longer in the answer is no longer wanted.
async function load(only = null) {
  const address = new URL("/board/map", location.href);
  address.search = location.search;
  if (only) address.searchParams.set("only", only.join(","));
  const found = await askForJson(address);
  if (!found) return soon();
  isWhole = false;
  for (const id of only ?? deliveries.keys()) deliveries.delete(id);
  for (const delivery of found.deliveries) deliveries.set(delivery.id, delivery);
  for (const driver of found.drivers) drivers.set(driver.id, newer(drivers.get(driver.id), driver));
  const busy = new Set([...deliveries.values()].map(({ driver }) => driver));
  for (const id of drivers.keys()) if (!busy.has(id)) drivers.delete(id);
  show();
  return true;
}

const newer = (known, driver) => (known?.at && !(driver.at > known.at) ? { ...driver, ...fixOf(known) } : driver);
const fixOf = ({ latitude, longitude, heading, at }) => ({ latitude, longitude, heading, at });

// Not all boards at the same moment, and many changes at once.
function soon() {
  const [least, most] = SOON_MS;
  timer ??= setTimeout(async () => {
    timer = undefined;
    const ids = [...changed];
    changed.clear();
    await load(isWhole || ids.length > MOST_ASKED_FOR ? null : ids);
  }, least + Math.random() * (most - least));
}

function show() {
  map?.setDrivers([...drivers].filter(([, driver]) => driver.at).map(([id, driver]) => ({ id, ...driver })));
  map?.setCheckpoints([...deliveries.values()].flatMap(({ id, stops }) => stops.map((stop) => ({ delivery: id, ...stop }))));
  showSelected();
  showTable();
}

function showSelected() {
  const delivery = deliveries.get(selected);
  map?.select({ delivery: selected, driver: delivery?.driver ?? null });
  map?.showRoute({ plan: delivery?.stops ?? [], trail: trailOf.id === selected ? trailOf.trail : [] });
}

async function select(id) {
  selected = id;
  showSelected();
  const delivery = deliveries.get(id);
  if (!delivery) return;
  const driver = drivers.get(delivery.driver);
  map?.fit([...delivery.stops, ...(driver?.at ? [driver] : [])]);
  const found = await askForJson(`/board/deliveries/${id}/trail`);
  if (!found || selected !== id) return;
  trailOf = { id, trail: found.trail };
  showSelected();
}

// Chosen on the map: the others are told, and answer by opening it. A driver with several deliveries shows the next one
// at each click.
function choose(id) {
  select(id);
  selectForAll(id, "map", true);
}

function chooseOf(driver) {
  const own = [...deliveries.values()].filter((delivery) => delivery.driver === driver).sort((one, other) => other.onRoad - one.onRoad);
  const next = own[(own.findIndex(({ id }) => id === selected) + 1) % own.length];
  if (next) choose(next.id);
}

function takeFixes(fixes) {
  const own = deliveries.get(selected)?.driver;
  for (const [id, fix] of Object.entries(fixes ?? {})) {
    const known = drivers.get(id);
    if (!known || (known.at && fix.at <= known.at)) continue;
    drivers.set(id, { ...known, ...fix });
    if (id === own && trailOf.id === selected && trailOf.trail.length) trailOf.trail.push(fix);
  }
}

function showTable() {
  const body = table.querySelector("[data-seen]");
  const rows = new Map([...body.children].map((row) => [row.dataset.driver, row]));
  const order = [...drivers].sort(([, one], [, other]) => one.name.localeCompare(other.name));
  for (const [id, row] of rows) if (!drivers.has(id)) row.remove();
  for (const [id, driver] of order) {
    const row = rows.get(id) ?? emptyRow(id, driver);
    const [, when, where] = row.children;
    if (driver.at) {
      const fix = when.querySelector(".fix") ?? document.createElement("span");
      Object.assign(fix, { className: "fix" });
      Object.assign(fix.dataset, { fixOf: id, fixAt: driver.at });
      if (!fix.isConnected) when.replaceChildren(fix);
      where.textContent = `${driver.latitude.toFixed(4)}, ${driver.longitude.toFixed(4)}`;
    }
    if (!row.isConnected) body.append(row);
  }
  pane.querySelector("[data-nobody-seen]").hidden = drivers.size > 0;
  pane.querySelector("[data-seen-count]").textContent = `${order.filter(([, driver]) => driver.at).length}/${drivers.size}`;
  showAges();
}

function emptyRow(id, { name }) {
  const row = document.createElement("tr");
  row.dataset.driver = id;
  const link = document.createElement("a");
  Object.assign(link, { href: `/fleet/drivers/${id}`, textContent: name });
  const cells = ["", "nowrap num", "nowrap num"].map((className) => Object.assign(document.createElement("td"), { className }));
  cells[0].append(link);
  cells[1].textContent = "none yet";
  cells[2].textContent = "–";
  row.append(...cells);
  return row;
}

async function start() {
  document.addEventListener("board:select", ({ detail: { id, source } }) => { if (source !== "map" && id !== selected) select(id); });
  for (const name of ["board:loaded", "board:filtered"]) document.addEventListener(name, () => { isWhole = true; soon(); });
  document.addEventListener("board:changed", ({ detail: { ids, fixes } }) => {
    takeFixes(fixes);
    for (const id of ids) changed.add(id);
    if (ids.length) soon();
    if (Object.keys(fixes ?? {}).length) show();
  });
  const [opened] = await Promise.all([openMap(element, { onDriver: chooseOf, onDelivery: choose, cover: document.getElementById("drawer") }), load()]);
  map = opened;
  if (!map) return;
  table.open = false;
  show();
  if (selected && deliveries.has(selected)) select(selected);
  else map.fit([...[...drivers.values()].filter(({ at }) => at), ...[...deliveries.values()].flatMap(({ stops }) => stops)]);
}

if (pane) start();
