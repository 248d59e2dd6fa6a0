// The page: which run is shown, and how its parts are kept up to date. Everything is drawn from the run in state.js.

import { api, ApiError, askForKeyWith, follow, key, lookUntilAnswered, randomName } from "./api.js";
import { ApprovalsView } from "./approvals.js";
import { details, signature } from "./details.js";
import { byId, h, reducedMotion, setData, setText } from "./dom.js";
import { GraphView } from "./graph.js";
import * as history from "./history.js";
import { drawAnswer, drawFigures, drawNotes } from "./outcome.js";
import { apply, criticalPath, headline, lose, merge, newRun, OVER, tone } from "./state.js";
import { TimelineView } from "./timeline.js";
import { count, duration, sentence } from "./values.js";

let run = null;
let reading = null; // aborts the reading of the run on show
let base = Infinity; // clock of the page at which the run began, in seconds; the least seen is nearest to it
let critical = new Set();
let selected = null;
let shown = ""; // signature of the details on show
let opener = null; // what gets the focus back when the details close
let scheduled = false;
let ticking = 0;
let listed = ""; // what the list of runs was last told

const tell = (text) => setText(byId("announce"), text);
const choose = (id, byKeyboard) => select(id, byKeyboard);
const graph = new GraphView(byId("graph"), { onSelect: choose });
const timeline = new TimelineView(byId("timeline"), { onSelect: choose });
const approvals = new ApprovalsView(byId("approvals"), { tell, fail: complain });

// ---- what is shown ---------------------------------------------------------

function now() {
  if (OVER.has(run.status) || base === Infinity) return run.at;
  return Math.max(run.at, performance.now() / 1000 - base);
}

function schedule() {
  if (scheduled) return;
  scheduled = true;
  // Frames stop where nobody looks; the page is then drawn when somebody does.
  requestAnimationFrame(() => {
    scheduled = false;
    if (run) draw();
  });
}

function draw() {
  const at = now();
  const over = OVER.has(run.status);
  byId("run").hidden = false;
  setText(byId("run-question"), run.question);
  setText(byId("run-state"), headline(run));
  setData(byId("run-state"), "tone", tone(run));
  setText(byId("run-time"), run.at || !over ? duration(at) : "");
  const left = document.activeElement === byId("cancel") && over;
  byId("cancel").hidden = over;
  byId("again").hidden = !over;
  if (left) byId("again").focus({ preventScroll: true });
  document.title = `${over ? headline(run) : "…"} – ${run.question.slice(0, 60) || "llmcompiler"}`;
  critical = criticalPath(run);
  drawPlan(over); // shows or hides what the graph measures
  graph.update(run, critical);
  timeline.update(run, critical, at);
  drawLegends();
  approvals.update(run, at);
  drawAnswer(run);
  drawFigures(run);
  drawNotes(run);
  drawDetails();
  announce();
  if (listed !== `${run.id}|${tone(run)}`) {
    listed = `${run.id}|${tone(run)}`;
    history.show(run.id, tone(run));
  }
  if (!over) tick();
}

/** While a run is under way its bars grow: often enough to look alive, seldom where motion is not wanted. */
function tick() {
  if (ticking) return;
  ticking = setTimeout(() => {
    ticking = 0;
    if (run && !OVER.has(run.status)) schedule();
  }, reducedMotion() ? 1000 : 80);
}

function drawPlan(over) {
  const tasks = [...run.tasks.values()];
  const failed = tasks.filter((t) => t.state === "failed").length;
  setText(byId("graph-count"), tasks.length ? `${count(tasks.length, "task")}${failed ? `, ${failed} failed` : ""}` : "");
  const empty = byId("graph-empty");
  empty.hidden = tasks.length > 0;
  setText(empty, over ? "No task was planned." : "Tasks appear here as they are planned.");
  byId("graph").hidden = tasks.length === 0 && ![...run.rounds.values()].some((r) => r.joinStarted !== null);
  byId("graph-legend").hidden = tasks.length === 0;
  const last = [...run.rounds.values()].at(-1);
  const thought = run.phase === "planning" && !over ? last?.thoughts.at(-1) : null;
  byId("graph-thought").hidden = !thought;
  setText(byId("graph-thought"), thought ?? "");
}

/** Legends tell of what is there to see. */
function drawLegends() {
  byId("legend-effect").hidden = !byId("graph").querySelector('.edge[data-kind="effect"]');
  byId("legend-critical").hidden = critical.size === 0;
  const bars = byId("timeline");
  const kinds = {
    planning: '[data-of="planning"]', waiting: '[data-of="waiting"]', asking: '[data-of="asking"]', joining: '[data-of="joining"]',
    running: '.row:not(.critical):not([data-state="failed"]) [data-of="running"]',
    critical: '.row.critical:not([data-state="failed"]) [data-of="running"]',
    failed: '.row[data-state="failed"] [data-of="running"]',
  };
  for (const item of byId("time-legend").children) item.hidden = !bars.querySelector(kinds[item.firstElementChild.dataset.of]);
}

