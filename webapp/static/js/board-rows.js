// Puts rows, which come rendered, where they belong in the list. Nothing jumps under the pointer: while it is over the
// list, or on its way to the button below it, rows are refreshed in their place, and only when it leaves, rests for long,
// or the button "update order" is pressed are they inserted, moved or taken away. The row with the focus keeps its place
// until it loses it. Rows that aren't looked for are there too, hidden, so that a filter shows them at once.
import { Hold } from "./board-hold.js";
import { board, selectedId, tell } from "./board-selection.js";

const MARKED_MS = 4_000, NEWS_MS = 1_500;

export const list = () => document.getElementById("board-list");
const body = () => list().querySelector("tbody");
const rowOf = (id) => document.getElementById(`d-${id}`);

const written = new Map(); // id → seq of the frame that wrote it, so that an older answer undoes nothing
const held = new Map(); // id → the row that waits for its place, null where it goes
const hold = new Hold("#board-list .listbody", () => settle());
let news = 0;
let newsTimer;

// The list was loaded again: what was known of the old one is of no use.
export function forget() {
  written.clear();
  held.clear();
  showHeld();
  applyFilter();
}

const parts = (text) => text.split(" ").filter(Boolean);
const includesAll = (found, wanted) => wanted.every((part) => found.includes(part));

// Answers what tells whether something with such data attributes (a row, a bar) is looked for now.
export function wanted() {
  const facets = parts(list().dataset.facets), words = parts(list().dataset.words);
  return ({ dataset }) => (!facets.length || includesAll(dataset.facets.split(" "), facets)) && (!words.length || includesAll(dataset.search, words));
}
export const isWanted = (one) => wanted()(one);

// Shows the rows that are looked for, at once.
export function applyFilter() {
  const isLookedFor = wanted();
  for (const row of body().children) {
    const isOut = !isLookedFor(row);
    if (row.hidden !== isOut) row.hidden = isOut;
  }
  // What one doesn't see isn't chosen.
  for (const box of body().querySelectorAll("tr[hidden] .c-choose input:checked")) {
    box.checked = false;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }
  showWhetherEmpty();
}

// Answers the ids of the rows that were written.
export function applyRows(frame) {
  const fresh = (id) => frame.seq >= (written.get(id) ?? 0);
  const changes = [...frame.rows.map(({ id, html }) => ({ id, ...parse(html) })), ...frame.removed.map((id) => ({ id, row: null, bar: null }))].filter(({ id }) => fresh(id));
  for (const { id, row } of changes) {
    written.set(id, frame.seq);
    put(id, row);
  }
  if (changes.length) tell("rows", { rows: changes });
  settle();
  return changes.map(({ id }) => id);
}

function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const bar = template.content.querySelector("template")?.content.querySelector("svg") ?? null;
  return { row: template.content.querySelector("tr"), bar };
}

function put(id, row) {
  const old = rowOf(id);
  if (row === null) {
    if (old) held.set(id, null);
    else held.delete(id);
  } else if (old) {
    const isOut = !isWanted(row), isSame = old.dataset.sort === row.dataset.sort && old.hidden === isOut;
    refresh(old, row);
    row.classList.toggle("is-leaving", isOut && !row.hidden);
    if (isSame) held.delete(id);
    else held.set(id, row);
  } else {
    held.set(id, row);
  }
}

function refresh(old, row) {
  const focused = old.contains(document.activeElement) ? document.activeElement.className : null;
  const wasFocusedBox = old.querySelector(".c-choose input") === document.activeElement;
  row.hidden = old.hidden;
  row.querySelector(".c-choose input").checked = old.querySelector(".c-choose input").checked;
  row.classList.toggle("is-chosen", old.classList.contains("is-chosen"));
  if (old.classList.contains("is-selected")) markSelected(row);
  old.replaceWith(row);
  if (old.dataset.state !== row.dataset.state) mark(row);
  const again = wasFocusedBox ? row.querySelector(".c-choose input") : focused !== null && ((focused && row.querySelector(`a.${CSS.escape(focused)}`)) || row.querySelector(".rowlink"));
  if (again) again.focus({ preventScroll: true });
}

function markSelected(row) {
  row.classList.add("is-selected");
  row.querySelector(".rowlink").setAttribute("aria-current", "true");
}

