// Every page of the phone: a page that lies open shows what changed meanwhile, and a finger that taps twice takes one step.
const EVERY_MS = 60_000, SETTLING_MS = 700;

function settle() {
  const button = document.querySelector("[data-step] .bigbutton");
  if (!button) return;
  // The next step's button is where the last one was: a second tap meant for that must not hit it.
  button.classList.add("is-settling");
  button.disabled = true;
  setTimeout(() => {
    button.disabled = false;
    button.classList.remove("is-settling");
  }, SETTLING_MS);
}

async function refresh() {
  const shown = document.querySelector("[data-refresh]");
  if (!shown || document.visibilityState !== "visible" || document.querySelector("form[data-sent]")) return;
  const response = await fetch(location.href).catch(() => null);
  if (!response || (!response.ok && response.status !== 404)) return;
  if (response.redirected) location.reload();
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.querySelector("[data-refresh]");
  if (!fresh || fresh.dataset.version === shown.dataset.version || document.querySelector("form[data-sent]")) return;
  shown.replaceWith(fresh);
  settle();
}

settle();
setInterval(refresh, EVERY_MS);
document.addEventListener("visibilitychange", refresh);
window.addEventListener("online", refresh);
