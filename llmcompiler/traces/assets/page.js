// The page of a trace: rows of a timeline, of which only those in sight exist. Texts are set as text, never as markup.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const ROW = 22;
  const SIGNS = { waiting: "·", queued: "…", running: "▶", approval: "?", succeeded: "✓", failed: "✗", skipped: "↷", cancelled: "■" };
  const total = Math.max(data.at, 1e-6);
  const byId = new Map(data.tasks.map((t) => [t.id, t]));
  const $ = (id) => document.getElementById(id);
  const rows = $("rows");
  const space = $("space");

  const make = (tag, kind, text) => {
    const node = document.createElement(tag);
    if (kind) node.className = kind;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const took = (s) => {
    if (s < 0.0005) return "0 ms";
    if (s < 1) return `${(s * 1000).toFixed(s >= 0.01 ? 0 : 1)} ms`;
    if (s < 100) return `${s.toFixed(2)} s`;
    const whole = Math.round(s);
    return `${Math.floor(whole / 60)} m ${String(whole % 60).padStart(2, "0")} s`;
  };
  const end = (x) => (x.finished === null ? data.at : x.finished);
  const percent = (s) => `${(100 * Math.min(1, Math.max(0, s / total))).toFixed(4)}%`;

  // -- the rows: planners, tasks and joiners, round by round ---------------------------------

  const used = (phases) => {
    const tokens = phases.reduce((sum, p) => sum + p.tokens, 0);
    return tokens ? `, ${tokens.toLocaleString("en")} tokens` : "";
  };
  const rounds = [...new Set([...data.phases.map((p) => p.round), ...data.tasks.map((t) => t.round)])].sort((a, b) => a - b);
  const every = [];
  for (const round of rounds) {
    const part = rounds.length > 1 ? ` ${round}` : "";
    const phases = (kind) => data.phases.filter((p) => p.kind === kind && p.round === round);
    if (phases("planning").length) every.push({ kind: "planning", label: `planner${part}${used(phases("planning"))}`, phases: phases("planning") });
    for (const task of data.tasks) if (task.round === round) every.push({ kind: "task", task });
    if (phases("joining").length) every.push({ kind: "joining", label: `joiner${part}${used(phases("joining"))}`, phases: phases("joining") });
  }
  let shown = every;
  let picked = -1;

  const bar = (kind, from, to) => {
    const node = make("span", `bar ${kind}`);
    node.style.left = percent(from);
    if (kind !== "instant" && kind !== "foreseen") node.style.width = percent(Math.max(0, to - from));
    return node;
  };

  function bars(task) {
    const out = [];
    const last = end(task);
    const ready = task.ready === null ? last : Math.min(task.ready, last);
    const begun = task.started === null ? last : task.started;
    if (ready > task.planned) out.push(bar("wait", task.planned, ready));
    if (begun > ready) out.push(bar(task.status === "approval" ? "approval" : "queued", ready, begun));
    if (task.started !== null) {
      const tries = task.attempts.length ? task.attempts : [{ started: task.started, finished: task.finished, error: task.error, hedge: false }];
      for (const a of tries) out.push(bar(a.hedge ? "hedge" : a.error === null ? "running" : "failed", a.started, end(a)));
    } else if (task.status === "succeeded") out.push(bar("instant", last, last));
    const span = data.predicted[task.id];
    if (span && task.started !== null) out.push(bar("foreseen", span[1], span[1]));
    return out;
  }

  function rowOf(entry, index) {
    const row = make("div", "row");
    row.style.top = `${index * ROW}px`;
    row.dataset.index = String(index);
    row.id = `row-${index}`;
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", String(index === picked));
    const label = make("div", "label");
    const track = make("div", "track");
    let spent = 0;
    if (entry.kind === "task") {
      const t = entry.task;
      row.classList.toggle("critical", t.critical);
      label.append(make("span", "sign", SIGNS[t.status] || ""), (t.critical ? "*" : "") + t.line);
      row.title = `${t.line} - ${t.status}`;
      row.dataset.task = String(t.id);
      track.append(...bars(t));
      spent = t.started === null ? 0 : end(t) - t.started;
    } else {
      label.append(make("span", "sign", ""), entry.label);
      for (const p of entry.phases) {
        track.append(bar(entry.kind, p.started, end(p)));
        spent += end(p) - p.started;
      }
    }
    row.append(label, track, make("span", "took", took(spent)));
    return row;
  }

  let drawn = "";
  function draw(force) {
    const first = Math.max(0, Math.floor(rows.scrollTop / ROW) - 10);
    const last = Math.min(shown.length, Math.ceil((rows.scrollTop + rows.clientHeight) / ROW) + 10);
    const now = `${first}-${last}-${picked}`;
    if (!force && now === drawn) return;
    drawn = now;
    space.replaceChildren(...shown.slice(first, last).map((entry, i) => rowOf(entry, first + i)));
    if (picked >= first && picked < last) rows.setAttribute("aria-activedescendant", `row-${picked}`);
    else rows.removeAttribute("aria-activedescendant");
  }

  // -- what is looked at -----------------------------------------------------------------------

  const details = $("details");
  function facts(list, pairs) {
    for (const [name, value] of pairs) {
      if (value === null || value === undefined || value === "") continue;
      list.append(make("dt", "", name), typeof value === "string" ? make("dd", "", value) : value);
    }
  }
  function links(ids) {
    if (!ids.length) return null;
    const out = make("dd");
    for (const id of ids) {
      const button = make("button", "", String(id));
      button.type = "button";
      button.disabled = !byId.has(id);
      button.addEventListener("click", () => goTo(id));
      out.append(button, " ");
    }
    return out;
  }
  function goTo(id) {
    if (!shown.some((e) => e.task && e.task.id === id)) reset();
    pick(shown.findIndex((e) => e.task && e.task.id === id));
  }
  function pick(index) {
    picked = Math.max(-1, Math.min(shown.length - 1, index));
    if (picked >= 0) {
      const top = picked * ROW;
      if (top < rows.scrollTop) rows.scrollTop = top;
      else if (top + ROW > rows.scrollTop + rows.clientHeight) rows.scrollTop = top + ROW - rows.clientHeight;
    }
    draw(true);
    const entry = shown[picked];
    details.hidden = entry === undefined;
    if (entry === undefined) return;
    const list = make("dl");
    const head = make("h2", "", entry.kind === "task" ? entry.task.line : entry.label);
    if (entry.kind === "task") {
      const t = entry.task;
      const used = [...data.tasks].filter((o) => o.depends_on.includes(t.id) || o.after.includes(t.id)).map((o) => o.id);
      facts(list, [
        ["tool", t.tool], ["state", t.status + (t.critical ? ", on the critical path" : "")], ["error", t.error], ["value", t.value],
        ["planned", took(t.planned)], ["ready", t.ready === null ? null : took(t.ready)],
        ["started", t.started === null ? "never called" : took(t.started)], ["ended", t.finished === null ? "goes on" : took(t.finished)],
        ["took", t.started === null ? null : took(end(t) - t.started)],
        ["predicted", data.predicted[t.id] ? `${took(data.predicted[t.id][0])} to ${took(data.predicted[t.id][1])}` : null],
        ["tries", t.attempts.length > 1 ? String(t.attempts.length) : null], ["came by", t.via === "call" ? null : t.via],
        ["items", t.items ? `${t.items.ended} done, ${t.items.failed} failed` : null],
        ["needs", links(t.depends_on)], ["ordered after", links(t.after.filter((id) => !t.depends_on.includes(id)))], ["needed by", links(used)],
      ]);
      t.attempts.forEach((a, i) => {
        if (t.attempts.length > 1) facts(list, [[`${a.hedge ? "hedge" : "try"} ${i + 1}`, `${took(a.started)} to ${took(end(a))}${a.error ? `: ${a.error}` : ""}`]]);
      });
    } else {
      facts(list, entry.phases.map((p) => [p.purpose || p.kind, `${took(p.started)} to ${took(end(p))}`]));
    }
    details.replaceChildren(head, list);
  }

  // -- search ------------------------------------------------------------------------------------

  const search = $("search");
  const only = $("only");
  function sift() {
    const words = search.value.trim().toLowerCase();
    const which = only.value;
    shown = every.filter((e) => {
      if (e.kind !== "task") return !words && which === "all";
      const t = e.task;
      if (which === "critical" ? !t.critical : which !== "all" && t.status !== which) return false;
      return !words || t.line.toLowerCase().includes(words) || (t.error || "").toLowerCase().includes(words) || (t.value || "").toLowerCase().includes(words);
    });
    picked = -1;
    details.hidden = true;
    space.style.height = `${shown.length * ROW}px`;
    rows.scrollTop = 0;
    const tasks = shown.filter((e) => e.kind === "task").length;
    $("count").textContent = `${tasks.toLocaleString("en")} of ${data.tasks.length.toLocaleString("en")} tasks`;
    draw(true);
  }
  function reset() {
    search.value = "";
    only.value = "all";
    sift();
  }

  function axis() {
    const room = $("axis").clientWidth;
    const most = Math.max(2, Math.floor(room / 80));
    const power = 10 ** Math.floor(Math.log10(total / most));
    const step = [1, 2, 5, 10].map((m) => m * power).find((m) => m >= total / most);
    const out = [];
    for (let i = 0; i * step <= total * 0.97; i++) {
      const tick = make("span", "", i ? took(i * step) : "0");
      tick.style.left = percent(i * step);
      out.push(tick);
    }
    $("axis").replaceChildren(...out);
  }

  rows.addEventListener("scroll", () => draw(false), { passive: true });
  rows.addEventListener("click", (event) => {
    const row = event.target.closest(".row");
    if (row) pick(Number(row.dataset.index));
  });
  rows.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(rows.clientHeight / ROW) - 1);
    const to = { ArrowDown: picked + 1, ArrowUp: Math.max(0, picked - 1), PageDown: picked + page, PageUp: Math.max(0, picked - page), Home: 0, End: shown.length - 1, Escape: -1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    pick(to);
  });
  search.addEventListener("input", sift);
  only.addEventListener("change", sift);
  addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== search) {
      event.preventDefault();
      search.focus();
    }
  });
  new ResizeObserver(() => {
    axis();
    draw(true);
  }).observe(rows);
  sift();
  document.documentElement.dataset.ready = "yes";
})();
