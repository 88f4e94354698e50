// The board at a past instant. Another time, filter, search or selection is another address of this page; the server
// answers what its board shows beyond the one on the screen. Nothing here is live.
import { clock } from "./clock.js";
import "./kept-filters.js";
import { leaveField } from "./leave-field.js";

const STEP = "/board/history/step", FILTERS = ["status", "filter", "q"];
const TYPING_MS = 200, RETRY_MS = 2_000, MOST_MARKED = 60, MARKED_MS = 4_000;

const slider = document.getElementById("minute");
const track = document.getElementById("history-slider");
const list = document.getElementById("board-list");
const body = list.querySelector("tbody");
const drawer = document.getElementById("drawer");
const pill = document.querySelector("[data-pill] [role=status]");
const dayStart = Date.parse(track.dataset.dayStart);

let shown = new URL(location.href); // the address of the board on the screen
let wanted = null; // where somebody wants to be meanwhile: only the last wish counts
let isBusy = false;

// The address that is wanted or shown, with some of its parts changed; null takes one away.
function addressWith(changes) {
  const url = new URL(wanted?.url ?? shown);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  return url;
}

async function go(changes, { isStep = false, focus = null } = {}) {
  wanted = { url: addressWith(changes), isStep: isStep || Boolean(wanted?.isStep), focus: focus ?? wanted?.focus };
  if (isBusy) return;
  isBusy = true;
  while (wanted) {
    const wish = wanted;
    const answer = await ask(wish.url);
    if (answer) {
      if (wanted === wish) wanted = null;
      show(answer, wish, wanted !== null);
    } else {
      pill.textContent = "history — not loaded, trying again";
      await new Promise((done) => { setTimeout(done, RETRY_MS); });
    }
  }
  isBusy = false;
  takeStep();
}

// Changes to go on (or, below 0, back): keys may be faster than answers, and each answer names the next change.
let steps = 0;
function walk(by) {
  steps += by;
  if (!isBusy) takeStep();
}

function takeStep() {
  if (steps === 0) return;
  const link = document.getElementById(steps < 0 ? "change-before" : "change-after");
  steps = link.dataset.goTo ? steps - Math.sign(steps) : 0;
  goTo(link);
}

const isSame = (one, other, names) => names.every((name) => one.searchParams.get(name) === other.searchParams.get(name));

async function ask(url) {
  const query = new URLSearchParams(url.search);
  if (isSame(url, shown, FILTERS)) query.set("from", list.dataset.at);
  try {
    const response = await fetch(`${STEP}?${query}`, { signal: AbortSignal.timeout(15_000) });
    const isAnswer = response.ok && response.headers.get("Content-Type") === "application/json";
    if (!isAnswer && response.status < 500) location.assign(url); // signed out, or an address that makes no sense
    return isAnswer ? await response.json() : null;
  } catch {
    return null;
  }
}

function show(answer, { url, isStep, focus }, isOvertaken) {
  const isAnother = shown.searchParams.get("delivery") !== url.searchParams.get("delivery");
  placeRows(answer, isSame(url, shown, FILTERS));
  shown = url;
  list.dataset.at = answer.at;
  fill(document.getElementById("moment"), answer.moment);
  fill(list.querySelector("[data-counters]"), answer.counters);
  fill(list.querySelector("[data-empty]"), answer.empty);
  fill(drawer, answer.drawer.trim());
  if (isAnother) drawer.scrollTop = 0;
  if (!isOvertaken) showTime(answer);
  history[isStep ? "pushState" : "replaceState"](null, "", url);
  document.querySelector("#board-search [name=at]").value = answer.at;
  markSelected();
  if (focus && !isOvertaken) document.getElementById(focus)?.focus({ preventScroll: true });
}

// What stays the same keeps its element and its place: moving a thousand rows would take longer than the answer.
function placeRows({ order, rows }, isMarked) {
  const known = new Map([...body.rows].map((row) => [row.dataset.id, row]));
  const template = document.createElement("template");
  template.innerHTML = Object.values(rows).join("");
  const fresh = new Map([...template.content.children].map((row) => [row.dataset.id, row]));
  const focused = document.activeElement.closest?.("#board-list tbody tr")?.dataset.id;
  const changed = [...fresh.values()].filter((row) => known.get(row.dataset.id)?.dataset.state !== row.dataset.state);
  if (isMarked && changed.length <= MOST_MARKED) changed.forEach(mark);
  for (const [id, row] of fresh) known.get(id)?.replaceWith(row);
  const kept = new Set(order);
  for (const [id, row] of known) if (!kept.has(id)) (fresh.get(id) ?? row).remove();
  let next = body.firstElementChild;
  for (const id of order) {
    const row = fresh.get(id) ?? known.get(id);
    if (row === next) next = next.nextElementSibling;
    else body.insertBefore(row, next);
  }
  if (focused) document.querySelector(`#d-${focused} .rowlink`)?.focus({ preventScroll: true });
  list.querySelector("[data-empty]").hidden = order.length > 0;
  list.querySelector("[data-table]").hidden = order.length === 0;
}

