// Short messages in the corner, read out by screen readers, gone after ten seconds.
const SHOWN_MS = 10_000;

export function showToast(text) {
  const box = document.createElement("div");
  box.className = "toast-box";
  box.textContent = text;
  document.querySelector(".toasts").append(box);
  setTimeout(() => box.remove(), SHOWN_MS);
}

for (const box of document.querySelectorAll(".toasts .toast-box")) setTimeout(() => box.remove(), SHOWN_MS);
