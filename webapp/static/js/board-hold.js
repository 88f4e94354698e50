// Nothing moves under the pointer: while it is over a pane, what would move there waits until it leaves, or rests for long.
const RESTED_MS = 10_000;

export class Hold {
  #isOver = false;
  #movedAt = -Infinity;
  #timer;
  #release;

  // `release` is called when what waited may go on; it should ask `waits` again.
  constructor(selector, release) {
    this.#release = release;
    document.addEventListener("pointermove", (event) => this.#move(event.pointerType === "mouse" && Boolean(event.target.closest?.(selector))), { passive: true });
    document.addEventListener("pointerleave", () => this.#move(false));
  }

  waits() {
    clearTimeout(this.#timer);
    const leftMs = this.#isOver ? this.#movedAt + RESTED_MS - performance.now() : 0;
    if (leftMs > 0) this.#timer = setTimeout(this.#release, leftMs);
    return leftMs > 0;
  }

  #move(isOver) {
    const hasLeft = this.#isOver && !isOver;
    this.#isOver = isOver;
    this.#movedAt = performance.now();
    if (hasLeft) this.#release();
  }
}
