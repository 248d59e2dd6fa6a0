// What is known of one task, or of one joiner: shown beside the graph, or over it where there is no room.

import { h, icon } from "./dom.js";
import { blockers } from "./state.js";
import { copyButton, duration, errorText, stateName, toText, valueView, viaName } from "./values.js";

/** The inside of the details panel for the node `id`, or null where there is no such node. `go(id)` shows another. */
export function details(run, id, critical, go) {
  if (id.startsWith("join:") || id.startsWith("plan:")) return round(run, id);
  const task = run.tasks.get(Number(id));
  return task ? taskDetails(run, task, critical, go) : null;
}

/** A text that changes whenever the details have to be drawn anew. */
export function signature(run, id) {
  if (!/^\d+$/.test(id)) {
    const r = run.rounds.get(Number(id.split(":")[1]));
    return JSON.stringify([id, r?.thoughts.length, r?.feedback, r?.joinEnded, run.status, r?.plans.length, r?.plans.at(-1)?.to]);
  }
  const task = run.tasks.get(Number(id));
  if (!task) return "";
  return [id, task.state, task.attempt, task.retries.length, task.items.size, [...task.items.values()].filter((i) => i.outcome).length,
    task.progress?.message, task.progress?.fraction, task.started, task.finished, task.after.length, task.callArgs !== null,
    blockers(run, task).length].join("|");
}

function section(title, ...content) {
  return h("section", { class: "detail" }, h("h3", { text: title }), ...content);
}

function facts(entries) {
  return h("dl", { class: "facts" }, entries.filter(([, value]) => value !== null && value !== "" && value !== undefined)
    .flatMap(([name, value]) => [h("dt", { text: name }), h("dd", {}, value)]));
}

function links(run, ids, go) {
  return ids.map((id) => h("button", { type: "button", class: "chip", text: `${id} ${run.tasks.get(id)?.tool ?? ""}`.trim(),
    "aria-label": `Show task ${id}`, on: { click: (event) => go(String(id), event.detail === 0) } }));
}

function taskDetails(run, task, critical, go) {
  const took = task.started !== null && task.finished !== null ? task.finished - task.started : null;
  const begun = task.started ?? task.finished;
  const waited = task.planned !== null && begun !== null ? begun - task.planned : null;
  const users = [...run.tasks.values()].filter((t) => t.dependsOn.includes(task.id)).map((t) => t.id);
  const order = task.after.filter((id) => !task.dependsOn.includes(id)); // what it uses, it comes after anyway
  const open = blockers(run, task);
  const out = [
    h("p", { class: "detail-state", data: { state: task.state } }, icon(task.state), h("span", { text: stateName(task.state) }),
      critical.has(task.id) && h("span", { class: "badge", text: "critical path" })),
  ];
  const { outcome } = task;
  if (outcome?.status === "failed") out.push(section("Error", h("pre", { class: "value error", tabindex: "0", role: "region", "aria-label": "Error", text: errorText(outcome.error) })));
  if (outcome?.status === "skipped") {
    const own = outcome.cause === task.id;
    out.push(section("Why it was skipped", h("p", { text: outcome.reason || (own ? "Its condition did not hold." : `Task ${outcome.cause} has no value.`) }),
      !own && run.tasks.has(outcome.cause) && h("p", { class: "chips" }, links(run, [outcome.cause], go))));
  }
  if (outcome?.status === "cancelled") out.push(section("Why it was cancelled", h("p", { text: outcome.reason || "The run ended before the call did." })));
  if (outcome?.status === "succeeded") out.push(section("Result", valueView(outcome.value ?? null, "Result")));
  if (task.state === "running" && task.progress) out.push(section("Progress", h("p", { text: task.progress.message }), progressBar(task.progress.fraction)));
  if (task.thought) out.push(section("Thought", h("p", { class: "thought", text: task.thought })));
  out.push(section(task.callArgs ? "Arguments of the call" : "Arguments as planned", ...argsView(task)));
  if (task.each) out.push(section("For each", h("p", {}, h("code", { text: `${task.each.name} in ${toText(task.each.in)}` }))));
  if (task.when) out.push(section("Only if", h("p", {}, h("code", { text: typeof task.when === "string" ? task.when : toText(task.when) }))));
  if (task.items.size) out.push(section(`Calls (${task.items.size})`, itemsView(task)));
  if (task.retries.length) {
    out.push(section("Tries that failed", h("ol", { class: "tries" }, task.retries.map((r) => h("li", { text: `${errorText(r.error)} – again after ${duration(r.delay)}` })))));
  }
  out.push(section("Time and order", facts([
    ["Planned at", task.planned === null ? null : duration(task.planned)],
    [open.length ? "Waits for" : "Waited", open.length ? h("span", { class: "chips" }, links(run, open, go)) : waited === null ? null : duration(waited)],
    ["Ran", took === null ? null : duration(took)],
    ["Tries", task.attempt > 1 ? String(task.attempt) : null],
    ["Result", task.via === "call" ? null : viaName(task.via)],
    ["Hedged", task.hedged === null ? null : `a second call was made after ${duration(task.hedged)}`],
    ["Uses", task.dependsOn.length ? h("span", { class: "chips" }, links(run, task.dependsOn, go)) : null],
    ["Ordered after", order.length ? h("span", { class: "chips" }, links(run, order, go)) : null],
    ["Used by", users.length ? h("span", { class: "chips" }, links(run, users, go)) : null],
  ])));
  return { title: task.tool, number: `Task ${task.id}`, content: out.filter(Boolean) };
}

