// Talking to the service: requests, problems, the key, and a run's events that survive a broken connection.

import { SseParser } from "./sse.js";

const BASE = new URL("../", import.meta.url); // the page may live below a path of a reverse proxy
const KEY = "llmcompiler-key";
const SILENT = 45_000; // milliseconds without a byte, heartbeats included, after which a stream is taken for dead
const FIRST_DELAY = 400;
const LONGEST_DELAY = 10_000;

/** A request that did not work out: `status` 0 means that no answer came. */
export class ApiError extends Error {
  constructor(status, code, detail, retryAfter = null) {
    super(detail);
    Object.assign(this, { status, code, detail, retryAfter });
  }
}

let rememberedKey = null; // where the browser forbids storage, the key lives as long as the page

export const key = {
  get() {
    try {
      return sessionStorage.getItem(KEY) ?? rememberedKey;
    } catch {
      return rememberedKey;
    }
  },
  set(text) {
    rememberedKey = text;
    try {
      if (text === null) sessionStorage.removeItem(KEY);
      else sessionStorage.setItem(KEY, text);
    } catch {
      // Storage is forbidden: see above.
    }
  },
};

let keyAsker = async () => false;
let asking = null;

/** Who asks the user for a key: `async (problem) => boolean`, true when there is a new one to try. */
export function askForKeyWith(asker) {
  keyAsker = asker;
}

async function send(method, path, { body, headers = {}, signal } = {}) {
  for (;;) {
    const used = key.get();
    const all = { Accept: "application/json", ...headers };
    if (used) all.Authorization = `Bearer ${used}`;
    if (body !== undefined) all["Content-Type"] = "application/json";
    let response;
    try {
      response = await fetch(new URL(path, BASE), {
        method,
        headers: all,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal,
        cache: "no-store",
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new ApiError(0, "no-answer", "The service can not be reached.");
    }
    if (response.ok) return response;
    const problem = await problemOf(response);
    if (response.status !== 401) throw problem;
    // Several requests may fail at once: the user is asked once.
    if (used === key.get()) {
      asking ??= keyAsker(problem).finally(() => (asking = null));
      if (!(await asking)) throw problem;
    }
  }
}

async function problemOf(response) {
  let body = null;
  try {
    body = await response.json();
  } catch {
    // Not the service itself but something before it, which does not speak problem+json.
  }
  const detail = typeof body?.detail === "string" ? body.detail : response.statusText || `HTTP ${response.status}`;
  const after = Number.parseFloat(response.headers.get("Retry-After"));
  return new ApiError(response.status, body?.code ?? "error", detail, Number.isNaN(after) ? null : after);
}

const json = async (...request) => (await send(...request)).json();
const run = (id) => `v1/runs/${encodeURIComponent(id)}`;

/** A run as it is now; `age` is the seconds since it began by the service's own clock, null where it does not tell. */
async function look(id, signal) {
  const response = await send("GET", run(id), { signal });
  const told = Date.parse(response.headers.get("Date")) / 1000; // whole seconds: up to one too few
  const record = await response.json();
  return { ...record, age: Number.isNaN(told) ? null : Math.max(0, told - record.created_at) };
}

export const api = {
  tools: () => json("GET", "v1/tools"),
  start: (input, idempotencyKey) =>
    json("POST", "v1/runs", { body: { input, background: true }, headers: { "Idempotency-Key": idempotencyKey } }),
  run: look,
  runs: (after) => json("GET", `v1/runs?limit=20${after ? `&after=${encodeURIComponent(after)}` : ""}`),
  cancel: (id) => json("POST", `${run(id)}/cancel`),
  decide: (id, task, decision) => json("POST", `${run(id)}/approvals/${encodeURIComponent(task)}`, { body: decision }),
};

/** Whether the same request may work out a little later. */
const isPassing = (error) => !(error instanceof ApiError) || error.status === 0 || error.status === 429 || error.status >= 500;

/** The same run, asked for until the service answers; throws where it answers that there is none to be had. */
export async function lookUntilAnswered(id, { onConnection, signal }) {
  for (let delay = FIRST_DELAY; ; delay = Math.min(delay * 2, LONGEST_DELAY)) {
    try {
      const record = await look(id, signal);
      onConnection("open");
      return record;
    } catch (error) {
      if (signal.aborted || !isPassing(error)) throw error;
      onConnection("lost");
      await pause(Math.max(delay, (error.retryAfter ?? 0) * 1000), signal);
    }
  }
}

const OVER = new Set(["succeeded", "failed", "cancelled", "interrupted"]);

/**
 * Every event of a run, in order and once each, however often the connection breaks.
 *
 * `onEvents(list)` gets them in the pieces they came in, `onConnection("open" | "lost")` tells of the connection. Returns
 * when the run is over; throws where the run can not be read.
 */
export async function follow(id, { onEvents, onConnection, signal }) {
  let last = -1;
  let finished = false;
  let delay = FIRST_DELAY;
  while (!signal.aborted) {
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    signal.addEventListener("abort", stop, { once: true });
    let timer = setTimeout(stop, SILENT);
    const before = last;
    try {
      const headers = { Accept: "text/event-stream" };
      if (last >= 0) headers["Last-Event-ID"] = String(last);
      const response = await send("GET", `${run(id)}/events`, { headers, signal: attempt.signal });
      onConnection("open");
      if (response.status === 204) return; // nothing is left to come
      const parser = new SseParser();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      read: for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        clearTimeout(timer);
        timer = setTimeout(stop, SILENT);
        const fresh = [];
        for (const message of parser.feed(value)) {
          const event = JSON.parse(message.data);
          if (!Number.isInteger(event.seq) || event.seq <= last) continue;
          if (event.seq > last + 1) {
            // Something is missing: what came so far is good, the rest is asked for again.
            if (fresh.length) onEvents(fresh);
            attempt.abort();
            break read;
          }
          last = event.seq;
          finished ||= event.type === "RunFinished";
          fresh.push(event);
        }
        if (fresh.length) {
          delay = FIRST_DELAY;
          onEvents(fresh);
        }
        if (finished) return;
      }
      // The stream ended without an end of the run. Either it broke, and there is more to be had; or the run has none.
      const record = await api.run(id, signal);
      if (OVER.has(record.status) && (last === before || last >= record.events - 1)) return;
    } catch (error) {
      if (signal.aborted) return;
      if (!isPassing(error)) throw error;
      if (error.retryAfter) delay = Math.max(delay, error.retryAfter * 1000);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      attempt.abort();
    }
    onConnection("lost");
    await pause(delay, signal);
    delay = Math.min(delay * 2, LONGEST_DELAY);
  }
}

/** Wait, but not longer than until the network is back or nobody is interested any more. */
function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done() {
      clearTimeout(timer);
      removeEventListener("online", done);
      signal.removeEventListener("abort", done);
      resolve();
    }
    addEventListener("online", done);
    signal.addEventListener("abort", done);
  });
}

/** A random name for one request, so that sending it twice starts one run. Also where `crypto.randomUUID` is missing. */
export function randomName() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
