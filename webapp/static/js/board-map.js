// The board's map: what the list shows, where it is. It is told of changes by events on the document: board:changed (ids of
// deliveries, fixes of drivers), board:loaded (the list is another one) and board:select (see board-selection.js).
import { askForJson } from "./board-ask.js";
import { openMap } from "./map.js";
import { list } from "./board-rows.js";
import { showRow, showTable } from "./board-seen.js";
import { select as selectForAll, selectedId } from "./board-selection.js";
import { rest } from "./rest.js";

const pane = document.getElementById("board-map");
const element = document.getElementById("map");
const table = pane?.querySelector("[data-map-table]");
const SOON_MS = [300, 1_500], MOST_ASKED_FOR = 50;

const deliveries = new Map(); // id → { destination, driver, stops }
const drivers = new Map(); // id → { name, isFree, latitude, longitude, heading, at }
const changed = new Set();
const moved = new Set(); // drivers whose new positions aren't drawn yet
const strangers = new Set(); // drivers of whom there were positions, but who aren't on the map: asked for once
let map = null;
let selected = selectedId();
let free = null; // a driver who was chosen without having a delivery
let isWhole = true;
let timer;
let isAboutToAsk = false, wholeAsked = 0, selections = 0;
let trailOf = { id: null, trail: [] };

// Everything, or what has changed; a part that is no longer in the answer is no longer wanted.
async function load(only = null) {
  const address = new URL("/board/map", location.href);
  address.search = location.search;
  if (only) address.searchParams.set("only", only.join(","));
  if (!only) isWhole = false; // at once: meanwhile it may come to be wanted again
  const asked = only ? wholeAsked : ++wholeAsked;
  const found = await askForJson(address);
  if (asked !== wholeAsked) return; // everything has been asked for since, perhaps with other filters
  if (!found) {
    for (const id of only ?? []) changed.add(id);
    isWhole ||= !only;
    return soon();
  }
  const before = only && stopsOf(only);
  for (const id of only ?? deliveries.keys()) deliveries.delete(id);
  for (const delivery of found.deliveries) deliveries.set(delivery.id, delivery);
  for (const driver of found.drivers) drivers.set(driver.id, newer(drivers.get(driver.id), driver));
  const answered = new Set(found.drivers.map(({ id }) => id));
  const busy = new Set([...deliveries.values()].map(({ driver }) => driver));
  for (const [id, driver] of drivers) {
    const isFree = !busy.has(id);
    if (isFree && (!found.showsFree || !driver.at || (!only && !answered.has(id)))) drivers.delete(id);
    else driver.isFree = isFree;
  }
  show({ areStopsNew: !only || stopsOf(only) !== before });
  return true;
}

const stopsOf = (ids) => JSON.stringify(ids.map((id) => deliveries.get(id)?.stops ?? []));
const newer = (known, driver) => (known?.at && !(driver.at > known.at) ? { ...driver, ...fixOf(known) } : driver);
const fixOf = ({ latitude, longitude, heading, at }) => ({ latitude, longitude, heading, at });

// Many changes at once, and not all boards at the same moment; what is done on this one isn't put off for the others.
function soon({ isOwn = false } = {}) {
  const [least, most] = SOON_MS;
  if (isAboutToAsk || (timer && !isOwn)) return;
  clearTimeout(timer);
  timer = setTimeout(ask, isOwn ? 0 : least + Math.random() * (most - least));
}

async function ask() {
  timer = undefined;
  isAboutToAsk = true;
  await rest();
  isAboutToAsk = false;
  const ids = [...changed];
  changed.clear();
  await load(isWhole || ids.length > MOST_ASKED_FOR ? null : ids);
}

function show({ areStopsNew = true } = {}) {
  map?.setDrivers([...drivers].filter(([, driver]) => driver.at).map(([id, driver]) => ({ id, ...driver })));
  if (areStopsNew) map?.setCheckpoints([...deliveries.values()].flatMap(({ id, stops }) => stops.map((stop) => ({ delivery: id, ...stop }))));
  showSelected();
  showTable(drivers);
}

function showSelected() {
  const delivery = deliveries.get(selected);
  map?.select({ delivery: selected, driver: delivery?.driver ?? free });
  map?.showRoute({ plan: delivery?.stops ?? [], trail: trailOf.id === selected ? trailOf.trail : [] });
}

// Who walks through the list sees the row at once, and the map where he rests.
async function select(id, { source = null, driver = null } = {}) {
  selected = id;
  free = driver;
  const selection = ++selections;
  if (source !== null) await rest();
  if (selection === selections) follow(id, source);
}

async function follow(id, source) {
  showSelected();
  const delivery = deliveries.get(id);
  if (!delivery) return;
  const driver = drivers.get(delivery.driver);
  map?.fit([...delivery.stops, ...(driver?.at ? [driver] : [])], source === "keys" ? { moves: false } : {});
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
  if (next) return choose(next.id);
  selectForAll(null, "map");
  select(null, { driver });
}

function takeFixes(fixes = {}) {
  const own = deliveries.get(selected)?.driver;
  for (const [id, fix] of Object.entries(fixes)) {
    const known = drivers.get(id);
    if (!known) askAbout(id);
    if (!known || (known.at && fix.at <= known.at)) continue;
    drivers.set(id, { ...known, ...fix });
    if (!moved.size) requestAnimationFrame(showMoved);
    moved.add(id);
    if (id === own && trailOf.id === selected && trailOf.trail.length) trailOf.trail.push(fix);
  }
}

// Somebody free who is seen for the first time.
function askAbout(id) {
  if (strangers.has(id) || list().dataset.facets || list().dataset.words) return;
  strangers.add(id);
  isWhole = true;
  soon();
}

function showMoved() {
  const found = [...moved].filter((id) => drivers.has(id));
  const isFirst = found.some((id) => !map?.hasDriver(id));
  moved.clear();
  if (isFirst) return show({ areStopsNew: false });
  map.moveDrivers(found.map((id) => ({ id, ...drivers.get(id) })));
  for (const id of found) showRow(id, drivers.get(id));
  if (found.includes(deliveries.get(selected)?.driver)) showSelected();
}

async function start() {
  document.addEventListener("board:select", ({ detail: { id, source } }) => { if (source !== "map" && id !== selected) select(id, { source }); });
  for (const name of ["board:loaded", "board:filtered"]) document.addEventListener(name, () => { isWhole = true; soon({ isOwn: true }); });
  document.addEventListener("board:changed", ({ detail: { ids, fixes } }) => {
    takeFixes(fixes);
    for (const id of ids) changed.add(id);
    if (ids.length) soon();
  });
  const [opened] = await Promise.all([openMap(element, { onDriver: chooseOf, onDelivery: choose, cover: document.getElementById("drawer") }), load()]);
  map = opened;
  if (!map) return;
  table.open = false;
  show();
  if (selected && deliveries.has(selected)) select(selected);
  else map.fit([...[...drivers.values()].filter(({ at }) => at), ...[...deliveries.values()].flatMap(({ stops }) => stops)], { moves: false });
}

if (pane) start();