let lastTold = "";

function announce() {
  // Phases and the end, not every task: a screen reader must keep up.
  const what = OVER.has(run.status) ? headline(run) : run.approvals.size ? "" : { planning: "Planning", running: "Running", joining: "Answering" }[run.phase] ?? "";
  if (what && what !== lastTold) tell((lastTold = what));
}

// ---- details ---------------------------------------------------------------

function select(id, byKeyboard = false) {
  if (!run) return;
  if (id === null) return closeDetails();
  opener = document.activeElement;
  selected = id;
  shown = "";
  graph.select(id);
  timeline.select(id);
  drawDetails();
  graph.reveal();
  byId("run").classList.add("with-details");
  if (byKeyboard || matchMedia("(max-width: 1099px)").matches) byId("details-title").focus({ preventScroll: true });
}

function drawDetails() {
  if (selected === null) return;
  const fresh = `${run.id}|${signature(run, selected)}|${critical.has(Number(selected))}`;
  if (fresh === shown) return;
  const found = details(run, selected, critical, select);
  if (!found) return closeDetails();
  shown = fresh;
  byId("details").hidden = false;
  setText(byId("details-number"), found.number);
  setText(byId("details-title"), found.title);
  const body = byId("details-body");
  const inside = body.contains(document.activeElement);
  body.replaceChildren(...found.content);
  if (inside) byId("details-title").focus({ preventScroll: true });
}

function closeDetails() {
  const inside = byId("details").contains(document.activeElement);
  selected = null;
  shown = "";
  byId("details").hidden = true;
  byId("run").classList.remove("with-details");
  graph.select(null);
  timeline.select(null);
  if (inside) (opener?.isConnected ? opener : byId("main")).focus({ preventScroll: true });
}

// ---- errors, connection, key -----------------------------------------------

function complain(error) {
  const box = byId("alert");
  const text = error instanceof ApiError ? sentence(error.message) : `Something in this page went wrong: ${error?.message ?? error}`;
  if (!(error instanceof ApiError)) console.error(error);
  box.replaceChildren(h("span", { text }), h("button", { type: "button", class: "quiet", text: "Dismiss", on: { click: clearAlert } }));
  box.classList.add("shown");
}

function clearAlert() {
  byId("alert").classList.remove("shown");
  byId("alert").replaceChildren();
}

function connection(state) {
  const lost = byId("run").hidden ? "The service can not be reached. Trying again." : "The connection was lost. Trying again; nothing is missed.";
  setText(byId("connection"), state === "lost" ? lost : "");
}

askForKeyWith(
  (problem) =>
    new Promise((resolve) => {
      const dialog = byId("key-dialog");
      const input = byId("key-input");
      const wrong = problem.code === "key-wrong";
      setText(byId("key-note"), wrong ? "The service does not know this key. Is it whole, and for this service?" : "Whoever runs the service can give you one.");
      byId("key-note").classList.toggle("wrong", wrong);
      input.value = "";
      let given = false;
      byId("key-form").onsubmit = () => {
        given = input.value.trim() !== "";
        if (given) key.set(input.value.trim());
        input.value = "";
      };
      byId("key-cancel").onclick = () => dialog.close();
      dialog.onclose = () => {
        byId("key-button").hidden = false;
        setText(byId("key-button"), given ? "Forget the key" : "Enter a key");
        resolve(given);
      };
      dialog.showModal();
    }),
);

byId("key-button").addEventListener("click", () => {
  key.set(null);
  location.reload();
});

// ---- going from run to run --------------------------------------------------

async function open(id) {
  const first = reading === null;
  reading?.abort();
  const mine = (reading = new AbortController());
  clearTimeout(ticking);
  ticking = 0;
  base = Infinity;
  closeDetails();
  clearAlert();
  connection("open");
  for (const view of [graph, timeline, approvals]) view.clear();
  lastTold = "";
  run = id === null ? null : newRun(id);
  byId("ask").hidden = run !== null;
  byId("run").hidden = true; // until there is something of it to see
  history.show(id);
  toggleHistory(false);
  scrollTo(0, 0);
  if (run === null) {
    document.title = "llmcompiler";
    byId("question").focus({ preventScroll: true });
    return;
  }
  try {
    const connected = { signal: mine.signal, onConnection: connection };
    const known = await lookUntilAnswered(id, connected);
    if (mine.signal.aborted) return;
    run.question = known.input;
    // Who comes in the middle has seen no event when it happened: the service says how long ago the run began.
    if (!OVER.has(known.status)) {
      if (known.age !== null) base = performance.now() / 1000 - known.age;
      draw();
    }
    const focused = document.activeElement;
    if (!first && (focused === document.body || byId("ask").contains(focused))) byId("main").focus({ preventScroll: true });
    await follow(id, {
      ...connected,
      onEvents(events) {
        for (const event of events) apply(run, event);
        base = Math.min(base, performance.now() / 1000 - run.at);
        schedule();
      },
    });
    if (mine.signal.aborted) return;
    merge(run, await lookUntilAnswered(id, connected));
    schedule();
  } catch (error) {
    if (mine.signal.aborted) return;
    connection("open");
    run.at = now();
    base = Infinity; // nothing more is heard of it: its clock stands still
    if (error.status === 404) history.refresh().catch(() => {});
    if (error.status === 404 && !byId("run").hidden) {
      lose(run);
      schedule();
      return;
    }
    byId("ask").hidden = !byId("run").hidden; // never a page with nothing on it
    complain(error);
  }
}

