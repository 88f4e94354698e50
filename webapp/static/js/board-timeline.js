// The timeline's pane: zoom, the line that is now, bars that change in their place, and the arrow keys.
import { askForText } from "./board-ask.js";
import { Hold } from "./board-hold.js";
import { isWanted, list, wanted } from "./board-rows.js";
import { remember, select, selectedId } from "./board-selection.js";

const LEVEL_PX = 30, TOP_PX = 3, EVERY_MS = 20_000, REFRESH_MS = 60_000, MARKED_MS = 4_000;
const WORKING_FROM_H = 6, NOW_HOURS = 2;

const pane = () => document.getElementById("board-timeline");
const chart = () => pane()?.querySelector("[data-timeline]");
const scroller = () => pane().querySelector("[data-scroll]");
const barOf = (id) => document.getElementById(`b-${id}`);
const laneOf = (key) => pane().querySelector(`[data-lane-of="${CSS.escape(key)}"]`);
const isShown = () => pane()?.offsetParent !== null;

// --- where and how far ---

// How far the day has come, from 0 to 1.
function progress() {
  const from = Date.parse(chart().dataset.dayStart), to = Date.parse(chart().dataset.dayEnd);
  return (Date.now() - from) / (to - from);
}

function scrollToZoom() {
  if (!chart() || !isShown()) return;
  const track = chart().querySelector(".tl-track").clientWidth;
  const hours = (Date.parse(chart().dataset.dayEnd) - Date.parse(chart().dataset.dayStart)) / 3_600_000;
  const zoom = ["day", "hours", "now"].find((name) => chart().classList.contains(`zoom-${name}`));
  const place = zoom === "now" ? progress() - NOW_HOURS / hours : zoom === "hours" ? WORKING_FROM_H / hours : 0;
  const left = Math.max(0, place * track), seen = scroller().clientWidth - chart().querySelector(".tl-name").offsetWidth;
  const now = progress() * track;
  const isAhead = now < track && now > left + seen; // as in the afternoon on a phone
  scroller().scrollLeft = isAhead ? now - seen / 3 : left;
}

