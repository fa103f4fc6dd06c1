/* Requests to the server that the page came from: OpenAI's REST interface. */

/** A request that failed; its message is one sentence for the user. */
export class RequestError extends Error {
  constructor(message, status = 0, retryAfterS = 0) {
    super(message);
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}

const UNREACHABLE = "The server cannot be reached. Is it still running?";
const BROKEN_OFF =
  "The server broke off the transfer. It has stopped, or takes no recording as large as this.";

/** What every request needs; main.js changes it when the user does. */
export const settings = { key: "", needsKey: false, model: "", hotWords: [] };

/** Name the server's model. A status of 401 means that it asks for a key. */
export async function findModel() {
  let response;
  try {
    response = await fetch("v1/models", { headers: authorization() });
  } catch {
    throw new RequestError(UNREACHABLE);
  }
  const body = await response.text();
  if (!response.ok) throw makeError(response.status, body, response.headers.get("Retry-After"));
  const model = parse(body)?.data?.[0];
  if (!model) throw makeError(response.status, body);
  return model.id;
}

/** Transcribe a file and give the server's verbose_json.

    fetch tells nothing of an upload's progress, hence XMLHttpRequest. `onUpload` is called with
    the fraction that was sent; `signal` aborts, which rejects with an AbortError.
*/
export function transcribeFile(file, onUpload, signal) {
  const form = new FormData();
  form.append("model", settings.model);
  form.append("response_format", "verbose_json");
  for (const kind of ["word", "segment"]) form.append("timestamp_granularities[]", kind);
  for (const phrase of settings.hotWords) form.append("keywords", phrase);
  form.append("file", file); // last, so that a server may refuse the fields before it

  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "v1/audio/transcriptions");
    const headers = Object.entries(authorization());
    for (const [name, value] of headers) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onUpload(loaded / total);
    request.upload.onload = () => onUpload(1);
    request.onload = () => {
      const { status, responseText } = request;
      const data = status === 200 && parse(responseText);
      if (data) resolve(data);
      else reject(makeError(status, responseText, request.getResponseHeader("Retry-After")));
    };
    request.onerror = () => reject(new RequestError(BROKEN_OFF));
    request.onabort = () => reject(new DOMException("", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

function authorization() {
  return settings.key ? { Authorization: `Bearer ${settings.key}` } : {};
}

/** Give the object of a JSON text, or undefined: what stands between may answer in its own words. */
function parse(text) {
  try {
    return JSON.parse(text) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Read an error in OpenAI's shape, or say that the answer is none of the server's. */
function makeError(status, body, retryAfter) {
  const unknown = status === 200
    ? "The answer is not from asr serve; something between this page and it answered."
    : `The server answered with the status ${status}.`;
  const message = parse(body)?.error?.message ?? unknown;
  return new RequestError(message, status, Number(retryAfter) || 0);
}