function idInAddress() {
  try {
    return decodeURIComponent(location.hash.slice(1)) || null;
  } catch {
    return null; // no address of this page's making
  }
}

addEventListener("hashchange", () => {
  if (idInAddress() !== (run?.id ?? null)) open(idInAddress());
});

byId("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const question = byId("question").value.trim();
  if (!question) return;
  clearAlert();
  const button = byId("submit");
  button.disabled = true;
  setText(button, "Starting…");
  try {
    const started = await begin(question);
    byId("question").value = "";
    location.hash = `#${encodeURIComponent(started.id)}`;
    history.refresh().catch(() => {});
  } catch (error) {
    complain(error);
  } finally {
    button.disabled = false;
    setText(button, "Ask");
  }
});

async function begin(question) {
  const name = randomName();
  try {
    return await api.start(question, name);
  } catch (error) {
    if (error.status !== 0) throw error;
    // No answer came, but the run may have begun: the same name can not start a second one.
    return api.start(question, name);
  }
}

byId("question").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId("form").requestSubmit();
});

byId("cancel").addEventListener("click", async () => {
  const button = byId("cancel");
  if (button.ariaDisabled === "true") return;
  button.ariaDisabled = "true"; // not `disabled`, which would take the focus away
  try {
    await api.cancel(run.id);
  } catch (error) {
    complain(error);
  } finally {
    button.ariaDisabled = "false";
  }
});

byId("again").addEventListener("click", () => {
  byId("question").value = run.question;
  location.hash = "";
});

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address names the run
  byId("main").focus();
});

for (const link of document.querySelectorAll('a[href="#"]')) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    if (run === null) open(null);
    else location.hash = "";
  });
}

byId("zoom-in").addEventListener("click", () => graph.zoomBy(1.25));
byId("zoom-out").addEventListener("click", () => graph.zoomBy(0.8));
byId("zoom-fit").addEventListener("click", () => graph.fit());
byId("details-close").addEventListener("click", closeDetails);
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || byId("key-dialog").open) return;
  if (selected !== null) closeDetails();
  else if (byId("history").classList.contains("open")) toggleHistory(false);
});

function toggleHistory(shownNow) {
  const side = byId("history");
  const inside = side.contains(document.activeElement);
  side.classList.toggle("open", shownNow);
  byId("history-toggle").setAttribute("aria-expanded", String(shownNow));
  if (shownNow) side.querySelector("a").focus();
  else if (inside && matchMedia("(max-width: 859px)").matches) byId("main").focus({ preventScroll: true });
}

byId("history-toggle").addEventListener("click", () => toggleHistory(!byId("history").classList.contains("open")));
byId("history-more").addEventListener("click", () => history.more().catch(complain));
addEventListener("visibilitychange", () => {
  if (!document.hidden) history.refresh().catch(() => {});
});

setInterval(() => {
  if (!document.hidden && history.othersUnderWay()) history.refresh().catch(() => {});
}, 10_000);

const EFFECTS = { pure: "pure", read: "reads", write: "writes" };

async function showTools() {
  const reply = await api.tools();
  const tools = Array.isArray(reply) ? reply : (reply.data ?? reply.tools ?? []);
  byId("tools").hidden = tools.length === 0;
  byId("tool-list").replaceChildren(...tools.slice(0, 60).map((tool) => h("li", {},
    h("code", { text: tool.name }), EFFECTS[tool.effect] && h("span", { class: "badge", text: EFFECTS[tool.effect] }),
    h("span", { class: "muted", text: (tool.description ?? "").split("\n")[0] }))));
}

if (key.get()) {
  byId("key-button").hidden = false;
  setText(byId("key-button"), "Forget the key");
}
open(idInAddress());
history.refresh().catch((error) => run === null && complain(error));
showTools().catch(() => {}); // a page without the list of tools still asks and shows
