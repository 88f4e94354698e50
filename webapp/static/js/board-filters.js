// Chips and words filter in the browser where the list holds the whole day, which is at once; else the list is loaded.
// A chip is a step that Back takes back; typing is not, and filters at each letter; the address follows when one rests.
import "./kept-filters.js";
import { askForText } from "./board-ask.js";
import { applyFilter, list } from "./board-rows.js";
import { remember, tell } from "./board-selection.js";
import { fold } from "./fold.js";
import { showToast } from "./toasts.js";

const RESTS_MS = 150; // browsers allow only so many changes of the address a minute
let waiting;

const query = () => new URL(location.href).searchParams;
const wordsOf = (text) => fold(text).split(/\s+/).filter(Boolean).join(" ");

function facetsOf(params) {
  return [params.get("status"), params.get("filter")].filter(Boolean);
}

// The list as the address wants it.
export async function showWanted() {
  const params = query();
  const isKept = list().dataset.whole === "yes" || (await loadWhole());
  if (!isKept) {
    showToast("Waybill can't be reached, so what you look for can't be shown. Try again in a moment.");
    return;
  }
  list().dataset.facets = facetsOf(params).join(" ");
  list().dataset.words = wordsOf(params.get("q") ?? "");
  markChips(params);
  applyFilter();
  tell("filtered");
}

function markChips(params) {
  const on = facetsOf(params);
  for (const chip of list().querySelectorAll(".counter")) {
    const key = chip.id.slice("chip-".length);
    const isOn = key === "all" ? on.length === 0 : on.includes(key);
    if (isOn) chip.setAttribute("aria-current", "true");
    else chip.removeAttribute("aria-current");
    chip.href = addressOf(chip, key, isOn);
  }
}

function addressOf(chip, key, isOn) {
  const url = new URL(location.href);
  for (const name of ["delivery", "selected"]) url.searchParams.delete(name);
  if (key === "all") for (const name of ["status", "filter"]) url.searchParams.delete(name);
  else if (isOn) url.searchParams.delete(chip.dataset.kind);
  else url.searchParams.set(chip.dataset.kind, key);
  return url.pathname + url.search.replaceAll("%2C", ",");
}

// The page came filtered: fetch the rest of the day once.
let loading = null;
function loadWhole() {
  loading ??= fetchWhole().finally(() => { loading = null; });
  return loading;
}

async function fetchWhole() {
  const date = query().get("date");
  const html = await askForText(`/board${date ? `?date=${date}` : ""}`);
  if (html === null) return false;
  const page = new DOMParser().parseFromString(html, "text/html");
  const fresh = page.getElementById("board-list");
  if (!fresh) return false;
  const focused = list().contains(document.activeElement) ? document.activeElement.id : null;
  list().replaceWith(fresh);
  document.dispatchEvent(new CustomEvent("board:adopt"));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  return true;
}

function rememberWords() {
  clearTimeout(waiting);
  waiting = undefined;
  remember({ q: document.getElementById("q").value.trim() });
}

document.addEventListener("click", (event) => {
  const chip = event.target.closest?.("#board-list .counter");
  if (!chip || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  if (waiting) {
    rememberWords();
    markChips(query());
  }
  const params = new URL(chip.href).searchParams;
  for (const [name, value] of query()) if (["delivery", "selected"].includes(name)) params.set(name, value);
  history.pushState({ board: true }, "", `/board${params.size ? `?${params.toString().replaceAll("%2C", ",")}` : ""}`);
  showWanted();
});

document.addEventListener("input", (event) => {
  if (event.target.id !== "q") return;
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    rememberWords();
    showWanted();
  }, RESTS_MS);
  if (list().dataset.whole !== "yes") return;
  list().dataset.words = wordsOf(event.target.value);
  applyFilter();
});

document.addEventListener("submit", (event) => {
  if (event.target.id !== "board-search") return;
  event.preventDefault();
  rememberWords();
  showWanted();
}, true);

window.addEventListener("popstate", () => {
  if (!list() || location.pathname !== "/board") return;
  const date = list().dataset.followsToday === "yes" ? null : list().dataset.day;
  if (query().get("date") !== date) location.reload();
  else showWanted();
  document.getElementById("q").value = query().get("q") ?? "";
});
