// In the route's editor a click on the map is the place of the checkpoint that is being changed or, where none is, added.
const DIGITS = 5; // about a metre

const formOfCheckpoint = () => document.getElementById("edit-form") ?? document.getElementById("add-form");

// Fills in the coordinates and, if somebody hasn't named the place, the name of a known place that is there.
export async function pickPlace(box, { latitude, longitude }, draw) {
  const form = formOfCheckpoint();
  if (!form) return;
  const { location: name, latitude: lat, longitude: lng } = form.elements;
  lat.value = latitude.toFixed(DIGITS);
  lng.value = longitude.toFixed(DIGITS);
  draw();
  const known = await nameOf(`${box.dataset.picksFrom}?latitude=${lat.value}&longitude=${lng.value}`);
  const isOvertaken = lat.value !== latitude.toFixed(DIGITS) || lng.value !== longitude.toFixed(DIGITS);
  if (isOvertaken || !name.isConnected) return;
  if (!name.value || name.value === name.dataset.suggested) name.value = name.dataset.suggested = known;
  const button = form.querySelector("button").textContent.trim();
  const what = name.value ? `${name.value}, ${lat.value}, ${lng.value}. Press ${button} to keep it.` : `${lat.value}, ${lng.value}. Name the place, then press ${button}.`;
  box.querySelector("[data-picked]").textContent = `Chosen: ${what}`;
  name.focus();
  name.select();
}

async function nameOf(address) {
  try {
    const response = await fetch(address);
    return response.ok && !response.redirected ? (await response.json()).name ?? "" : "";
  } catch {
    return ""; // without a suggestion one types the name
  }
}

// The checkpoints with the one of the form where its fields say.
export function withPicked(stops) {
  const form = formOfCheckpoint();
  if (!form?.elements.latitude.value || !form.elements.longitude.value) return stops;
  const { sequence, location: name, latitude, longitude } = form.elements;
  const number = sequence ? Number(sequence.value) : Number(form.closest("tr").id.replace("stop-", ""));
  const picked = { number, name: name.value, state: "next", latitude: Number(latitude.value), longitude: Number(longitude.value) };
  return [...stops.filter((stop) => stop.number !== number), picked].sort((one, other) => one.number - other.number);
}
