// The checkpoints of one delivery or route on a small map. Drawn again when htmx brings another page.
import { openMap } from "./map.js";
import { pickPlace, withPicked } from "./pick-place.js";

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
  let trail = [];
  const draw = () => {
    const places = box.dataset.picksFrom ? withPicked(stops) : stops;
    mine.map.setCheckpoints(places.map((stop) => ({ delivery: "this", ...stop })));
    mine.map.select({ delivery: "this" });
    mine.map.showRoute({ plan: places, trail });
  };
  const onPlace = box.dataset.picksFrom && ((place) => pickPlace(box, place, draw));
  const map = await openMap(box.querySelector("[data-map]"), { onPlace });
  if (mine !== shown) return map?.remove();
  mine.map = map;
  if (!map) return box.querySelector("[data-picked]")?.remove();
  trail = await trailOf(box.dataset.trail);
  if (mine !== shown) return;
  draw();
  map.fit(stops);
}

async function trailOf(address) {
  const response = address ? await fetch(address).catch(() => null) : null;
  return response?.ok ? (await response.json()).trail : [];
}

document.addEventListener("htmx:afterSwap", show);
document.addEventListener("htmx:historyRestore", show);
show();
