// Says when a page is older than it looks: the server can't be reached, or was away meanwhile. The board's pill, and parts
// that ask again by themselves, say so themselves.
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

async function look() {
  clearTimeout(timer);
  if (!document.hidden) say(!(await isReachable()));
  clearTimeout(timer); // somebody else may have begun to look meanwhile
  timer = setTimeout(look, isAway ? AGAIN_MS : EVERY_MS);
}

// What htmx brings is as of now, and the page with it when it is the whole of it.
function renew({ target }) {
  const { zone } = asOf.dataset;
  asOf.textContent = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" }).format(new Date());
  if (target.id === "page" && !isAway) bar.hidden = true;
}

if (bar && asOf) {
  document.addEventListener("htmx:sendError", () => { say(true); look(); });
  document.addEventListener("htmx:afterSettle", renew);
  document.addEventListener("visibilitychange", look);
  addEventListener("online", look);
  addEventListener("offline", look);
  timer = setTimeout(look, EVERY_MS);
}
