// Keeps the board in step with the server: frames over a WebSocket, a pull where one is missing, polling where there is no
// WebSocket. A frame says what changed after the number `after`, up to and with `seq`.
import { askForJson, askForText } from "./board-ask.js";
import { applyRows, forget, list, showCounters } from "./board-rows.js";
import { adoptSelection, refreshDrawer } from "./board-drawer.js";
import { showAges, takeFixes } from "./board-ages.js";
import { Line } from "./board-line.js";
import { clock } from "./clock.js";

const POLL_MS = 5_000, OTHER_DAY_MS = 30_000;

let seq = Number(list().dataset.seq); // up to where the list shows everything
let head = seq; // how far the server is known to be
let line = null; // only today's board has one
let goodAt = new Date();
let pulling = null;

const isLive = () => list()?.dataset.live === "yes";

// live, catching-up, reconnecting, polling or other-day.
const WORDS = { live: "live", "catching-up": "catching up", reconnecting: "reconnecting", polling: `checking every ${POLL_MS / 1000} s`, "other-day": "not live" };

// The word is read out when it changes; the time beside it is not.
function say(state) {
  const pill = document.querySelector("[data-pill]");
  const [word, time] = pill.children;
  if (word.textContent !== WORDS[state]) word.textContent = WORDS[state];
  time.textContent = state === "live" || state === "catching-up" ? "" : ` — as of ${clock(goodAt, list().dataset.zone, true)}`;
  pill.dataset.state = state;
}

function noteGood() {
  goodAt = new Date();
  list().dataset.goodAt = goodAt.toISOString();
}

// Takes a frame; `isWhole` says that it holds everything since our own seq, as an answer to a pull does.
async function take(frame, isWhole = false) {
  // Midnight. Where today is followed, it is the next day's board from now on; else this day's, which is live no more.
  if (frame.day !== list().dataset.day) {
    location.reload();
    return false;
  }
  noteGood();
  head = frame.resync ? frame.seq : Math.max(head, frame.seq);
  if (frame.resync) return loadAgain();
  if (frame.after > seq && !isWhole) return pull();
  seq = Math.max(seq, frame.seq);
  const ids = applyRows(frame);
  showCounters(frame.counters);
  for (const id of ids) {
    const row = document.getElementById(`d-${id}`);
    if (row) showAges(row);
  }
  takeFixes(frame.fixes);
  document.dispatchEvent(new CustomEvent("board:changed", { detail: { ids, fixes: frame.fixes } }));
  refreshDrawer(ids);
  if (line?.isOpen) say(frame.isBehind ? "catching-up" : "live");
  return true;
}

// One at a time: whoever asks meanwhile waits for the same answer.
function pull() {
  pulling ??= askForRows().finally(() => { pulling = null; });
  return pulling;
}

async function askForRows() {
  if (line?.isOpen) say("catching-up");
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
  if (line?.isOpen) say("live");
  return true;
}

// The list is another one: by htmx (a filter, a search), by Back, or by us.
function adopt() {
  seq = Number(list().dataset.seq);
  forget();
  noteGood();
  adoptSelection();
  showAges();
  document.dispatchEvent(new CustomEvent("board:loaded"));
  if (isLive() && head > seq) pull();
}

function takeFromLine(frame, isFirst) {
  // A log that is shorter than what we have seen is another one: the read models were built anew.
  if (isFirst && frame.seq < seq) frame.resync = true;
  take(frame);
}

function sayLost(reason) {
  document.querySelector("[data-pill]").title = reason;
  if (line.failures < 3) say("reconnecting");
}

// Where there is no WebSocket the rows are asked for; what time alone changes comes with the whole list, every half minute.
let polls = 0;
let wasGood = true;
async function poll() {
  if (line.isOpen) {
    if (head > seq) pull(); // what was missing didn't come
    return;
  }
  polls += 1;
  const isGood = await (polls % 6 === 0 ? loadAgain() : pull());
  if (line.isOpen) return;
  say(!isGood ? "reconnecting" : line.failures < 3 ? "catching-up" : "polling");
  if (isGood && !wasGood) line.connect(); // the server is back
  wasGood = isGood;
}

async function refreshOtherDay() {
  if (document.visibilityState === "visible" && (await loadAgain())) say("other-day");
}

function wake() {
  line?.look();
  if (line?.isOpen) pull();
  else line?.connect();
}

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id === "board-list" && list()) adopt();
});
document.addEventListener("board:adopt", adopt);
document.addEventListener("htmx:historyRestore", () => { if (list()) adopt(); });
document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") wake(); });
window.addEventListener("online", wake);
// The server couldn't be reached; that the line was silent for as long makes it a lost one.
document.addEventListener("connection:away", ({ detail }) => { if (line?.isOpen) line.look(detail.tookMs); });
window.addEventListener("pageshow", (event) => { if (event.persisted) loadAgain(); });

noteGood();
adoptSelection();
showAges();
if (isLive()) {
  line = new Line("/board/live", takeFromLine, sayLost);
  setInterval(poll, POLL_MS);
} else {
  say("other-day");
  setInterval(refreshOtherDay, OTHER_DAY_MS);
}
