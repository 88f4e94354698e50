// Keeps the board in step with the server: frames over a WebSocket, a pull where one is missing, polling where there is
// no WebSocket. Rows come rendered; this module only decides whether a row is shown, and where.
import { startKeyboard } from "./board-keys.js";

const board = document.querySelector("[data-board]");
const body = board.tBodies[0];
const pill = document.querySelector("[data-pill]");
const emptyNote = document.querySelector("[data-empty]");
const filter = board.dataset.filter;
const searched = board.dataset.q.trim().toLowerCase();
const SILENT_MS = 40_000, POLL_MS = 5_000, LONGEST_WAIT_MS = 20_000;

let seq = Number(board.dataset.seq);
let lastHeard = Date.now();
let attempts = 0;
let pulling = false;
const waiting = new Map(); // rows that would jump under the pointer wait here until it has gone

const time = () => new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
let asOf = time();

function say(state, text) {
  if (!pill || (pill.dataset.state === state && state === "live")) return;
  pill.dataset.state = state;
  pill.textContent = text;
}

const isWanted = (row) =>
  (!filter || row.dataset.facets.split(" ").includes(filter)) && row.dataset.search.includes(searched);

function parseRow(html) {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  return template.content.firstElementChild;
}

function placeOf(row) {
  for (const other of body.rows) if (other !== row && other.dataset.sort > row.dataset.sort) return other;
  return null;
}

function showRow({ id, inDay, html }) {
  const old = document.getElementById(`d-${id}`);
  const row = parseRow(html);
  if (!inDay || !isWanted(row)) {
    old?.remove();
    return;
  }
  if (old) {
    if (old.outerHTML === row.outerHTML) return;
    const sameText = old.textContent === row.textContent;
    const moves = old.dataset.sort !== row.dataset.sort;
    const hadFocus = old.contains(document.activeElement);
    if (moves && (hadFocus || old.matches(":hover"))) {
      waiting.set(id, row.dataset.sort);
      row.dataset.sort = old.dataset.sort; // stays where it is while somebody points at it
    }
    if (old.ariaSelected === "true") row.ariaSelected = "true";
    old.replaceWith(row);
    if (moves && !waiting.has(id)) body.insertBefore(row, placeOf(row));
    if (hadFocus) row.querySelector(".rowlink").focus();
    if (!sameText) row.classList.add("changed");
  } else {
    body.insertBefore(row, placeOf(row));
    row.classList.add("changed");
  }
  window.htmx?.process(row);
}

body.addEventListener("pointerleave", () => {
  for (const [id, sort] of waiting) {
    const row = document.getElementById(`d-${id}`);
    if (row) {
      row.dataset.sort = sort;
      body.insertBefore(row, placeOf(row));
    }
  }
  waiting.clear();
});

function apply(frame) {
  lastHeard = Date.now();
  asOf = time();
  if (frame.resync) {
    loadAgain(frame.seq);
    return;
  }
  seq = Math.max(seq, frame.seq);
  for (const row of frame.rows) showRow(row);
  if (frame.counters) {
    for (const [name, count] of Object.entries(frame.counters)) {
      const place = document.querySelector(`[data-counter="${name}"]`);
      if (place) place.textContent = count;
    }
  }
  emptyNote.hidden = body.rows.length > 0;
  showAges();
}

async function pull() {
  if (pulling) return;
  pulling = true;
  try {
    const response = await fetch(`/board/rows?after=${seq}`, { headers: { Accept: "application/json" } });
    if (response.redirected) location.reload();
    if (!response.ok) throw new Error(response.statusText);
    apply(await response.json());
    return true;
  } catch {
    return false;
  } finally {
    pulling = false;
  }
}

async function loadAgain(newSeq) {
  try {
    const response = await fetch(location.href);
    if (!response.ok) throw new Error(response.statusText);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.querySelector("[data-board]");
    if (!fresh) { location.reload(); return; }
    body.replaceChildren(...fresh.tBodies[0].rows);
    window.htmx?.process(body);
    seq = Math.max(newSeq, Number(fresh.dataset.seq));
    emptyNote.hidden = body.rows.length > 0;
  } catch {
    say("reconnecting", `reconnecting — as of ${asOf}`);
  }
}

function connect() {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/board/live`);
  let opened = false;
  socket.addEventListener("message", async (event) => {
    const frame = JSON.parse(event.data);
    if (!opened) {
      opened = true;
      attempts = 0;
      if (frame.seq !== seq && !(await pull())) { socket.close(); return; }
      say("live", "live");
    }
    apply(frame);
  });
  socket.addEventListener("close", () => {
    attempts += 1;
    const wait = Math.min(LONGEST_WAIT_MS, 500 * 2 ** Math.min(attempts, 6)) * (0.5 + Math.random() / 2);
    if (opened || attempts < 3) say("reconnecting", `reconnecting — as of ${asOf}`);
    else pull().then((ok) => ok ? say("polling", `refreshing every ${POLL_MS / 1000} s`) : say("reconnecting", `no connection — as of ${asOf}`));
    setTimeout(connect, attempts < 3 ? wait : Math.min(wait, POLL_MS));
  });
  const watch = setInterval(() => {
    if (socket.readyState > WebSocket.OPEN) clearInterval(watch);
    else if (Date.now() - lastHeard > SILENT_MS) socket.close(); // a dead line says nothing, not even goodbye
  }, 5_000);
}

// How old a driver's last position is: fresh, fading, or last seen.
function showAges() {
  for (const place of document.querySelectorAll("[data-fix-at]")) {
    const seconds = Math.max(0, Math.round((Date.now() - Date.parse(place.dataset.fixAt)) / 1000));
    const text = seconds < 60 ? `${seconds} s ago` : seconds < 3600 ? `${Math.floor(seconds / 60)} min ago` : "over 1 h ago";
    place.textContent = seconds < 300 ? text : `last seen ${text}`;
    place.classList.toggle("soft", seconds >= 60);
  }
}

setInterval(showAges, 5_000);
showAges();
startKeyboard(body);
if (board.dataset.live === "yes") connect();
window.addEventListener("online", pull);
