// Requests in the background. No answer, half of one, an error or the sign-in page are all null: that the board isn't live
// is for its pill to say, and whoever asks tries again.
const BOUND_MS = 15_000;

export const askForText = async (url) => (await askForAnswer(url)).found;

// The same, and the answer's status: 0 where there was none.
export const askForAnswer = (url) => ask(url, { "HX-Request": "true" }, (response) => response.text());

export const askForJson = async (url) => (await ask(url, { Accept: "application/json" }, (response) => (isJson(response) ? response.json() : null))).found;

const isJson = (response) => response.headers.get("Content-Type")?.startsWith("application/json");

async function ask(url, headers, read) {
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(BOUND_MS) });
    if (response.headers.has("HX-Redirect")) location.reload();
    const found = response.ok && !response.headers.has("HX-Redirect") ? await read(response) : null;
    return { found, status: response.status };
  } catch {
    return { found: null, status: 0 };
  }
}
