// Small things every page needs: the CSRF header for htmx, one submit per form, focus on errors, theme, toasts.
import "./connection.js";
import "./early-changes.js";
import "./filters.js";
import "./htmx-feedback.js";
import { showToast } from "./toasts.js";

const token = document.querySelector('meta[name="csrf-token"]')?.content;

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = token;
});

document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) {
    event.preventDefault();
    return;
  }
  if (event.target.method === "post" && !event.target.hasAttribute("hx-post")) {
    event.target.dataset.sent = "yes";
  }
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

document.querySelector("[data-error-summary]")?.focus();

// A link to a part with something to choose, such as #assign, leads to the choice.
if (location.hash.length > 1) document.getElementById(location.hash.slice(1))?.querySelector("select")?.focus();

document.addEventListener("click", (event) => {
  const menu = document.querySelector(".usermenu[open]");
  if (menu && !menu.contains(event.target)) menu.open = false;
  const button = event.target.closest("[data-theme-choice]");
  if (button) {
    const theme = button.dataset.themeChoice;
    document.cookie = `theme=${theme};path=/;max-age=31536000;samesite=lax`;
    applyTheme(theme);
  }
});

const dark = matchMedia("(prefers-color-scheme: dark)");
function applyTheme(theme) {
  const wanted = theme === "dark" || theme === "light" ? theme : dark.matches ? "dark" : "light";
  document.documentElement.dataset.bsTheme = wanted;
}
function followDevice() {
  if (document.documentElement.dataset.theme === "auto") applyTheme("auto");
}
dark.addEventListener("change", followDevice);
followDevice(); // it may have changed since theme.js looked

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
});

document.addEventListener("toast", (event) => showToast(event.detail.value ?? event.detail.text));
