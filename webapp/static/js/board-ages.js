// How old each driver's last position is: fresh under a minute, fading up to five, "last seen" after.
const FRESH_S = 60, FADING_S = 300, EVERY_MS = 5_000;

export function takeFixes(fixes) {
  for (const [driver, fix] of Object.entries(fixes ?? {})) {
    for (const place of document.querySelectorAll(`[data-fix-of="${driver}"]`)) place.dataset.fixAt = fix.at;
  }
}

export function showAges() {
  for (const place of document.querySelectorAll("[data-fix-at]")) {
    const seconds = Math.max(0, Math.round((Date.now() - Date.parse(place.dataset.fixAt)) / 1000));
    place.dataset.age = seconds < FRESH_S ? "fresh" : seconds < FADING_S ? "fading" : "old";
    place.textContent = seconds < FADING_S ? inWords(seconds) : `seen ${inWords(seconds)}`;
    place.title = `Last position ${inWords(seconds)} ago`;
  }
}

function inWords(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3_600)} h`;
}

setInterval(showAges, EVERY_MS);
