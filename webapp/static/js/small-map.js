// The checkpoints of one delivery or route on a small map. Drawn again when htmx brings another page.
import { openMap } from "./map.js";

let shown = null;

async function show() {
  const box = document.querySelector("[data-small-map]");
  if (box === shown?.box) return;
  shown?.map?.remove();
  shown = box ? { box, map: null } : null;
  if (!box) return;
  const mine = shown;
  box.hidden = false;
  const stops = JSON.parse(box.dataset.stops);
  const map = await openMap(box.querySelector("[data-map]"));
  if (mine !== shown) return map?.remove();
  mine.map = map;
  if (!map) return;
  const trail = await trailOf(box.dataset.trail);
  map.setCheckpoints(stops.map((stop) => ({ delivery: "this", ...stop })));
  map.select({ delivery: "this" });
  map.showRoute({ plan: stops, trail });
  map.fit(stops);
}

async function trailOf(address) {
  const response = address ? await fetch(address).catch(() => null) : null;
  return response?.ok ? (await response.json()).trail : [];
}

document.addEventListener("htmx:afterSwap", show);
document.addEventListener("htmx:historyRestore", show);
show();
