// Who works with the page comes first: what takes long to draw, like a map without a GPU, waits until he rests for a
// moment, since the next press would wait for it. It doesn't wait for ever.
const RESTS_MS = 300, AT_LAST_MS = 2_000;
let workedAt = -Infinity;

const note = () => { workedAt = performance.now(); };
for (const name of ["keydown", "pointerdown", "click", "input"]) document.addEventListener(name, note, { capture: true, passive: true });

export async function rest() {
  const bound = performance.now() + AT_LAST_MS;
  for (;;) {
    const leftMs = Math.min(workedAt + RESTS_MS, bound) - performance.now();
    if (leftMs <= 0) return;
    await new Promise((done) => { setTimeout(done, leftMs); });
  }
}
