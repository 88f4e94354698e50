// Choosing several rows (box, key X, Shift for all in between) and doing one thing with them in a dialog.
import { list } from "./board-rows.js";
import { showToast } from "./toasts.js";

const UNDO_MS = 10_000;
const form = () => document.getElementById("many");
const dialog = () => document.querySelector("[data-many-dialog]");
const boxOf = (row) => row.querySelector(".c-choose input");
const shownRows = () => [...list().querySelectorAll("tbody tr:not([hidden])")];
const chosenBoxes = () => [...list().querySelectorAll("tbody .c-choose input:checked")];

let last = null; // the row that was chosen last, from which Shift counts

export const chosenIds = () => chosenBoxes().map((box) => box.value);

export function chooseRow(row, isRange = false) {
  setRow(row, isRange ? true : !boxOf(row).checked, isRange);
}

function setRow(row, isChosen, isRange) {
  const rows = shownRows();
  const from = rows.indexOf(last), to = rows.indexOf(row);
  const span = isRange && from >= 0 ? rows.slice(Math.min(from, to), Math.max(from, to) + 1) : [row];
  for (const one of span) boxOf(one).checked = isChosen;
  last = row;
  refresh();
}

export function chooseNone() {
  for (const box of chosenBoxes()) box.checked = false;
  refresh();
}

function refresh() {
  const chosen = new Set(chosenBoxes().map((box) => box.closest("tr")));
  for (const row of list().querySelectorAll("tbody tr.is-chosen")) if (!chosen.has(row)) row.classList.remove("is-chosen");
  for (const row of chosen) row.classList.add("is-chosen");
  const count = chosen.size, shown = shownRows().length;
  form().classList.toggle("is-open", count > 0);
  form().querySelector("[data-chosen-count]").textContent = count ? `${count} chosen` : "";
  form().querySelector("[data-choose-none]").hidden = count === 0;
  const all = list().querySelector("[data-choose-shown]");
  if (!all) return;
  all.hidden = false;
  const box = all.querySelector("input");
  box.checked = count > 0 && count === shown;
  box.indeterminate = count > 0 && !box.checked;
}

let pending = false;
function refreshSoon() {
  if (pending) return;
  pending = true;
  requestAnimationFrame(() => {
    pending = false;
    if (list()) refresh();
  });
}

// What the server answers to a form, or null where it doesn't.
async function post(url, data) {
  if (form().dataset.busy) return null;
  form().dataset.busy = "yes";
  dialog().classList.add("is-busy");
  try {
    const response = await fetch(url, { method: "POST", body: new URLSearchParams(data), headers: { "HX-Request": "true" } });
    if (response.headers.has("HX-Redirect")) location.reload();
    else if (response.ok || response.status === 422) return await response.text();
    else showToast("That didn't work. Load the page again, then try once more; nothing is done twice.");
  } catch {
    showToast("Waybill can't be reached. Try again in a moment; nothing is done twice.");
  } finally {
    delete form().dataset.busy;
    dialog().classList.remove("is-busy");
  }
  return null;
}

async function send(url, data) {
  const html = await post(url, data);
  if (html !== null) show(html);
}

function show(html) {
  dialog().innerHTML = html;
  if (!dialog().open) dialog().showModal();
  dialog().scrollTop = 0;
  (dialog().querySelector("[aria-invalid='true']") ?? dialog().querySelector("select") ?? document.getElementById("many-title")).focus();
  startUndo();
  dropDone();
}

// One refused delivery was tried again: its new result comes into the old one's place, all others stay.
async function sendOne(oneForm) {
  const old = oneForm.closest(".result");
  const html = await post(oneForm.action, new FormData(oneForm));
  if (html === null) return;
  const answer = document.createElement("template");
  answer.innerHTML = html;
  const fresh = answer.content.querySelector(`[data-result="${old.dataset.result}"]`);
  if (!fresh || !old.isConnected) return show(html);
  old.replaceWith(fresh);
  for (const count of dialog().querySelectorAll("[data-count]")) {
    const found = dialog().querySelectorAll(`.result.${count.dataset.count}`).length;
    count.textContent = found;
    const tally = count.closest("[data-tally]");
    if (tally) tally.hidden = found === 0;
  }
  addToUndo(answer.content.querySelector("[data-many-undo]"));
  dropDone();
  fresh.focus();
}

// The boxes of those that are done are emptied; with the others one may want to do something else.
function dropDone() {
  for (const { dataset } of dialog().querySelectorAll(".result:is(.done, .same)")) {
    const box = document.querySelector(`#d-${dataset.result} .c-choose input`);
    if (box) box.checked = false;
  }
  refresh();
}

function addToUndo(more) {
  if (!more) return;
  const undo = dialog().querySelector("[data-many-undo]");
  if (undo) {
    const taken = [...new Set(`${undo.elements.taken.value} ${more.elements.taken.value}`.split(" "))];
    undo.elements.taken.value = taken.join(" ");
    const count = new Set(taken.map((text) => text.split("=")[1])).size;
    if (count > 1) undo.querySelector("[data-undo-label]").textContent = `Undo all ${count}`;
  } else dialog().querySelector("[data-close-many]").before(more);
  startUndo();
}

// Undo is for what one did by mistake just now. Like a toast it isn't taken away from under somebody's hand.
let undoTimer;
function startUndo() {
  clearInterval(undoTimer);
  const undo = dialog().querySelector("[data-many-undo]");
  if (!undo) return;
  const until = Date.now() + UNDO_MS;
  const tick = () => {
    const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    undo.querySelector("[data-undo-left]").textContent = seconds ? `${seconds} s` : "";
    if (seconds || undo.matches(":hover, :focus-within")) return;
    clearInterval(undoTimer);
    undo.remove();
  };
  tick();
  undoTimer = setInterval(tick, 1_000);
}

export function actOnMany(act) {
  const data = new FormData(form());
  data.set("act", act);
  send(form().action, data);
}

document.addEventListener("submit", (event) => {
  const inDialog = dialog()?.contains(event.target);
  if (!inDialog && event.target.id !== "many") return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (inDialog && event.target.closest(".result")) sendOne(event.target);
  else if (inDialog) send(event.target.action, new FormData(event.target));
  else actOnMany(event.submitter?.value ?? "driver");
}, true);

// A click on a box says with Shift that all in between are meant.
let isShift = false;
document.addEventListener("click", (event) => {
  isShift = event.shiftKey;
  if (event.target.closest("[data-choose-none]")) {
    chooseNone();
    list().querySelector("tr.is-selected .rowlink, tbody .rowlink")?.focus({ preventScroll: true });
  }
  if (event.target.closest("[data-close-many]") && dialog()?.contains(event.target)) {
    event.preventDefault();
    dialog().close();
  }
}, true);

document.addEventListener("change", (event) => {
  const row = event.target.closest("#board-list tbody .c-choose") && event.target.closest("tr");
  if (row && !row.hidden) setRow(row, event.target.checked, isShift);
  else if (row) refreshSoon();
  else if (event.target.closest("[data-choose-shown]")) {
    for (const one of shownRows()) boxOf(one).checked = event.target.checked;
    refresh();
  }
});

for (const name of ["board:rows", "board:loaded", "board:filtered"]) document.addEventListener(name, refreshSoon);
form().classList.add("is-scripted");
refresh();
