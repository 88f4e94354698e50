// Puts rows, which come rendered, where they belong in the list. Nothing jumps under the pointer: while somebody points,
// rows are refreshed in their place and only afterwards inserted, moved or taken away; the row with the focus keeps its
// place until it loses it.
const POINTING_MS = 1_500, MARKED_MS = 4_000;

export const list = () => document.getElementById("board-list");
const body = () => list().querySelector("tbody");

const written = new Map(); // id → seq of the frame that wrote it, so that an older answer undoes nothing
const held = new Map(); // id → the row that waits for its place, null where it goes
let pointedAt = -Infinity;
let timer;

// The list was loaded again: what was known of the old one is of no use.
export function forget() {
  written.clear();
  held.clear();
}

export function isWanted(row) {
  const { facets, words } = list().dataset;
  const found = row.dataset.facets.split(" ");
  return parts(facets).every((facet) => found.includes(facet)) && parts(words).every((word) => row.dataset.search.includes(word));
}
const parts = (text) => text.split(" ").filter(Boolean);

// Answers the ids of the rows that were written.
export function applyRows(frame) {
  const fresh = (id) => frame.seq >= (written.get(id) ?? 0);
  const changes = [...frame.rows.map(({ id, html }) => [id, parseRow(html)]), ...frame.removed.map((id) => [id, null])].filter(([id]) => fresh(id));
  for (const [id, row] of changes) {
    written.set(id, frame.seq);
    put(id, row);
  }
  settle();
  return changes.map(([id]) => id);
}

function parseRow(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.querySelector("tr");
}

function put(id, row) {
  const old = document.getElementById(`d-${id}`);
  const stays = row !== null && isWanted(row);
  if (old && row) refresh(old, row);
  if (old && stays && old.dataset.sort === row.dataset.sort) held.delete(id);
  else if (old || stays) held.set(id, stays ? row : null);
  else held.delete(id);
  const shown = document.getElementById(`d-${id}`);
  shown?.classList.toggle("is-leaving", !stays);
}

function refresh(old, row) {
  const focused = old.contains(document.activeElement) ? document.activeElement.className : null;
  if (old.classList.contains("is-selected")) select(row);
  old.replaceWith(row);
  window.htmx?.process(row);
  if (old.dataset.state !== row.dataset.state) mark(row);
  if (focused !== null) (row.querySelector(`a.${focused || "rowlink"}`) ?? row.querySelector(".rowlink")).focus({ preventScroll: true });
}

export function select(row) {
  row.classList.add("is-selected");
  row.querySelector(".rowlink").setAttribute("aria-current", "true");
}

function mark(row) {
  row.classList.add("changed");
  setTimeout(() => row.classList.remove("changed"), MARKED_MS);
}

// The row that keeps its place on the screen.
const anchor = () => body().querySelector("tr:focus-within") ?? body().querySelector("tr:hover");

function settle() {
  clearTimeout(timer);
  if (!list() || !held.size) return;
  const pointing = POINTING_MS - (performance.now() - pointedAt);
  if (pointing > 0) {
    timer = setTimeout(settle, pointing);
    return;
  }
  const kept = anchor();
  const top = kept?.getBoundingClientRect().top;
  for (const [id, row] of held) {
    const old = document.getElementById(`d-${id}`);
    if (old && old === kept) continue;
    held.delete(id);
    if (row === null) old?.remove();
    else insert(row, old === null);
  }
  if (kept && top > 0 && top < innerHeight) scrollBy(0, kept.getBoundingClientRect().top - top);
  showWhetherEmpty();
}

function insert(row, isNew) {
  const place = [...body().rows].find((other) => other !== row && sortOf(other) > row.dataset.sort);
  body().insertBefore(row, place ?? null);
  if (isNew) {
    window.htmx?.process(row);
    mark(row);
  }
}
// A row that waits for its place must not mislead others about theirs.
const sortOf = (row) => (held.has(row.dataset.id) ? "" : row.dataset.sort);

function showWhetherEmpty() {
  const isEmpty = body().rows.length === 0;
  list().querySelector("[data-empty]").hidden = !isEmpty;
  list().querySelector("[data-table]").hidden = isEmpty;
}

document.addEventListener("pointermove", (event) => {
  const isOver = event.pointerType === "mouse" && event.target.closest?.("#board-list tbody");
  pointedAt = isOver ? performance.now() : -Infinity;
  if (!isOver && held.size) settle();
}, { passive: true });
document.addEventListener("focusout", () => { if (held.size) requestAnimationFrame(settle); });

export function showCounters(counters) {
  for (const [key, count] of Object.entries(counters ?? {})) {
    const place = list().querySelector(`[data-counter="${key}"]`);
    if (!place) continue;
    place.textContent = count;
    place.parentElement.classList.toggle("is-zero", count === 0 && key !== "all");
  }
}
