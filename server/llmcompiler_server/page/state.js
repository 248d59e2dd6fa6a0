// A run as the page knows it: events in, one plain object out. Pure: no element, no clock, no network.

export const OVER = new Set(["succeeded", "failed", "cancelled", "interrupted"]);
const DONE = new Set(["succeeded", "failed", "skipped", "cancelled"]);

/** Whether a task has its outcome. */
export const isDone = (task) => DONE.has(task.state);

export function newRun(id, question = "") {
  return {
    id,
    question,
    status: "running",
    phase: "starting", // starting, planning, running, joining
    at: 0, // seconds since the run began, of the last event
    tasks: new Map(),
    rounds: new Map(),
    diagnostics: [],
    approvals: new Map(),
    text: "",
    output: null,
    error: null,
    usage: null,
    timing: null,
  };
}

function roundOf(run, number) {
  let round = run.rounds.get(number);
  if (!round) {
    round = { number, plans: [], thoughts: [], joinStarted: null, joinEnded: null, final: false, feedback: null };
    run.rounds.set(number, round);
  }
  return round;
}

function newTask(id, tool, round) {
  return {
    id, tool, round,
    state: "planned",
    args: {}, callArgs: null, each: null, when: null, thought: null,
    dependsOn: [], after: [],
    planned: null, started: null, finished: null,
    attempt: 0, retries: [], progress: null, outcome: null, items: new Map(),
    via: "call", reused: null, cache: null, hedged: null, asked: null,
  };
}

function taskOf(run, event) {
  let task = run.tasks.get(event.task_id);
  if (!task) {
    const latest = Math.max(0, ...run.rounds.keys());
    task = newTask(event.task_id, event.tool ?? "", latest);
    task.planned = event.at;
    run.tasks.set(task.id, task);
  }
  return task;
}

/** The key of a call that waits for a decision. */
export const approvalKey = (taskId, item) => (item === null || item === undefined ? `${taskId}` : `${taskId}.${item}`);

function plan(task, json, round, at) {
  task.tool = json.tool;
  task.round = round;
  task.args = json.args ?? {};
  task.each = json.for ?? null;
  task.when = json.if ?? null;
  task.thought = json.thought ?? null;
  task.dependsOn = json.depends_on ?? [];
  task.planned = at;
}

const HANDLERS = {
  RunStarted(run, event) {
    run.question = event.question;
  },
  PlanStarted(run, event) {
    roundOf(run, event.round).plans.push({ from: event.at, to: null, purpose: event.purpose });
    run.phase = "planning";
  },
  PlanFinished(run, event) {
    for (const span of roundOf(run, event.round).plans) span.to ??= event.at;
    if (run.phase === "planning") run.phase = "running";
  },
  ThoughtEmitted(run, event) {
    roundOf(run, event.round).thoughts.push(event.text);
  },
  DiagnosticEmitted(run, event) {
    run.diagnostics.push({ ...event.diagnostic, round: event.round });
  },
  TaskPlanned(run, event) {
    const task = run.tasks.get(event.task.id) ?? newTask(event.task.id, event.task.tool, event.round);
    plan(task, event.task, event.round, event.at);
    task.after = event.after ?? [];
    run.tasks.set(task.id, task);
  },
  TaskStarted(run, event) {
    const task = taskOf(run, event);
    run.approvals.delete(approvalKey(task.id, event.item));
    task.started ??= event.at;
    task.attempt = Math.max(task.attempt, event.attempt ?? 1);
    if (event.item === null || event.item === undefined) task.callArgs = event.args;
    else itemOf(task, event.item, event.at).args = event.args;
    if (!isDone(task)) task.state = waiting(run, task) ? "approval" : "running";
  },
  TaskProgress(run, event) {
    taskOf(run, event).progress = { message: event.message, fraction: event.fraction ?? null };
  },
  TaskRetried(run, event) {
    taskOf(run, event).retries.push({ attempt: event.attempt, error: event.error, delay: event.delay, item: event.item });
  },
  TaskHedged(run, event) {
    taskOf(run, event).hedged = event.after;
  },
  ApprovalRequested(run, event) {
    const task = taskOf(run, event);
    run.approvals.set(approvalKey(task.id, event.item), {
      taskId: task.id, item: event.item ?? null, tool: event.tool, args: event.args, digest: event.digest,
      expires: event.expires ?? null, at: event.at,
    });
    task.asked ??= event.at;
    // A call that is rejected never starts: what was decided about is known from here only.
    if (event.item === null || event.item === undefined) task.callArgs = event.args;
    if (!isDone(task)) task.state = "approval";
  },
  ItemFinished(run, event) {
    const task = taskOf(run, event);
    run.approvals.delete(approvalKey(task.id, event.item));
    const item = itemOf(task, event.item, event.started ?? event.at);
    Object.assign(item, { outcome: event.outcome, started: event.started ?? null, finished: event.at, via: event.via });
    if (event.started !== null && event.started !== undefined) task.started ??= event.started;
    if (task.state === "approval" && !waiting(run, task)) task.state = "running";
  },
  TaskFinished(run, event) {
    const task = taskOf(run, event);
    forget(run, task);
    task.tool = event.tool || task.tool;
    task.state = event.outcome.status;
    task.outcome = event.outcome;
    task.started = event.started ?? null;
    task.finished = event.at;
    task.attempt = event.attempts ?? task.attempt;
    task.via = event.via ?? "call";
    task.reused = event.reused ?? null;
    task.cache = event.cache ?? null;
  },
  JoinStarted(run, event) {
    const round = roundOf(run, event.round);
    round.joinStarted = event.at;
    round.final = event.final;
    run.phase = "joining";
  },
  OutputDelta(run, event) {
    run.text += event.text;
  },
  Replanned(run, event) {
    const round = roundOf(run, event.round);
    round.joinEnded = event.at;
    round.feedback = event.feedback;
    // What was written so far was no answer after all.
    run.text = "";
    run.phase = "planning";
  },
  RunFinished(run, event) {
    run.status = event.status === "answered" ? "succeeded" : event.status;
    run.output = event.output ?? null;
    run.error = event.error ?? null;
    run.usage = event.usage ?? null;
    run.timing = event.timing ?? null;
    close(run, event.at);
  },
};

