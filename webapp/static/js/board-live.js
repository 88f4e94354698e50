// Keeps the board in step with the server: frames over a WebSocket, a pull where one is missing, polling where there is no
// WebSocket. A frame says what changed after the number `after`, up to and with `seq`.
import { askForJson, askForText } from "./board-ask.js";
import { applyRows, forget, list, showCounters } from "./board-rows.js";
import { adoptSelection, refreshDrawer } from "./board-drawer.js";
import { showAges, takeFixes } from "./board-ages.js";
import { SIGNED_OUT, isRefused, pauseBefore } from "./board-reconnect.js";

const POLL_MS = 5_000, SILENT_MS = 40_000, OTHER_DAY_MS = 30_000;

let seq = Number(list().dataset.seq); // up to where the list shows everything
let head = seq; // how far the server is known to be
let socket = null;
let isOpen = false;
let failures = 0;
let retry;
let heardAt = performance.now();
let goodAt = new Date();
let pulling = null;

const isLive = () => list()?.dataset.live === "yes";

function clock(instant) {
  return new Intl.DateTimeFormat("en-GB", { timeZone: list().dataset.zone, hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(instant);
}

// live, catching-up, reconnecting, polling or other-day.
const WORDS = { live: "live", "catching-up": "catching up", reconnecting: "reconnecting", polling: `checking every ${POLL_MS / 1000} s`, "other-day": "not live" };

// The word is read out when it changes; the time beside it is not.
function say(state) {
  const pill = document.querySelector("[data-pill]");
  const [word, time] = pill.children;
  if (word.textContent !== WORDS[state]) word.textContent = WORDS[state];
  time.textContent = state === "live" || state === "catching-up" ? "" : ` — as of ${clock(goodAt)}`;
  pill.dataset.state = state;
}

function heard() {
  heardAt = performance.now();
  goodAt = new Date();
}

// Takes a frame; `isWhole` says that it holds everything since our own seq, as an answer to a pull does.
async function take(frame, isWhole = false) {
  heard();
  head = frame.resync ? frame.seq : Math.max(head, frame.seq);
  if (list().dataset.followsToday === "yes" && frame.day !== list().dataset.day) location.reload(); // midnight
  if (frame.resync) return loadAgain();
  if (frame.after > seq && !isWhole) return pull();
  seq = Math.max(seq, frame.seq);
  const ids = applyRows(frame);
  showCounters(frame.counters);
  takeFixes(frame.fixes);
  showAges();
  document.dispatchEvent(new CustomEvent("board:changed", { detail: { ids, fixes: frame.fixes } }));
  refreshDrawer(ids);
  if (isOpen) say(frame.isBehind ? "catching-up" : "live");
  return true;
}

// One at a time: whoever asks meanwhile waits for the same answer.
function pull() {
  pulling ??= askForRows().finally(() => { pulling = null; });
  return pulling;
}

async function askForRows() {
  if (isOpen) say("catching-up");
  let before;
  do {
    before = seq;
    const frame = await askForJson(`/board/rows?after=${seq}`);
    if (!frame || !(await take(frame, true))) return false;
  } while (head > seq && seq > before); // a frame came meanwhile that was missing something, too
  return true;
}

async function loadAgain() {
  const html = await askForText(location.href);
  if (html === null) return false;
  const page = new DOMParser().parseFromString(html, "text/html");
  const fresh = page.getElementById("board-list");
  if (!fresh) return false;
  list().replaceWith(fresh);
  window.htmx?.process(fresh);
  adopt();
  if (isOpen) say("live");
  return true;
}

// The list is another one: by htmx (a filter, a search), by Back, or by us.
function adopt() {
  seq = Number(list().dataset.seq);
  forget();
  heard();
  adoptSelection();
  showAges();
  document.dispatchEvent(new CustomEvent("board:loaded"));
  if (isLive() && head > seq) pull();
}

function connect() {
  clearTimeout(retry);
  if (!isLive() || socket) return;
  let isFirst = true;
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/board/live`);
  socket.addEventListener("message", async (event) => {
    const frame = JSON.parse(event.data);
    isOpen = true;
    failures = 0;
    // A log that is shorter than what we have seen is another one: the read models were built anew.
    if (isFirst && frame.seq < seq) frame.resync = true;
    isFirst = false;
    await take(frame);
  });
  socket.addEventListener("close", (event) => {
    socket = null;
    isOpen = false;
    failures += isRefused(event.code) ? 3 : 1;
    if (event.code === SIGNED_OUT) location.reload();
    document.querySelector("[data-pill]").title = isRefused(event.code) ? event.reason : "";
    if (failures < 3) say("reconnecting");
    retry = setTimeout(connect, pauseBefore(failures, event.code));
  });
}

// Where there is no WebSocket the rows are asked for; what time alone changes comes with the whole list, every half minute.
let polls = 0;
let wasGood = true;
async function poll() {
  if (isOpen) {
    if (performance.now() - heardAt > SILENT_MS) socket?.close(); // a dead line says nothing, not even goodbye
    return;
  }
  polls += 1;
  const isGood = await (polls % 6 === 0 ? loadAgain() : pull());
  if (isOpen) return;
  say(!isGood ? "reconnecting" : failures < 3 ? "catching-up" : "polling");
  if (isGood && !wasGood) connect(); // the server is back
  wasGood = isGood;
}

async function refreshOtherDay() {
  if (document.visibilityState === "visible" && (await loadAgain())) say("other-day");
}

function wake() {
  if (!isLive()) return;
  if (isOpen) pull();
  else connect();
}

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id === "board-list" && list()) adopt();
});
document.addEventListener("board:adopt", adopt);
document.addEventListener("htmx:historyRestore", () => { if (list()) adopt(); });
document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") wake(); });
window.addEventListener("online", wake);
window.addEventListener("pageshow", (event) => { if (event.persisted) loadAgain(); });

adoptSelection();
showAges();
if (isLive()) {
  connect();
  setInterval(poll, POLL_MS);
} else {
  say("other-day");
  setInterval(refreshOtherDay, OTHER_DAY_MS);
}