// A row that stayed still leads to the instant at which it came; it is put right before somebody can follow it.
function putRight(event) {
  const link = event.target.closest?.("#board-list .rowlink");
  if (link) link.href = addressWith({ delivery: link.closest("tr").dataset.id });
}
document.addEventListener("pointerover", putRight);
document.addEventListener("focusin", putRight);

function mark(row) {
  row.classList.add("changed");
  setTimeout(() => row.classList.remove("changed"), MARKED_MS);
}

function fill(place, html) {
  const focused = place.contains(document.activeElement) ? document.activeElement.id : "";
  const isOpen = place.querySelector("details")?.open;
  place.innerHTML = html;
  const details = place.querySelector("details");
  if (details && isOpen) details.open = true;
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function showTime({ at, words, title }) {
  pill.textContent = words;
  document.querySelector("[data-title]").textContent = title;
  document.title = words[0].toUpperCase() + words.slice(1);
  document.getElementById("time").value = clock(Date.parse(at), track.dataset.zone, true);
  slider.value = Math.floor((Date.parse(at) - dayStart) / 60_000);
  slider.setAttribute("aria-valuetext", clock(Date.parse(at), track.dataset.zone));
}

function markSelected() {
  const id = shown.searchParams.get("delivery");
  for (const row of body.querySelectorAll(".is-selected")) {
    if (row.dataset.id === id) continue;
    row.classList.remove("is-selected");
    row.querySelector(".rowlink").removeAttribute("aria-current");
  }
  const row = id && document.getElementById(`d-${id}`);
  row?.classList.add("is-selected");
  row?.querySelector(".rowlink").setAttribute("aria-current", "true");
}

function open(id, focus = "glance-title") {
  go({ delivery: id }, { focus });
}

function close() {
  const row = document.getElementById(`d-${shown.searchParams.get("delivery")}`);
  go({ delivery: null });
  row?.querySelector(".rowlink").focus({ preventScroll: true });
}

// K and J walk through the rows; an open drawer goes along.
function move(step) {
  const rows = [...body.rows];
  const at = rows.findIndex((row) => row.contains(document.activeElement) || row.classList.contains("is-selected"));
  const row = at < 0 ? rows[step > 0 ? 0 : rows.length - 1] : rows[at + step];
  if (!row) return;
  row.querySelector(".rowlink").focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
  if (drawer.querySelector("[data-glance]")) open(row.dataset.id, "");
}

function goToMinute(minute) {
  const instant = dayStart + minute * 60_000;
  pill.textContent = `history ${clock(instant, track.dataset.zone)}`;
  slider.setAttribute("aria-valuetext", clock(instant, track.dataset.zone));
  go({ at: new Date(instant).toISOString() });
}
slider.addEventListener("input", () => goToMinute(slider.valueAsNumber));

const goTo = (link) => link?.dataset.goTo && go({ at: link.dataset.goTo });

let typing;
document.getElementById("q").addEventListener("input", (event) => {
  clearTimeout(typing);
  typing = setTimeout(() => go({ q: event.target.value.trim() }), TYPING_MS);
});
document.getElementById("board-search").addEventListener("submit", (event) => {
  event.preventDefault();
  go({ q: document.getElementById("q").value.trim() });
});

document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const link = event.target.closest("a");
  const row = event.target.closest("#board-list tbody tr");
  const take = (act) => { event.preventDefault(); act(); };
  if (link?.matches(".changes [data-go-to]")) take(() => walk(link.id === "change-before" ? -1 : 1));
  else if (link?.matches("[data-go-to]")) take(() => goTo(link));
  else if (link?.matches("[data-open]")) take(() => open(link.dataset.open));
  else if (link?.matches("[data-close-drawer]")) take(close);
  else if (link?.matches(".counter")) take(() => chooseFilter(new URL(link.href)));
  else if (row && (!link || link.matches(".rowlink")) && !getSelection().toString()) take(() => open(row.dataset.id));
});

function chooseFilter(url) {
  go(Object.fromEntries(FILTERS.map((name) => [name, url.searchParams.get(name)])), { isStep: true });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const change = { PageUp: -1, "[": -1, PageDown: 1, "]": 1 }[event.key];
  const isTyping = event.target.closest("input:not([type=range]), select, textarea");
  if (event.key === "Escape") {
    if (isTyping) leaveField(event.target);
    else if (drawer.querySelector("[data-glance]")) close();
  }
  if (isTyping) return;
  if (change && (event.key.length === 1 || event.target === slider)) {
    event.preventDefault();
    walk(change);
  } else if (event.key === "Home" && event.target === slider && slider.value === slider.min) {
    goToMinute(Number(slider.min)); // the thumb is there already, and its minute may be half over
  } else if (event.key === "/") {
    event.preventDefault();
    document.getElementById("q").select();
  } else if (event.key.toLowerCase() === "j") move(1);
  else if (event.key.toLowerCase() === "k") move(-1);
});

window.addEventListener("popstate", () => location.reload());
markSelected();