function itemOf(task, index, at) {
  let item = task.items.get(index);
  if (!item) task.items.set(index, (item = { index, started: at, finished: null, outcome: null, args: null, via: "call" }));
  return item;
}

const waiting = (run, task) => [...run.approvals.values()].some((a) => a.taskId === task.id);

function forget(run, task) {
  for (const [name, approval] of run.approvals) if (approval.taskId === task.id) run.approvals.delete(name);
}

function close(run, at) {
  run.approvals.clear();
  for (const round of run.rounds.values()) {
    for (const span of round.plans) span.to ??= at;
    if (round.joinStarted !== null) round.joinEnded ??= at;
  }
}

/** Take the next event. Kinds that a newer service may have are passed over. */
export function apply(run, event) {
  run.at = Math.max(run.at, event.at ?? 0);
  HANDLERS[event.type]?.(run, event);
}

/**
 * Add what only the stored run tells: the order of effects as it was in the end, and the end of a run whose events have none.
 */
export function merge(run, record) {
  run.question ||= record.input ?? "";
  const tasks = Array.isArray(record.tasks) ? record.tasks : Object.values(record.tasks ?? {});
  for (const json of tasks) {
    let task = run.tasks.get(json.id);
    if (!task) {
      task = newTask(json.id, json.tool, json.round ?? 0);
      run.tasks.set(task.id, task);
      plan(task, json, json.round ?? 0, json.planned ?? null);
      Object.assign(task, {
        state: json.outcome?.status ?? "planned", outcome: json.outcome ?? null, started: json.started ?? null,
        finished: json.finished ?? null, attempt: json.attempts ?? 0, via: json.via ?? "call", reused: json.reused ?? null,
      });
    }
    task.after = json.after ?? [];
  }
  if (!OVER.has(record.status)) {
    run.status = run.approvals.size ? "waiting" : "running";
    return;
  }
  if (!OVER.has(run.status)) {
    run.status = record.status;
    run.output ??= record.output ?? null;
    run.error ??= record.error ?? null;
    stop(run);
  }
  run.usage ??= record.usage ?? null;
  run.timing ??= record.timing ?? null;
}

function stop(run) {
  close(run, run.at);
  for (const task of run.tasks.values()) {
    if (isDone(task)) continue;
    task.state = "cancelled";
    task.finished = run.at;
  }
}

/** End a run of which nothing more can be had: the service does not know it any more. What was seen of it stays. */
export function lose(run) {
  run.status = "interrupted";
  run.error = { message: "The service does not know this run any more. What was seen of it is below." };
  stop(run);
}

/** Whether tasks on whose values or effects it depends have no outcome yet. */
export function blockers(run, task) {
  return [...new Set([...task.dependsOn, ...task.after])].filter((id) => run.tasks.has(id) && !isDone(run.tasks.get(id)));
}

function span(task) {
  if (task.items.size) return Math.max(...[...task.items.values()].map((i) => (i.started === null ? 0 : i.finished - i.started)));
  return task.started === null ? 0 : task.finished - task.started;
}

/**
 * The longest chain of calls that had to wait for each other, of each round whose calls have all ended: a set of task ids.
 * The same rule as the library's own figure.
 */
export function criticalPath(run) {
  const out = new Set();
  for (const round of run.rounds.values()) {
    if (round.joinStarted === null && !OVER.has(run.status)) continue;
    const tasks = [...run.tasks.values()]
      .filter((task) => task.round === round.number && task.finished !== null)
      .sort((a, b) => a.finished - b.finished || (a.started ?? 0) - (b.started ?? 0) || a.id - b.id);
    const length = new Map();
    const before = new Map();
    for (const task of tasks) {
      let best = 0;
      let via = null;
      for (const id of task.reused !== null ? [task.reused] : [...task.dependsOn, ...task.after]) {
        if ((length.get(id) ?? 0) > best) [best, via] = [length.get(id), id];
      }
      length.set(task.id, best + span(task));
      before.set(task.id, via);
    }
    let end = null;
    for (const [id, seconds] of length) if (seconds > 0 && (end === null || seconds > length.get(end))) end = id;
    for (; end !== null; end = before.get(end)) out.add(end);
  }
  return out;
}

/** What the run is doing, in a few words. */
export function headline(run) {
  const ended = { succeeded: "Answered", failed: "Failed", cancelled: "Cancelled", interrupted: "Interrupted" }[run.status];
  if (ended) return ended;
  if (run.approvals.size) return "Waiting for approval";
  if (run.phase === "joining") return "Answering";
  const tasks = [...run.tasks.values()];
  const done = tasks.filter(isDone).length;
  if (run.phase === "planning") return tasks.length ? `Planning, ${done} of ${tasks.length} done` : "Planning";
  return tasks.length ? `Running, ${done} of ${tasks.length} done` : "Starting";
}

/** The state that colours and names the run as a whole. */
export function tone(run) {
  if (OVER.has(run.status)) return run.status;
  return run.approvals.size ? "waiting" : "running";
}
