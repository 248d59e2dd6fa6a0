// The list of earlier runs.

import { api } from "./api.js";
import { byId, h, icon, setText } from "./dom.js";
import { OVER } from "./state.js";
import { ago, stateName } from "./values.js";

let runs = [];
let next = null;
let current = null;

/** Read the newest runs again; what was paged in before stays. */
export async function refresh() {
  const page = await api.runs(null);
  const known = new Set(page.data.map((run) => run.id));
  const older = runs.length > page.data.length ? runs.filter((run) => !known.has(run.id)) : [];
  if (!older.length) next = page.next ?? null;
  runs = [...page.data, ...older];
  draw();
}

export async function more() {
  const page = await api.runs(next);
  next = page.next ?? null;
  const known = new Set(runs.map((run) => run.id));
  const before = byId("history-list").children.length;
  runs.push(...page.data.filter((run) => !known.has(run.id)));
  draw();
  byId("history-list").children[before]?.querySelector("a").focus();
}

/** Which run is on show, and what it has become. */
export function show(id, status = null) {
  current = id;
  const run = runs.find((r) => r.id === id);
  if (run && status) run.status = status;
  draw();
}

/** Whether another run than the one on show was not over when it was last looked at. */
export const othersUnderWay = () => runs.some((run) => run.id !== current && !OVER.has(run.status));

let drawn = "";

function draw() {
  const now = Date.now() / 1000;
  const list = byId("history-list");
  const text = JSON.stringify([current, next, runs.map((run) => [run.id, run.status, ago(run.created_at, now)])]);
  if (text === drawn) return;
  drawn = text;
  const focused = document.activeElement?.closest("#history-list a")?.getAttribute("href");
  list.replaceChildren(...runs.map((run) => {
    const state = run.status === "waiting" ? "approval" : run.status === "interrupted" ? "cancelled" : run.status;
    return h("li", {}, h("a", { href: `#${run.id}`, class: "past", data: { state: run.status }, "aria-current": run.id === current ? "page" : null },
      icon(state), h("span", { class: "past-text" }, h("span", { class: "past-question", text: run.input }),
        h("span", { class: "past-note", text: `${run.status === "succeeded" ? "answered" : stateName(run.status)} · ${ago(run.created_at, now)}` }))));
  }));
  if (focused) list.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  setText(byId("history-note"), runs.length ? "" : "Your questions will be listed here.");
  byId("history-more").hidden = next === null;
}
