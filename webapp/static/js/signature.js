// A pad to sign on with a finger. Without it (no JavaScript) the form takes a picture of the signature instead.
import SignaturePad from "../vendor/signature_pad@5.1.4/signature_pad.min.js";

for (const field of document.querySelectorAll("[data-signature]")) {
  const canvas = field.querySelector("canvas");
  const value = field.querySelector("input[type=hidden]");
  const pad = new SignaturePad(canvas, { backgroundColor: "rgb(255,255,255)", penColor: "rgb(10,20,60)" });
  const fileField = field.parentElement.querySelector("input[name=signature_file]")?.closest(".field");
  field.hidden = false;
  if (fileField && !fileField.querySelector(".error")) fileField.hidden = true;

  const fit = () => {
    const ratio = Math.max(window.devicePixelRatio || 1, 1);
    if (!canvas.offsetWidth || canvas.width === Math.round(canvas.offsetWidth * ratio)) return;
    const drawn = pad.toData();
    canvas.width = Math.round(canvas.offsetWidth * ratio);
    canvas.height = Math.round(canvas.offsetHeight * ratio);
    canvas.getContext("2d").scale(ratio, ratio);
    pad.clear();
    pad.fromData(drawn);
  };
  new ResizeObserver(fit).observe(canvas);
  pad.addEventListener("endStroke", () => { value.value = pad.toDataURL("image/png"); });
  field.querySelector("[data-clear]").addEventListener("click", () => { pad.clear(); value.value = ""; });
}
