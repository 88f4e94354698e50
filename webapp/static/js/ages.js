// How old a driver's position is: fresh under a minute, fading up to five, old after.
const FRESH_S = 60, FADING_S = 300;

export function ageOf(at) {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(at)) / 1000));
  const age = seconds < FRESH_S ? "fresh" : seconds < FADING_S ? "fading" : "old";
  const word = seconds < 60 ? `${seconds} s` : seconds < 3_600 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3_600)} h`;
  return { age, word };
}
