// Says when a page is older than it looks: the server can't be reached, or was away meanwhile. The board's pill, and parts
// that ask again by themselves, say so themselves. Where there is a pill is looked only when something points to trouble:
// a live board hears from the server anyway.
import { clock } from "./clock.js";

const EVERY_MS = 15_000, AGAIN_MS = 3_000, BOUND_MS = 8_000;
const bar = document.querySelector("[data-offline]");
const asOf = document.querySelector("[data-as-of]");
let isAway = false;
let timer;

const saysSoItself = () => document.querySelector("[data-pill], [data-stale-note]");

async function isReachable() {
  try {
    return (await fetch("/health/live", { cache: "no-store", signal: AbortSignal.timeout(BOUND_MS) })).ok;
  } catch {
    return false;
  }
}

function say(away) {
  if (isAway === away) return;
  isAway = away;
  bar.dataset.offline = away ? "away" : "back";
  bar.hidden = Boolean(saysSoItself());
}

// Whoever has a line of their own to the server hears of it, too.
async function ask() {
  const began = performance.now();
  const isBack = await isReachable();
  say(!isBack);
  if (!isBack) document.dispatchEvent(new CustomEvent("connection:away", { detail: { tookMs: performance.now() - began } }));
}

async function look() {
  clearTimeout(timer);
  if (!document.hidden) await ask();
  clearTimeout(timer); // somebody else may have begun to look meanwhile
  lookLater();
}

function lookLater() {
  if (isAway || !document.querySelector("[data-pill]")) timer = setTimeout(look, isAway ? AGAIN_MS : EVERY_MS);
}

// What htmx brings is as of now, and the page with it when it is the whole of it.
function renew({ target }) {
  if (!asOf) return;
  asOf.textContent = clock(new Date(), asOf.dataset.zone);
  if (target.id === "page" && !isAway) bar.hidden = true;
}

if (bar) {
  document.addEventListener("htmx:sendError", () => { say(true); look(); });
  document.addEventListener("htmx:afterSettle", renew);
  document.addEventListener("visibilitychange", look);
  addEventListener("online", look);
  addEventListener("offline", look);
  lookLater();
}
