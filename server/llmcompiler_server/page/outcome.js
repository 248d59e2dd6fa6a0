// What a run came to: the answer as it is written, figures, diagnostics. Drawn only where something changed.

import { byId, h, setData, setText } from "./dom.js";
import { markdown } from "./markdown.js";
import { OVER } from "./state.js";
import { copyButton, count, duration, errorText, valueView } from "./values.js";

let answered = null;
let written = null; // the text on show

/** The answer, as far as it is written, or why there is none. */
export function drawAnswer(run) {
  const over = OVER.has(run.status);
  const structured = run.output !== null && typeof run.output !== "string";
  const text = run.text || (typeof run.output === "string" ? run.output : "");
  const box = byId("answer");
  const has = structured || text !== "";
  box.hidden = !has;
  box.classList.toggle("writing", !over);
  const place = byId("answer-text");
  place.setAttribute("aria-busy", String(!over));
  const final = over && run.status === "succeeded";
  const state = `${structured}|${final}|${run.id}`;
  if (structured) {
    if (answered !== state) place.replaceChildren(valueView(run.output, "Answer"));
    written = null;
    byId("answer-tools").replaceChildren();
  } else {
    const whole = final && typeof run.output === "string" ? run.output : text;
    if (written !== whole) place.replaceChildren(...markdown((written = whole)));
    if (answered !== state) byId("answer-tools").replaceChildren(...(final ? [copyButton(whole, "Copy the answer")] : []));
  }
  answered = state;
  setData(byId("failure"), "status", run.status);
  byId("failure").hidden = !over || run.status === "succeeded";
  const why = { cancelled: "The run was cancelled.", interrupted: "The service ended before the run did." };
  setText(byId("failure-text"), errorText(run.error) || why[run.status] || "The run failed.");
}

let figured = "";

/** Times and costs of a run that is over. */
export function drawFigures(run) {
  const { timing, usage } = run;
  const box = byId("figures");
  box.hidden = !timing;
  if (!timing) return;
  const fresh = JSON.stringify([timing, usage, run.id]);
  if (fresh === figured) return;
  figured = fresh;
  const taken = timing.total - timing.joining;
  const speedup = timing.makespan > 0 && taken > 0 ? (timing.planning + timing.sequential) / taken : null;
  const tokens = usage ? (usage.prompt_tokens ?? 0) + (usage.completion_tokens ?? 0) : 0;
  const entries = [
    ["Total", duration(timing.total)],
    ["Calls took", timing.makespan ? duration(timing.makespan) : null],
    ["Critical path", timing.critical_path ? duration(timing.critical_path) : null],
    ["One by one", timing.sequential ? duration(timing.sequential) : null],
    ["Speed-up", speedup && speedup > 1.005 ? `${speedup.toFixed(1)} ×` : null],
    ["Model", usage?.model_calls ? `${count(usage.model_calls, "call")}${tokens ? `, ${count(tokens, "token")}` : ""}` : null],
  ];
  box.replaceChildren(...entries.filter(([, value]) => value).map(([name, value]) => h("div", {}, h("dt", { text: name }), h("dd", { text: value }))));
}

let noted = "";

/** What is wrong, or odd, in the plan. */
export function drawNotes(run) {
  const list = byId("notes-list");
  byId("notes").hidden = run.diagnostics.length === 0;
  const state = `${run.id}:${run.diagnostics.length}`;
  if (state === noted) return;
  noted = state;
  list.replaceChildren(...run.diagnostics.slice(0, 200).map((d) => {
    const place = d.line ? `Line ${d.line}${d.column ? `, column ${d.column}` : ""}` : d.task_id ? `Task ${d.task_id}` : "";
    return h("li", { data: { severity: d.severity ?? "error" } },
      h("p", {}, h("span", { class: "badge", text: d.severity ?? "error" }), h("code", { text: d.code }), place && h("span", { class: "muted", text: place })),
      h("p", { text: d.message }), d.source && h("pre", { class: "value", tabindex: "0", role: "region", "aria-label": "Source", text: d.source }),
      d.hint && h("p", { class: "muted", text: d.hint }));
  }));
}
