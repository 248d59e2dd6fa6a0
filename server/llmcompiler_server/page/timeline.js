// Where the time went: a row for planning, one a task and one for joining, on one axis of seconds.

import { h, roving, setAttribute, setData, setText } from "./dom.js";
import { isDone } from "./state.js";
import { duration, stateName } from "./values.js";

const TICKS = 5;

/** The timeline of one run. `onSelect(id)` hears of clicks; ids as in the graph. */
export class TimelineView {
  #area;
  #axis;
  #list;
  #rows = new Map();
  #scale = 0;
  #room = 0; // pixels of the axis, as last drawn
  #last = null; // what it was drawn from

  constructor(area, { onSelect }) {
    this.#area = area;
    this.#axis = h("div", { class: "axis", "aria-hidden": "true" });
    this.#list = h("div", { class: "rows", role: "group", "aria-label": "Tasks by time" });
    area.append(this.#axis, this.#list);
    // A run that is over is drawn no more, and the window may still change.
    new ResizeObserver(() => {
      if (this.#last && this.#axis.clientWidth !== this.#room) this.update(...this.#last);
    }).observe(this.#axis);
    roving(this.#list, ".row", (current, name) => {
      if (name === "ArrowDown") return current.nextElementSibling;
      if (name === "ArrowUp") return current.previousElementSibling;
      if (name === "Home") return current.parentElement.firstElementChild;
      if (name === "End") return current.parentElement.lastElementChild;
      return null;
    });
    this.#list.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (row) onSelect(row.dataset.id, event.detail === 0);
    });
  }

  clear() {
    this.#rows.clear();
    this.#list.replaceChildren();
    this.#scale = 0;
    this.#last = null;
  }

  select(id) {
    for (const [key, row] of this.#rows) setAttribute(row.button, "aria-pressed", String(key === id));
  }

  /** Draw the run as it is at `now`, in seconds since it began. */
  update(run, critical, now) {
    this.#last = [run, critical, now];
    const room = this.#axis.clientWidth;
    const scale = niceEnd(Math.max(now, 0.02), Math.min(TICKS, Math.max(2, Math.floor(room / 72))));
    if (scale.end !== this.#scale || room !== this.#room) {
      this.#room = room;
      this.#scale = scale.end;
      this.#axis.replaceChildren(...scale.ticks.map((at) => {
        const tick = h("span", { class: "tick", text: at === 0 ? "0" : duration(at) });
        tick.style.left = `${(at / scale.end) * 100}%`;
        return tick;
      }));
    }
    setData(this.#area, "size", run.tasks.size > 40 ? "small" : "large");
    const rounds = [...run.rounds.values()].sort((a, b) => a.number - b.number);
    let at = 0;
    for (const round of rounds) {
      const part = rounds.length > 1 ? ` ${round.number + (rounds[0].number === 0 ? 1 : 0)}` : "";
      this.#row(`plan:${round.number}`, at++, {
        name: `Planner${part}`, number: "", kind: "planner", state: "", critical: false,
        bars: round.plans.map((p) => ["planning", p.from, p.to ?? now]),
        took: round.plans.reduce((sum, p) => sum + (p.to ?? now) - p.from, 0), what: "planning",
      });
      for (const task of run.tasks.values()) if (task.round === round.number) this.#task(task, at++, critical, now);
      if (round.joinStarted === null) continue;
      const end = round.joinEnded ?? now;
      this.#row(`join:${round.number}`, at++, {
        name: `Joiner${part}`, number: "", kind: "joiner", state: "", critical: false,
        bars: [["joining", round.joinStarted, end]], took: end - round.joinStarted, what: "joining",
      });
    }
    for (const task of run.tasks.values()) if (!run.rounds.has(task.round)) this.#task(task, at++, critical, now);
  }

  #task(task, at, critical, now) {
    const end = task.finished ?? now;
    const bars = [];
    const run = task.started ?? end;
    if (task.planned !== null && run > task.planned) {
      if (task.asked !== null && task.asked < run) {
        bars.push(["waiting", task.planned, task.asked], ["asking", task.asked, run]);
      } else bars.push(["waiting", task.planned, run]);
    }
    if (task.started !== null) {
      bars.push([task.state === "approval" ? "asking" : "running", task.started, end]);
      for (const item of task.items.values()) if (item.finished !== null && item.started !== null) bars.push(["item", item.started, item.finished]);
    } else if (task.finished !== null) bars.push(["instant", task.finished, task.finished]);
    const took = task.started === null ? null : end - task.started;
    const waited = task.planned === null ? 0 : Math.max(0, run - task.planned);
    const path = critical.has(task.id);
    this.#row(String(task.id), at, {
      name: task.tool, number: String(task.id), kind: "task", state: task.state, critical: path, bars, took,
      what: `${stateName(task.state)}, waited ${duration(waited)}${took === null ? "" : `, ran`}`, live: !isDone(task),
    });
  }

  #row(id, at, { name, number, kind, state, critical, bars, took, what, live }) {
    let row = this.#rows.get(id);
    if (!row) {
      row = makeRow(id, kind, number);
      row.button.tabIndex = this.#rows.size ? -1 : 0;
      this.#rows.set(id, row);
    }
    if (this.#list.children[at] !== row.button) this.#list.insertBefore(row.button, this.#list.children[at] ?? null);
    setText(row.name, name);
    setText(row.took, took === null ? "" : duration(took));
    setData(row.button, "state", state);
    row.button.classList.toggle("critical", critical);
    const time = took === null || live ? "" : ` ${duration(took)}`;
    setAttribute(row.button, "aria-label", `${number ? `Task ${number}, ` : ""}${name}, ${what}${time}${critical ? ", on the critical path" : ""}`);
    while (row.bars.length < bars.length) {
      const bar = h("span", { class: "bar" });
      row.track.append(bar);
      row.bars.push(bar);
    }
    while (row.bars.length > bars.length) row.bars.pop().remove();
    bars.forEach(([of, from, to], i) => {
      const bar = row.bars[i];
      setData(bar, "of", of);
      const left = `${((from / this.#scale) * 100).toFixed(3)}%`;
      const width = `${(((to - from) / this.#scale) * 100).toFixed(3)}%`;
      if (bar.style.left !== left) bar.style.left = left;
      if (bar.style.width !== width) bar.style.width = width;
    });
  }
}

function makeRow(id, kind, number) {
  const name = h("span", { class: "row-tool" });
  const took = h("span", { class: "row-took" });
  const track = h("span", { class: "track" });
  const label = h("span", { class: "row-name" }, number && h("span", { class: "row-id", text: number }), name);
  const button = h("button", { type: "button", class: "row", data: { id, kind }, "aria-pressed": "false" }, label, track, took);
  return { button, name, took, track, bars: [] };
}

/** The end of the axis, and round ticks on it: two at least, `most` at most. */
function niceEnd(least, most) {
  const last = least * 0.96; // the end is where the run ends, not the next tick: bars get all the room there is
  const power = 10 ** Math.floor(Math.log10(last / most));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((m) => m * most > last);
  const ticks = [];
  for (let i = 0; i * step <= last; i++) ticks.push(i * step);
  return { end: least, ticks };
}
