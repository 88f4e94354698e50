// A pad to sign on with a finger. Without it (no JavaScript) the form takes a picture of the signature instead.
import SignaturePad from "../vendor/signature_pad@5.1.4/signature_pad.min.js";

function start(field) {
  field.dataset.started = "yes";
  const canvas = field.querySelector("canvas");
  const value = field.querySelector("input[type=hidden]");
  const pad = new SignaturePad(canvas, { backgroundColor: "rgb(255,255,255)", penColor: "rgb(10,20,60)" });
  const fileField = field.parentElement.querySelector("input[name=signature_file]")?.closest(".field");
  field.hidden = false;
  if (fileField && !fileField.querySelector(".error")) fileField.hidden = true;

  function keep() {
    value.value = pad.isEmpty() ? "" : pad.toDataURL("image/png");
    field.querySelector(".pad")?.classList.toggle("is-signed", !pad.isEmpty());
    field.dispatchEvent(new Event("signed", { bubbles: true }));
  }
  // The drawing area follows the size on the screen, as when the phone is turned; what was signed is drawn again on it,
  // also the signature of a form that came back.
  async function fit() {
    const ratio = Math.max(window.devicePixelRatio || 1, 1);
    if (!canvas.offsetWidth || canvas.width === Math.round(canvas.offsetWidth * ratio)) return;
    canvas.width = Math.round(canvas.offsetWidth * ratio);
    canvas.height = Math.round(canvas.offsetHeight * ratio);
    canvas.getContext("2d").scale(ratio, ratio);
    pad.clear();
    if (value.value) await pad.fromDataURL(value.value, { ratio: 1, width: canvas.offsetWidth, height: canvas.offsetHeight });
    field.querySelector(".pad")?.classList.toggle("is-signed", value.value !== "");
  }
  new ResizeObserver(fit).observe(canvas);
  pad.addEventListener("endStroke", keep);
  field.querySelector("[data-clear]").addEventListener("click", () => { pad.clear(); keep(); });
}

// Pages swap parts in, a form with a pad among them.
const startAll = () => document.querySelectorAll("[data-signature]:not([data-started])").forEach(start);
document.addEventListener("htmx:load", startAll);
startAll();
