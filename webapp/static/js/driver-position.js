// Sends the phone's position while the driver wants it: every 5 to 15 s when moving, the faster the oftener, every 60 s when
// still; in batches, each fix with its own time. It ends with the page.
import { clock } from "./clock.js";

const box = document.querySelector("[data-position]");
const FAST_MPS = 12, FAST_MS = 5_000, SLOW_MS = 15_000, STILL_MS = 60_000, MOVED_M = 25, MOST_WAITING = 500, SEND_MS = 5_000;
const REMEMBERED = "share-position";

let watch = null;
let waiting = [];
let last = null;
let isSending = false;

const control = box.querySelector("[data-position-switch]");
const token = document.querySelector('meta[name="csrf-token"]').content;
const say = (text) => { box.querySelector("[data-position-state]").textContent = text; };

function metres(a, b) {
  const north = (a.latitude - b.latitude) * 111_320;
  const east = (a.longitude - b.longitude) * 111_320 * Math.cos((a.latitude * Math.PI) / 180);
  return Math.hypot(north, east);
}

function pause(coords) {
  const hasMoved = !last || metres(last, coords) > MOVED_M;
  if (!hasMoved && !(coords.speed > 1)) return STILL_MS;
  return coords.speed >= FAST_MPS ? FAST_MS : SLOW_MS - ((SLOW_MS - FAST_MS) * Math.max(coords.speed ?? 0, 0)) / FAST_MPS;
}

function note({ coords, timestamp }) {
  if (last && timestamp - last.at < pause(coords)) return;
  last = { latitude: coords.latitude, longitude: coords.longitude, at: timestamp };
  const fix = { latitude: coords.latitude, longitude: coords.longitude, accuracy: coords.accuracy, recordedAt: new Date(timestamp).toISOString() };
  if (coords.speed !== null && coords.speed >= 0) fix.speed = coords.speed;
  if (coords.heading !== null && !Number.isNaN(coords.heading)) fix.heading = coords.heading;
  waiting = [...waiting, fix].slice(-MOST_WAITING);
  send();
}

function post(batch) {
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
  return fetch(box.dataset.url, { method: "POST", headers, body: JSON.stringify({ positions: batch }), keepalive: true });
}

async function send() {
  if (!waiting.length || isSending) return;
  isSending = true;
  const batch = waiting;
  try {
    const response = await post(batch);
    // What is refused for good (too old, signed out) would be refused again.
    if (response.ok || (response.status >= 400 && response.status < 500 && response.status !== 429)) waiting = waiting.slice(batch.length);
    if (response.ok) say(`On. Last sent ${clock(new Date(), box.dataset.zone)}`);
    else if (response.status === 401 || response.status === 403) say("Not sent: please sign in again.");
    else say("Not sent; trying again.");
  } catch {
    say(`On. ${waiting.length} waiting for a connection.`);
  } finally {
    isSending = false;
  }
}

function start() {
  say("On. Looking for the position…");
  const failed = (error) => say(error.code === error.PERMISSION_DENIED ? "The phone doesn't allow it; see the browser's settings." : "On, but there is no position at the moment.");
  watch = navigator.geolocation.watchPosition(note, failed, { enableHighAccuracy: true, maximumAge: 5_000 });
}

function stop() {
  navigator.geolocation.clearWatch(watch);
  watch = null;
  last = null;
  say("Off");
}

function follow() {
  localStorage.setItem(REMEMBERED, control.checked ? "yes" : "no");
  if (control.checked && watch === null) start();
  if (!control.checked && watch !== null) stop();
}

if ("geolocation" in navigator) {
  control.checked = localStorage.getItem(REMEMBERED) === "yes";
  box.hidden = "quiet" in box.dataset && !control.checked; // a form isn't the place to ask
  control.addEventListener("change", follow);
  setInterval(send, SEND_MS);
  window.addEventListener("online", send);
  window.addEventListener("pagehide", () => { if (waiting.length && !isSending) post(waiting); });
  follow();
}
