// How old each driver's last position is: fresh under a minute, fading up to five, "last seen" after.
const FRESH_S = 60, FADING_S = 300, EVERY_MS = 5_000;

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
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(place.dataset.fixAt)) / 1000));
  const age = seconds < FRESH_S ? "fresh" : seconds < FADING_S ? "fading" : "old";
  const text = seconds < FADING_S ? inWords(seconds) : `seen ${inWords(seconds)}`;
  if (place.dataset.age !== age) place.dataset.age = age;
  if (place.textContent === text) return;
  place.textContent = text;
  place.title = `Last position ${inWords(seconds)} ago`;
}

function inWords(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3_600)} h`;
}

setInterval(() => showAges(), EVERY_MS);
