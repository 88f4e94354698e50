// The board's line to the server: a WebSocket that opens itself again. A line that is dead doesn't say so: the cable is
// out, the server stands still, and the browser takes minutes to notice. A live one says something at each heartbeat
// (HEARTBEAT_S in webapp/live/hub.py); after a longer silence it is lost, and another one is tried.
import { SIGNED_OUT, isRefused, pauseBefore } from "./board-reconnect.js";

const SILENT_MS = 20_000, OPENING_MS = 10_000, LOOK_MS = 2_000;

export class Line {
  isOpen = false; // something came over it, and nothing says that it is lost
  failures = 0; // how often in a row it was lost; being refused counts more

  #address;
  #whenTold;
  #whenLost;
  #socket = null;
  #ears = null;
  #retry;
  #heardAt = 0;
  #heardDate = 0;

  // Calls `whenTold(frame, isFirst)` for what comes, and `whenLost(reason)`, where a reason was given.
  constructor(path, whenTold, whenLost) {
    this.#address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
    this.#whenTold = whenTold;
    this.#whenLost = whenLost;
    this.connect();
    setInterval(() => this.look(), LOOK_MS);
  }

  // At once, unless it is open; a try that hangs is given up for it.
  connect() {
    if (this.isOpen) return;
    this.#drop();
    this.#hear();
    let isFirst = true;
    this.#socket = new WebSocket(this.#address);
    this.#ears = new AbortController();
    this.#socket.addEventListener("message", ({ data }) => {
      this.#hear();
      this.isOpen = true;
      this.failures = 0;
      this.#whenTold(JSON.parse(data), isFirst);
      isFirst = false;
    }, { signal: this.#ears.signal });
    this.#socket.addEventListener("close", ({ code, reason }) => this.#lose(code, reason), { signal: this.#ears.signal });
  }

  // Takes the line for lost when it has been silent for longer than that.
  look(patience = this.isOpen ? SILENT_MS : OPENING_MS) {
    // Two clocks: the first one stands still while the computer sleeps, the other one may be set.
    const silence = Math.max(performance.now() - this.#heardAt, Date.now() - this.#heardDate);
    if (this.#socket && silence > patience) this.#lose();
  }

  #hear() {
    this.#heardAt = performance.now();
    this.#heardDate = Date.now();
  }

  #lose(code, reason) {
    this.#drop();
    this.failures += isRefused(code) ? 3 : 1;
    if (code === SIGNED_OUT) location.reload();
    this.#whenLost(isRefused(code) ? reason : "");
    this.#retry = setTimeout(() => this.connect(), pauseBefore(this.failures, code));
  }

  // Whatever a dropped socket still says, nobody listens; closing a dead one takes the browser a minute.
  #drop() {
    clearTimeout(this.#retry);
    this.#ears?.abort();
    this.#socket?.close();
    this.#socket = null;
    this.isOpen = false;
  }
}