function zoomTo(zoom) {
  for (const name of ["day", "hours", "now"]) chart().classList.toggle(`zoom-${name}`, name === zoom);
  for (const link of pane().querySelectorAll("[data-zoom-to]")) {
    if (link.dataset.zoomTo === zoom) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  document.cookie = `board_zoom=${zoom};path=/;max-age=31536000;samesite=lax`;
  remember({ zoom });
  scrollToZoom();
}

function moveNow() {
  const line = chart()?.querySelector("[data-now-line]");
  if (!line) return;
  const place = `${Math.min(100, progress() * 100).toFixed(3)}%`;
  line.setAttribute("x1", place);
  line.setAttribute("x2", place);
  chart().querySelector("[data-now-flag]").setAttribute("x", place);
}

// --- bars ---

// Bars of a lane that overlap go below each other, as the server lays them out.
function layOut(lane) {
  const track = lane.querySelector(".tl-track");
  const bars = [...track.children].sort((one, other) => one.dataset.from - other.dataset.from || (one.dataset.id < other.dataset.id ? -1 : 1));
  const ends = [];
  for (const bar of bars) {
    let level = ends.findIndex((end) => end <= Number(bar.dataset.from));
    if (level < 0) level = ends.length;
    ends[level] = Number(bar.dataset.to);
    bar.setAttribute("y", TOP_PX + LEVEL_PX * level);
  }
  track.setAttribute("height", LEVEL_PX * Math.max(1, ends.length));
}

// While the pointer is over the lanes bars change in their place; those that come, go or make others move wait.
const held = new Map(); // id → the bar as it is now, null where it goes
const hold = new Hold("#board-timeline [data-scroll]", () => settle());
let isStale = false; // the whole pane is to be loaded anew

function settle() {
  if (!chart() || !(held.size || isStale) || hold.waits()) return;
  let arePut;
  keepPlace(() => {
    arePut = [...held].map(([id, bar]) => put(id, bar));
    held.clear();
    filter();
  });
  if (isStale || arePut.includes(false)) load();
}

// The lane under a pointer that rests stays where it is on the screen.
function keepPlace(change) {
  const lane = chart()?.querySelector("[data-lane-of]:hover");
  const top = lane?.getBoundingClientRect().top;
  change();
  const kept = lane && laneOf(lane.dataset.laneOf);
  if (kept) scroller().scrollTop += kept.getBoundingClientRect().top - top;
}

// Answers whether there is a lane for the bar.
function put(id, bar, mayMove = true) {
  const old = barOf(id);
  const from = old?.closest("[data-lane-of]");
  const to = bar && laneOf(bar.dataset.lane);
  if (bar && !to) return false; // a lane that isn't there yet
  if (!mayMove && (!bar || from !== to)) return true;
  const hadFocus = old?.contains(document.activeElement);
  if (bar) {
    mark(bar, id === selectedId(), old && old.dataset.state === bar.dataset.state);
    if (!mayMove) stayLike(old, bar);
    if (from === to && old) old.replaceWith(bar);
    else to.querySelector(".tl-track").append(bar);
    if (mayMove) layOut(to);
  }
  if (old !== bar) old?.remove();
  if (from && from !== to) layOut(from);
  if (hadFocus) (bar ? bar.querySelector("a") : scroller()).focus({ preventScroll: true });
  return true;
}

function stayLike(old, bar) {
  bar.setAttribute("y", old.getAttribute("y"));
  bar.classList.toggle("is-out", old.classList.contains("is-out"));
}

function mark(bar, isSelected, isSame) {
  bar.classList.toggle("is-selected", isSelected);
  bar.classList.toggle("is-out", !isWanted(bar));
  if (isSame) return;
  bar.classList.add("changed");
  setTimeout(() => bar.classList.remove("changed"), MARKED_MS);
}

function filter() {
  if (!chart()) return;
  const isFiltered = Boolean(list().dataset.facets || list().dataset.words);
  chart().classList.toggle("is-filtered", isFiltered);
  const isLookedFor = wanted();
  for (const lane of chart().querySelectorAll("[data-lane-of]")) {
    let any = !isFiltered;
    for (const bar of lane.querySelector(".tl-track").children) {
      const isOut = isFiltered && !isLookedFor(bar);
      if (bar.classList.contains("is-out") !== isOut) bar.classList.toggle("is-out", isOut);
      any ||= !isOut;
    }
    if (lane.classList.contains("is-out") !== !any) lane.classList.toggle("is-out", !any);
  }
}

// The whole pane anew: where a lane is missing, and now and then for what bars don't tell, drivers who are off.
let loading = null;
function load() {
  isStale = Boolean(chart()) && hold.waits();
  if (isStale) return loading;
  loading ??= fetchPane().finally(() => { loading = null; });
  return loading;
}

async function fetchPane() {
  const html = await askForText(`/board/timeline${location.search}`);
  if (html === null || !pane()) return;
  isStale = Boolean(chart()) && hold.waits(); // the pointer came meanwhile
  if (isStale) return;
  const isFirst = !chart();
  const focused = pane().contains(document.activeElement) ? document.activeElement.closest(".bar")?.dataset.id : null;
  const { scrollLeft = 0, scrollTop = 0 } = scroller() ?? {};
  const hadFocus = pane().contains(document.activeElement);
  held.clear();
  keepPlace(() => {
    pane().innerHTML = html;
    adopt();
    if (chart() && !isFirst) Object.assign(scroller(), { scrollLeft, scrollTop });
  });
  if (!chart()) return;
  if (isFirst) scrollToZoom();
  if (focused) (barOf(focused)?.querySelector("a") ?? scroller()).focus({ preventScroll: true });
  else if (hadFocus) scroller().focus({ preventScroll: true });
}

// Of so many bars one is reached by Tab; the others by arrows.
function adopt() {
  if (!chart()) return;
  for (const link of chart().querySelectorAll(".bar > a")) link.tabIndex = -1;
  filter();
  showSelected(false);
}

let marked = "", reached = null; // remembered: to look for them at each step of J would take longer than the step
function showSelected(scrolls) {
  if (!chart()) return;
  barOf(marked)?.classList.remove("is-selected");
  marked = selectedId() ?? "";
  const bar = marked && barOf(marked);
  if (reached) reached.tabIndex = -1;
  reached = (bar || chart().querySelector(".bar:not(.is-out)"))?.querySelector("a");
  if (reached) reached.tabIndex = 0;
  if (!bar) return;
  bar.classList.add("is-selected");
  if (!scrolls || !isShown()) return;
  const seen = scroller().getBoundingClientRect(), box = bar.getBoundingClientRect();
  const lane = bar.closest("[data-lane-of]"), name = lane.querySelector(".tl-name").offsetWidth;
  if (box.left < seen.left + name || box.left > seen.right - 40) scroller().scrollLeft += box.left - seen.left - name - 40;
  if (lane.getBoundingClientRect().top < seen.top + 30 || lane.getBoundingClientRect().bottom > seen.bottom) lane.scrollIntoView({ block: "nearest" });
}

function step(bar, key) {
  const lane = bar.closest("[data-lane-of]");
  const ofLane = (one) => [...one.querySelectorAll(".bar:not(.is-out)")].sort((a, b) => a.dataset.from - b.dataset.from);
  if (key === "ArrowLeft" || key === "ArrowRight") {
    const bars = ofLane(lane);
    return bars[bars.indexOf(bar) + (key === "ArrowRight" ? 1 : -1)];
  }
  const next = key === "ArrowDown" ? "nextElementSibling" : "previousElementSibling";
  let other = lane[next];
  while (other && (other.classList.contains("is-out") || !ofLane(other).length)) other = other[next];
  if (!other) return null;
  const distance = (one) => Math.abs(one.dataset.from - bar.dataset.from);
  return ofLane(other).reduce((best, one) => (distance(one) < distance(best) ? one : best));
}

document.addEventListener("keydown", (event) => {
  const bar = event.target.closest?.("#board-timeline .bar");
  if (!bar || !event.key.startsWith("Arrow") || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const other = step(bar, event.key);
  if (!other) return;
  select(other.dataset.id, "timeline");
  other.querySelector("a").focus({ preventScroll: true });
  showSelected(true);
});

document.addEventListener("click", (event) => {
  const zoom = event.target.closest("[data-zoom-to]");
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  if (zoom && chart()) {
    event.preventDefault();
    zoomTo(zoom.dataset.zoomTo);
  }
  const bar = event.target.closest("#board-timeline .tl-lanes .bar");
  if (!bar) return;
  event.preventDefault();
  select(bar.dataset.id, "timeline", true);
});

document.addEventListener("board:select", ({ detail }) => showSelected(detail.source !== "timeline"));
// After the list's picture: filtering both before it would make one wait for twice as long.
let soon = 0;
document.addEventListener("board:filtered", () => {
  cancelAnimationFrame(soon);
  soon = requestAnimationFrame(() => { soon = requestAnimationFrame(filter); });
});
document.addEventListener("board:rows", ({ detail }) => {
  if (!chart() || list().dataset.live !== "yes") return;
  const mayMove = !hold.waits();
  for (const { id, bar } of detail.rows) {
    held.set(id, bar);
    if (!mayMove) put(id, bar, false);
  }
  settle();
});
document.addEventListener("board:loaded", () => {
  if (chart() && isShown()) load();
});
document.addEventListener("board:panes", ({ detail }) => {
  if (!detail.panes.includes("timeline")) return;
  if (chart()) scrollToZoom();
  else load();
});

adopt();
scrollToZoom();
setInterval(moveNow, EVERY_MS);
setInterval(() => { if (chart() && isShown() && document.visibilityState === "visible") load(); }, REFRESH_MS);
