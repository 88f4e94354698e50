// How long a board waits before it tries to connect again. After a restart all boards come back: none at the same moment
// as the others, so that the server isn't asked by all of them at once.
export const RESTARTING = 1012, FULL = 1013, SIGNED_OUT = 4401, TOO_MANY = 4429;

const SHORTEST_MS = 500, LONGEST_MS = 6_000, RESTART_MS = 4_000, WHEN_FULL_MS = 60_000;

// Milliseconds before the next try, after so many failures and a close with this code; `chance` is in 0..1.
export function pauseBefore(failures, code, chance = Math.random()) {
  if (isRefused(code)) return WHEN_FULL_MS * (0.5 + chance / 2);
  const grown = Math.min(LONGEST_MS, SHORTEST_MS * 2 ** Math.min(failures, 6));
  return Math.max(grown, code === RESTARTING ? RESTART_MS : 0) * (0.1 + 0.9 * chance);
}

// Whether the server has no place for this board, so that it has to ask for the rows meanwhile.
export const isRefused = (code) => code === FULL || code === TOO_MANY;
