// Sends the phone's position while the driver wants it: every few seconds when moving, every minute when still, in batches.
const box = document.querySelector("[data-position]");
const MOVING_MS = 10_000, STILL_MS = 60_000, MOVED_M = 25, MOST_WAITING = 500;

if (box && "geolocation" in navigator) {
  const control = box.querySelector("[data-position-switch]");
  const state = box.querySelector("[data-position-state]");
  const token = document.querySelector('meta[name="csrf-token"]').content;
  let watch = null, waiting = [], last = null;
  box.hidden = false;
  control.checked = localStorage.getItem("share-position") === "yes";

  const metres = (a, b) => Math.hypot((a.latitude - b.latitude) * 111_320, (a.longitude - b.longitude) * 111_320 * Math.cos((a.latitude * Math.PI) / 180));

  async function send() {
    if (!waiting.length || !navigator.onLine) return;
    const batch = waiting.slice(0, MOST_WAITING);
    try {
      const response = await fetch(box.dataset.url, { method: "POST", headers: { "Content-Type": "application/json", "X-CSRFToken": token }, body: JSON.stringify({ positions: batch }) });
      if (response.ok || response.status === 400) waiting = waiting.slice(batch.length);
      state.textContent = response.ok ? `Last sent ${new Date().toLocaleTimeString()}` : "Not sent; trying again.";
    } catch {
      state.textContent = `${waiting.length} waiting for a connection.`;
    }
  }
  function note({ coords, timestamp }) {
    const moved = !last || metres(last, coords) > MOVED_M;
    if (last && timestamp - last.at < (moved ? MOVING_MS : STILL_MS)) return;
    last = { latitude: coords.latitude, longitude: coords.longitude, at: timestamp };
    const fix = { latitude: coords.latitude, longitude: coords.longitude, accuracy: coords.accuracy, recordedAt: new Date(timestamp).toISOString() };
    if (coords.speed !== null && coords.speed >= 0) fix.speed = coords.speed;
    if (coords.heading !== null && !Number.isNaN(coords.heading)) fix.heading = coords.heading;
    waiting = [...waiting, fix].slice(-MOST_WAITING);
    send();
  }
  function follow() {
    localStorage.setItem("share-position", control.checked ? "yes" : "no");
    if (control.checked && watch === null) {
      watch = navigator.geolocation.watchPosition(note, (error) => { state.textContent = error.code === 1 ? "The phone does not allow it; see its settings." : "No position at the moment."; }, { enableHighAccuracy: true });
    } else if (!control.checked && watch !== null) {
      navigator.geolocation.clearWatch(watch);
      watch = null;
      state.textContent = "Off.";
    }
  }
  control.addEventListener("change", follow);
  window.addEventListener("online", send);
  setInterval(send, 15_000);
  follow();
}
