// How old each driver's last position is, in the list, the timeline and the drawer.
import { ageOf } from "./ages.js";

const EVERY_MS = 5_000;

// A page holds thousands of ages and a frame some dozens of them: they are looked for once, and the others left alone.
export function takeFixes(fixes = {}) {
  if (!Object.keys(fixes).length) return;
  for (const place of document.querySelectorAll("[data-fix-of]")) {
    const fix = fixes[place.dataset.fixOf];
    if (!fix || place.dataset.fixAt === fix.at) continue;
    place.dataset.fixAt = fix.at;
    showAge(place);
  }
}

// All within an element that can have changed, or on the whole page.
export function showAges(within = document) {
  for (const place of within.querySelectorAll("[data-fix-at]")) showAge(place);
}

function showAge(place) {
  const { age, word } = ageOf(place.dataset.fixAt);
  const text = age === "old" ? `seen ${word}` : word;
  if (place.dataset.age !== age) place.dataset.age = age;
  if (place.textContent === text) return;
  place.textContent = text;
  place.title = `Last position ${word} ago`;
}

setInterval(() => showAges(), EVERY_MS);