function progressBar(fraction) {
  return Number.isFinite(fraction) ? h("progress", { max: "1", value: fraction, "aria-label": "Progress" }) : null;
}

function argsView(task) {
  const args = task.callArgs ?? task.args;
  if (!Object.keys(args).length) return [h("p", { class: "muted", text: "None." })];
  if (task.callArgs) return [valueView(args, "Arguments")];
  const text = Object.entries(args).map(([name, value]) => `${name} = ${toText(value)}`).join("\n");
  return [valueView(text, "Arguments")];
}

function itemsView(task) {
  const items = [...task.items.values()].sort((a, b) => a.index - b.index);
  const shown = items.slice(0, 100);
  return h("ol", { class: "items", start: "0" }, shown.map((item) => {
    const status = item.outcome?.status ?? "running";
    const value = item.outcome?.status === "succeeded" ? short(item.outcome.value) : item.outcome ? errorText(item.outcome.error) || item.outcome.reason : "";
    return h("li", { data: { state: status } }, icon(status), h("span", { class: "item-index", text: String(item.index) }),
      h("span", { class: "item-value", text: value || stateName(status) }));
  }), items.length > shown.length && h("li", { class: "muted", text: `and ${items.length - shown.length} more` }));
}

function short(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? "";
  return text.length > 160 ? `${text.slice(0, 159)}…` : text;
}

function round(run, id) {
  const r = run.rounds.get(Number(id.split(":")[1]));
  if (!r) return null;
  if (id.startsWith("plan:")) {
    const purposes = { plan: "first plan", repair: "mending tasks", resume: "after a broken stream", replan: "another round", given: "a plan that was given" };
    return { title: "Planner", number: `Round ${r.number}`, content: [
      section("Time", facts(r.plans.map((p) => [purposes[p.purpose] ?? p.purpose, p.to === null ? "writing…" : `${duration(p.from)} to ${duration(p.to)}`]))),
      r.thoughts.length ? section("Thoughts", ...r.thoughts.map((text) => h("p", { class: "thought", text }))) : null,
    ].filter(Boolean) };
  }
  const failed = r.feedback === null && run.status === "failed" && r.number === Math.max(...run.rounds.keys());
  return { title: "Joiner", number: `Round ${r.number}`, content: [
    failed ? section("Error", h("pre", { class: "value error", tabindex: "0", role: "region", "aria-label": "Error", text: errorText(run.error) })) : null,
    section("Time", facts([["From", r.joinStarted === null ? null : duration(r.joinStarted)], ["Took", r.joinEnded === null ? null : duration(r.joinEnded - r.joinStarted)]])),
    r.feedback !== null ? section("What it asked for", h("p", { class: "thought", text: r.feedback })) : null,
    r.feedback === null && run.text ? section("What it wrote", h("div", { class: "value-box" }, h("p", { class: "thought", text: run.text }), copyButton(run.text, "Copy text"))) : null,
  ].filter(Boolean) };
}
