// Short messages in the corner, read out by screen readers, gone after ten seconds unless one is reading them.
const SHOWN_MS = 10_000;
const MOST_SHOWN = 3;
const corner = document.querySelector(".toasts");

export function showToast(text) {
  for (const box of [...corner.children]) if (box.textContent === text) box.remove(); // the same again
  const box = document.createElement("div");
  box.className = "toast-box";
  box.textContent = text;
  corner.append(box);
}

function fade(box) {
  if (box.matches(":hover, :focus-within")) setTimeout(() => fade(box), 1_000);
  else box.remove();
}

function startTimer(node) {
  if (node.classList?.contains("toast-box")) setTimeout(() => fade(node), SHOWN_MS);
}

// htmx puts toasts here too.
new MutationObserver((changes) => {
  for (const change of changes) change.addedNodes.forEach(startTimer);
  [...corner.querySelectorAll(".toast-box")].slice(0, -MOST_SHOWN).forEach((box) => box.remove());
}).observe(corner, { childList: true });
corner.querySelectorAll(".toast-box").forEach(startTimer);
