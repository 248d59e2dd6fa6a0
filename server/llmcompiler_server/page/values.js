// Values of the plan language, results and times, as text and as elements. Results are foreign: they are only ever text.

import { h } from "./dom.js";

const CUT = 4_000; // characters of a value that are shown at first
const MOST = 400_000; // and at most: a browser takes seconds to lay out more
const COLOURED = 20_000; // characters up to which JSON is coloured

/** An argument of a plan as one would write it: references as `$1.height`. */
export function toText(value) {
  if (typeof value === "string") return JSON.stringify(value);
  if (value === null || typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `[${value.map(toText).join(", ")}]`;
  if (typeof value.$ref === "string") return `$${value.$ref}`;
  if (typeof value.$var === "string") return value.$var;
  if (typeof value.$template === "string") return JSON.stringify(value.$template);
  const entries = Array.isArray(value.$dict) ? value.$dict : Object.entries(value);
  return `{${entries.map(([name, item]) => `${name}: ${toText(item)}`).join(", ")}}`;
}

/** The arguments of a call in one line, of at most `most` characters. */
export function brief(args, most = 120) {
  const entries = Object.entries(args ?? {});
  const text = entries.map(([name, value]) => (entries.length > 1 ? `${name}: ${toText(value)}` : toText(value))).join(", ");
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** Seconds for people: two or three digits and a unit. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  if (seconds > 0 && seconds < 0.0005) return "< 1 ms";
  if (seconds < 0.0995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(2).replace(/0$/, "")} s`;
  if (seconds < 99.5) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 3600
    ? `${Math.floor(whole / 60)} min ${whole % 60} s`
    : `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** How long ago a moment (seconds since 1970) was. */
export function ago(then, now = Date.now() / 1000) {
  const seconds = now - then;
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return new Date(then * 1000).toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}

export const count = (n, one, many = `${one}s`) => `${n.toLocaleString()} ${n === 1 ? one : many}`;

/** What the service says, as a sentence: its texts begin small. */
export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Why something failed, in one text. `error` is the library's `{type, message}` or the service's `{code, message}`. */
export function errorText(error) {
  if (!error) return "";
  const name = error.type ?? error.code;
  return name && error.message ? `${name}: ${error.message}` : (error.message || name || "");
}

const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;

function coloured(text) {
  const out = [];
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [whole, string, colon, number] = match;
    if (match.index > at) out.push(text.slice(at, match.index));
    const kind = string ? (colon ? "name" : "string") : number ? "number" : "word";
    out.push(h("span", { class: `json-${kind}`, text: string ?? whole }));
    if (colon) out.push(colon);
    at = match.index + whole.length;
  }
  out.push(text.slice(at));
  return out;
}

function size(text) {
  const bytes = new Blob([text]).size;
  return bytes < 1000 ? `${bytes} bytes` : bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** A value, pretty-printed; a large one is cut, with a button for the rest and one to copy it all. */
export function valueView(value, label) {
  const isText = typeof value === "string";
  const text = isText ? value : JSON.stringify(value, null, 2);
  const box = h("pre", { class: "value", tabindex: "0", role: "region", "aria-label": label });
  const show = (most) => {
    const part = text.slice(0, most);
    box.replaceChildren(...(isText || part.length > COLOURED ? [part] : coloured(part)));
    if (part.length < text.length) box.append(h("span", { class: "cut", text: "…" }));
  };
  show(CUT);
  if (text === "") box.replaceChildren(h("span", { class: "cut", text: "an empty text" }));
  const tools = h("div", { class: "value-tools" }, copyButton(text, `Copy ${label.toLowerCase()}`));
  if (text.length > CUT) {
    const what = text.length > MOST ? `Show the first ${size(text.slice(0, MOST))} of ${size(text)}` : `Show all ${size(text)}`;
    const more = h("button", { type: "button", class: "quiet", text: what, on: { click: () => {
      show(MOST);
      more.remove();
      box.focus();
    } } });
    tools.prepend(more);
  }
  return h("div", { class: "value-box" }, box, tools);
}

/** A button that copies a text, or selects nothing and says so where the browser does not allow it. */
export function copyButton(text, label = "Copy") {
  const button = h("button", { type: "button", class: "quiet", text: "Copy", "aria-label": label, on: { click: async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Copying is not allowed here";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  } } });
  return button;
}

const STATES = {
  planned: "planned", running: "running", approval: "waiting for approval", succeeded: "done", failed: "failed",
  skipped: "skipped", cancelled: "cancelled", waiting: "waiting for approval", interrupted: "interrupted",
};

/** A state in words. */
export const stateName = (state) => STATES[state] ?? state;

const VIAS = {
  reused: "the result of an earlier task was used again", merged: "merged with the same call under way",
  constant: "a pure call made before", cache: "from the result cache", batch: "made in a batch",
  fallback: "from the tool's fallback",
};

/** How a task came by its outcome, in words; empty for its own call. */
export const viaName = (via) => VIAS[via] ?? "";
