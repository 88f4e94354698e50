// The table of the drivers' last positions: what stands in the map's place where nothing can be drawn, and beside it for
// those who can't see it. Drivers are a Map of id → { name, isFree, latitude, longitude, at }.
import { showAges } from "./board-ages.js";

const pane = document.getElementById("board-map");
const body = pane?.querySelector("[data-seen]");
const rows = new Map([...(body?.children ?? [])].map((row) => [row.dataset.driver, row]));
const byName = new Intl.Collator();

// All of them, by name.
export function showTable(drivers) {
  for (const [id, row] of rows) {
    if (drivers.has(id)) continue;
    row.remove();
    rows.delete(id);
  }
  const order = [...drivers].sort(([, one], [, other]) => byName.compare(one.name, other.name));
  let next = body.firstElementChild;
  for (const [id, driver] of order) {
    const row = showRow(id, driver);
    if (row === next) next = next.nextElementSibling;
    else body.insertBefore(row, next);
  }
  pane.querySelector("[data-nobody-seen]").hidden = drivers.size > 0;
  pane.querySelector("[data-seen-count]").textContent = `${order.filter(([, driver]) => driver.at).length}/${drivers.size}`;
}

// One of them; answers its row.
export function showRow(id, driver) {
  const row = rows.get(id) ?? emptyRow(id, driver);
  rows.set(id, row);
  const [who, when, where] = row.children;
  who.querySelector("[data-free]").hidden = !driver.isFree;
  if (!driver.at) return row;
  if (!when.querySelector(".fix")) when.replaceChildren(Object.assign(document.createElement("span"), { className: "fix" }));
  // All are shown when one delivery changes, so what is the same is left alone.
  const { dataset } = when.firstElementChild;
  if (dataset.fixAt !== driver.at) Object.assign(dataset, { fixOf: id, fixAt: driver.at });
  const place = `${driver.latitude.toFixed(4)}, ${driver.longitude.toFixed(4)}`;
  if (where.textContent !== place) where.textContent = place;
  showAges(row);
  return row;
}

function emptyRow(id, { name }) {
  const row = document.createElement("tr");
  row.dataset.driver = id;
  const link = document.createElement("a");
  Object.assign(link, { href: `/fleet/drivers/${id}`, textContent: name });
  const free = Object.assign(document.createElement("span"), { className: "soft", textContent: " free" });
  free.dataset.free = "";
  const cells = ["", "nowrap num", "nowrap num"].map((className) => Object.assign(document.createElement("td"), { className }));
  cells[0].append(link, free);
  cells[1].textContent = "none yet";
  cells[2].textContent = "–";
  row.append(...cells);
  return row;
}
