// Requests in the background. No answer, half of one, an error or the sign-in page are all null: that the board isn't live
// is for its pill to say, and whoever asks tries again.
const BOUND_MS = 15_000;

export const askForText = (url) => ask(url, { "HX-Request": "true" }, (response) => response.text());

export const askForJson = (url) => ask(url, { Accept: "application/json" }, (response) => (isJson(response) ? response.json() : null));

const isJson = (response) => response.headers.get("Content-Type")?.startsWith("application/json");

async function ask(url, headers, read) {
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(BOUND_MS) });
    if (response.headers.has("HX-Redirect")) location.reload();
    return response.ok && !response.headers.has("HX-Redirect") ? await read(response) : null;
  } catch {
    return null;
  }
}