function mark(row) {
  row.classList.add("changed");
  setTimeout(() => row.classList.remove("changed"), MARKED_MS);
}

// The row that keeps its place on the screen.
const anchor = () => body().querySelector("tr:focus-within") ?? body().querySelector("tr:hover");

function settle(isAsked = false) {
  if (!list() || !held.size || (!isAsked && hold.waits())) return showHeld();
  const kept = anchor();
  const top = kept?.getBoundingClientRect().top;
  const scroller = list().querySelector(".listbody");
  for (const [id, row] of held) {
    const old = rowOf(id);
    if (old && old === kept && old.contains(document.activeElement)) continue;
    held.delete(id);
    if (row === null) old?.remove();
    else place(row, old === null);
  }
  if (kept?.isConnected && top > 0 && top < innerHeight) scroller.scrollBy(0, kept.getBoundingClientRect().top - top);
  showWhetherEmpty();
  return showHeld();
}

function place(row, isNew) {
  row.hidden = !isWanted(row);
  row.classList.remove("is-leaving");
  const next = [...body().rows].find((other) => other !== row && sortOf(other) > row.dataset.sort);
  body().insertBefore(row, next ?? null);
  if (row.dataset.id === selectedId()) markSelected(row);
  if (!isNew || row.hidden) return;
  mark(row);
  announce();
}
// A row that waits for its place must not mislead others about theirs.
const sortOf = (row) => (held.has(row.dataset.id) ? "" : row.dataset.sort);

// How many rows wait, on a button that lets them move at once.
function showHeld() {
  const button = list()?.querySelector("[data-moved]");
  if (!button) return;
  const count = [...held].filter(([id, row]) => row === null || rowOf(id) || isWanted(row)).length;
  button.hidden = count === 0;
  if (count) button.textContent = `${count} row${count > 1 ? "s" : ""} moved — update order`;
}

// Read out politely, a few at a time.
function announce() {
  news += 1;
  clearTimeout(newsTimer);
  newsTimer = setTimeout(() => {
    document.querySelector("[data-news]").textContent = news === 1 ? "A delivery was added to the list." : `${news} deliveries were added to the list.`;
    news = 0;
  }, NEWS_MS);
}

function showWhetherEmpty() {
  const isEmpty = !body().querySelector("tr:not([hidden])");
  const isFiltered = Boolean(list().dataset.facets || list().dataset.words);
  for (const empty of list().querySelectorAll("[data-empty]")) empty.hidden = !isEmpty || (empty.dataset.empty === "filtered") !== isFiltered;
  list().querySelector("[data-table]").hidden = isEmpty;
}

let marked = ""; // to look for it among thousands of rows would take longer than everything else
document.addEventListener("board:select", ({ detail }) => {
  const old = list() && rowOf(marked);
  marked = detail.id ?? "";
  if (old && old.dataset.id !== detail.id) {
    old.classList.remove("is-selected");
    old.querySelector(".rowlink").removeAttribute("aria-current");
  }
  const row = detail.id && rowOf(detail.id);
  if (!row) return;
  markSelected(row);
  if (detail.source !== "list") row.scrollIntoView({ block: "nearest" });
});

document.addEventListener("focusout", () => { if (held.size) requestAnimationFrame(() => settle()); });
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-moved]")) {
    settle(true);
    if (document.activeElement === document.body) list().querySelector("tr.is-selected .rowlink")?.focus({ preventScroll: true });
    return;
  }
  const row = event.target.closest("#board-list tbody tr");
  if (!row || !board() || event.defaultPrevented || event.button) return;
  const link = event.target.closest("a, button, label, input");
  if (link && !link.matches(".rowlink")) return;
  if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a link opens in another tab, as links do
  if (!link && getSelection().toString()) return;
  event.preventDefault();
  tell("select", { id: row.dataset.id, source: "list", opens: true });
});

export function showCounters(counters) {
  for (const [key, count] of Object.entries(counters ?? {})) {
    const shown = list().querySelector(`[data-counter="${key}"]`);
    if (!shown) continue;
    shown.textContent = count;
    shown.parentElement.classList.toggle("is-zero", count === 0 && key !== "all");
  }
}
