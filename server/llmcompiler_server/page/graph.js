// The task graph: buttons for nodes over lines for edges, in a scrolling area that can be zoomed.

import { h, icon, reducedMotion, roving, s, setAttribute, setData, setText } from "./dom.js";
import { edgePath, layout } from "./layout.js";
import { blockers, isDone, OVER } from "./state.js";
import { brief, count, duration, stateName } from "./values.js";

const COMPACT = 48; // tasks from which nodes are drawn small
const NARROW = 480; // pixels of width below which the graph grows downwards
const MOVE = 240; // milliseconds that nodes take to make room
const LEAST = 0.3;
const MOST = 2;

/** The graph of one run. `onSelect(id)` hears of clicks; ids are those of tasks, and `join:ROUND`. */
export class GraphView {
  #area;
  #stage;
  #canvas;
  #edgeLayer;
  #nodes = new Map(); // id → {button, parts…, x, y}
  #edges = new Map(); // "from→to" → {path, from, to, kind}
  #lanes = new Map();
  #shape = null;
  #plan = "";
  #zoom = 1;
  #fitting = true; // until the reader zooms
  #motion = 0;
  #selected = null;
  #onSelect;
  #width = 0;

  constructor(area, { onSelect }) {
    this.#area = area;
    this.#onSelect = onSelect;
    const marker = (name) =>
      s("marker", { id: `tip-${name}`, viewBox: "0 0 8 8", refX: 6, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto", markerUnits: "userSpaceOnUse" },
        s("path", { d: "M1 1l6 3-6 3z", class: `tip tip-${name}` }));
    this.#edgeLayer = s("g");
    const svg = s("svg", { class: "edges", "aria-hidden": "true" }, s("defs", {}, ["idle", "live", "done", "critical"].map(marker)), this.#edgeLayer);
    this.#stage = h("div", { class: "stage" }, svg);
    this.#canvas = h("div", { class: "canvas" }, this.#stage);
    area.append(this.#canvas);
    this.#edgeLayer.ownerSVGElement.style.overflow = "visible";
    roving(area, ".node", (current, name) => this.#neighbour(current, name));
    area.addEventListener("click", (event) => {
      const node = event.target.closest(".node");
      if (node) this.#onSelect(node.dataset.id, event.detail === 0);
    });
    area.addEventListener("pointerdown", (event) => this.#drag(event));
    area.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // plain wheels scroll
      event.preventDefault();
      this.zoomBy(Math.exp(-event.deltaY / 300), event);
    }, { passive: false });
    new ResizeObserver(() => {
      if (area.clientWidth === this.#width) return;
      this.#width = area.clientWidth;
      this.#plan = "";
      if (this.#run) this.update(this.#run, this.#critical);
      this.reveal(); // the details take room from the graph
    }).observe(area);
  }

  #run = null;
  #critical = new Set();

  clear() {
    this.#run = null;
    this.#plan = "";
    for (const node of this.#nodes.values()) node.button.remove();
    this.#nodes.clear();
    this.#edges.clear();
    this.#edgeLayer.replaceChildren();
    this.#fitting = true;
    this.#selected = null;
    delete this.#area.dataset.selected;
    this.#area.scrollTo(0, 0);
  }

  /** Draw what the run is now. Cheap where little changed. */
  update(run, critical) {
    this.#run = run;
    this.#critical = critical;
    const nodes = graphOf(run);
    const compact = run.tasks.size > COMPACT;
    const plan = `${compact}|${nodes.map((n) => `${n.id}<${n.parents.map((p) => p.id)}`).join(";")}`;
    if (plan !== this.#plan) {
      this.#plan = plan;
      this.#arrange(nodes, compact);
    }
    for (const node of nodes) this.#paint(node);
    for (const edge of this.#edges.values()) this.#paintEdge(edge);
  }

  select(id) {
    this.#selected = id;
    const related = id === null ? null : relatives(id, this.#edges);
    setData(this.#area, "selected", id === null ? "" : "yes");
    for (const [key, node] of this.#nodes) {
      setAttribute(node.button, "aria-pressed", String(key === id));
      node.button.classList.toggle("related", related?.has(key) ?? false);
    }
    for (const edge of this.#edges.values()) {
      edge.path.classList.toggle("related", related !== null && related.has(edge.from) && related.has(edge.to));
    }
  }

  /** Scroll within the graph, and no more than needed, to where the selected node is. */
  reveal() {
    const node = this.#nodes.get(this.#selected);
    if (!node) return;
    const area = this.#area;
    const { width, height } = this.#shape;
    const near = (from, size, at, room) => Math.min(from * this.#zoom, Math.max((from + size + 2 * PAD) * this.#zoom - room, at));
    area.scrollTo(near(node.toX, width, area.scrollLeft, area.clientWidth), near(node.toY, height, area.scrollTop, area.clientHeight));
  }

  focus(id) {
    this.#nodes.get(String(id))?.button.focus();
  }

  zoomBy(factor, at = null) {
    this.#fitting = false;
    const box = this.#area.getBoundingClientRect();
    const [px, py] = at ? [at.clientX - box.left, at.clientY - box.top] : [box.width / 2, box.height / 2];
    const [x, y] = [(this.#area.scrollLeft + px) / this.#zoom, (this.#area.scrollTop + py) / this.#zoom];
    this.#setZoom(this.#zoom * factor);
    this.#area.scrollTo(x * this.#zoom - px, y * this.#zoom - py);
  }

  fit(whole = true) {
    this.#fitting = true;
    this.#fitNow(whole);
  }

  #fitNow(whole) {
    if (!this.#shape) return;
    const room = this.#area.clientWidth - 2;
    const wide = room / (this.#shape.totalWidth + 2 * PAD);
    const high = (Math.max(this.#area.clientHeight, 320) - 2) / (this.#shape.totalHeight + 2 * PAD);
    // By itself the graph never gets too small to read: it scrolls instead.
    this.#setZoom(Math.min(1, whole ? Math.min(wide, Math.max(high, wide * 0.5)) : Math.max(wide, this.#area.dataset.size === "small" ? 0.9 : 0.85)));
  }

  #setZoom(zoom) {
    this.#zoom = Math.min(MOST, Math.max(LEAST, zoom));
    this.#stage.style.transform = `scale(${this.#zoom})`;
    this.#resize();
  }

  #resize() {
    const { totalWidth, totalHeight } = this.#shape ?? { totalWidth: 0, totalHeight: 0 };
    this.#canvas.style.width = `${(totalWidth + 2 * PAD) * this.#zoom}px`;
    this.#canvas.style.height = `${(totalHeight + 2 * PAD) * this.#zoom}px`;
  }

  #arrange(nodes, compact) {
    const down = this.#area.clientWidth < NARROW;
    const room = this.#area.clientWidth - 2 * PAD;
    const size = down
      ? { width: Math.min(200, Math.floor((room - 12) / 2)), height: compact ? 30 : 56 }
      : compact ? { width: 136, height: 30 } : { width: 190, height: 60 };
    const options = {
      direction: down ? "down" : "right", ...size,
      gap: down ? 34 : compact ? 52 : 60, rowGap: down ? 12 : compact ? 8 : 16, perLine: down ? 2 : compact ? 16 : 8,
    };
    const placed = layout(nodes.map((n) => ({ id: n.id, floor: 0, parents: n.parents.map((p) => p.id) })), options);
    this.#shape = { ...options, layer: placed.layer, totalWidth: placed.width, totalHeight: placed.height };
    setData(this.#area, "size", compact ? "small" : "large");
    this.#stage.style.setProperty("--node-width", `${size.width}px`);
    this.#stage.style.setProperty("--node-height", `${size.height}px`);

    const wanted = new Set(nodes.map((n) => n.id));
    for (const [id, node] of this.#nodes) if (!wanted.has(id)) this.#nodes.delete(id) && node.button.remove();
    for (const node of nodes) {
      const to = placed.places.get(node.id);
      let known = this.#nodes.get(node.id);
      if (!known) {
        known = makeNode(node);
        known.button.tabIndex = this.#nodes.size ? -1 : 0;
        this.#nodes.set(node.id, known);
        this.#stage.append(known.button);
        Object.assign(known, { x: to.x, y: to.y });
      }
      Object.assign(known, { fromX: known.x, fromY: known.y, toX: to.x, toY: to.y });
    }

    const edges = new Set();
    for (const node of nodes) {
      for (const parent of node.parents) {
        const name = `${parent.id}→${node.id}`;
        edges.add(name);
        let edge = this.#edges.get(name);
        if (!edge) {
          edge = { path: s("path", { class: "edge" }), from: parent.id, to: node.id };
          this.#edges.set(name, edge);
          this.#edgeLayer.append(edge.path);
        }
        edge.kind = parent.kind;
        setData(edge.path, "kind", parent.kind);
      }
    }
    for (const [name, edge] of this.#edges) if (!edges.has(name)) this.#edges.delete(name) && edge.path.remove();
    this.#lanes = placed.lanes;
    if (this.#selected !== null) this.select(this.#selected);
    if (this.#fitting) this.#fitNow(false);
    else this.#resize();
    this.#move();
  }

  #move() {
    cancelAnimationFrame(this.#motion);
    const still = reducedMotion() || document.hidden;
    const begun = performance.now();
    const step = (now) => {
      const part = still ? 1 : Math.min(1, Math.max(0, (now - begun) / MOVE));
      const eased = 1 - (1 - part) ** 3;
      for (const node of this.#nodes.values()) {
        node.x = node.fromX + (node.toX - node.fromX) * eased;
        node.y = node.fromY + (node.toY - node.fromY) * eased;
        node.button.style.translate = `${node.x + PAD}px ${node.y + PAD}px`;
      }
      for (const edge of this.#edges.values()) this.#draw(edge);
      if (part < 1) this.#motion = requestAnimationFrame(step);
    };
    step(still ? begun + MOVE : begun);
  }

  #draw(edge) {
    const [from, to] = [this.#nodes.get(edge.from), this.#nodes.get(edge.to)];
    const via = [];
    const { layer } = this.#shape;
    for (let at = layer.get(edge.from) + 1; at < layer.get(edge.to); at++) {
      const lane = this.#lanes.get(`${edge.from}>${at}`);
      if (lane) via.push({ x: lane.x + PAD, y: lane.y + PAD });
    }
    const at = (node) => ({ x: node.x + PAD, y: node.y + PAD });
    setAttribute(edge.path, "d", edgePath(at(from), at(to), via, this.#shape));
  }

  #paint(node) {
    const view = this.#nodes.get(node.id);
    const { button } = view;
    if (button.dataset.state !== node.state) {
      button.dataset.state = node.state;
      view.icon.replaceWith((view.icon = icon(node.state === "planned" && node.join ? "join" : node.state)));
    }
    setText(view.name, node.name);
    setText(view.note, node.note);
    setAttribute(button, "aria-label", node.label);
    button.classList.toggle("critical", node.task !== undefined && this.#critical.has(node.task.id));
    const fraction = node.task?.state === "running" ? node.task.progress?.fraction : null;
    view.bar.hidden = node.state !== "running";
    view.bar.classList.toggle("known", Number.isFinite(fraction));
    view.bar.style.setProperty("--part", Number.isFinite(fraction) ? String(Math.min(1, Math.max(0, fraction))) : "");
  }

  #paintEdge(edge) {
    const from = this.#nodes.get(edge.from).button;
    const to = this.#nodes.get(edge.to).button;
    const critical = from.classList.contains("critical") && to.classList.contains("critical") && edge.kind !== "join";
    const flow = critical ? "critical"
      : to.dataset.state === "running" ? "live"
      : from.dataset.state === "succeeded" ? "done" : "idle";
    if (edge.path.dataset.flow === flow) return;
    setData(edge.path, "flow", flow);
    edge.path.setAttribute("marker-end", `url(#tip-${flow})`);
  }

  #neighbour(current, name) {
    const all = [...this.#nodes.values()];
    if (name === "Home") return all[0].button;
    if (name === "End") return all.at(-1).button;
    const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[name];
    if (!step) return null;
    const here = this.#nodes.get(current.dataset.id);
    let best = null;
    let least = Infinity;
    for (const node of all) {
      const [dx, dy] = [node.toX - here.toX, node.toY - here.toY];
      const ahead = dx * step[0] + dy * step[1];
      if (ahead <= 1) continue;
      // Straight ahead counts for more than near by.
      const distance = ahead + 3 * Math.abs(dx * step[1] + dy * step[0]);
      if (distance < least) [best, least] = [node, distance];
    }
    return best?.button ?? null;
  }

  #drag(event) {
    // Touch scrolls by itself.
    if (event.pointerType !== "mouse" || event.button !== 0 || event.target.closest(".node")) return;
    const area = this.#area;
    const from = { x: event.clientX + area.scrollLeft, y: event.clientY + area.scrollTop };
    const box = area.getBoundingClientRect();
    if (event.clientX > box.left + area.clientWidth || event.clientY > box.top + area.clientHeight) return; // a scroll bar
    area.classList.add("dragging");
    const move = (e) => area.scrollTo(from.x - e.clientX, from.y - e.clientY);
    const end = () => {
      area.classList.remove("dragging");
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", end);
      removeEventListener("pointercancel", end);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", end);
    addEventListener("pointercancel", end);
    event.preventDefault();
  }
}

const PAD = 16; // pixels around the graph: room for focus rings

function makeNode(node) {
  const name = h("span", { class: "node-name" });
  const note = h("span", { class: "node-note" });
  const bar = h("span", { class: "node-bar", hidden: true });
  const picture = icon(node.state);
  const number = h("span", { class: "node-id", text: node.number });
  const button = h("button", { type: "button", class: node.join ? "node join" : "node", data: { id: node.id, state: "" }, "aria-pressed": "false" },
    picture, h("span", { class: "node-text" }, h("span", { class: "node-head" }, number, name), note), bar);
  return { button, name, note, bar, icon: picture };
}

/** Everything that is upstream or downstream of a node, itself included. */
function relatives(id, edges) {
  const up = new Set([id]);
  const down = new Set([id]);
  const list = [...edges.values()];
  for (let grown = true; grown;) {
    grown = false;
    for (const { from, to } of list) {
      if (up.has(to) && !up.has(from)) grown = up.add(from) && true;
      if (down.has(from) && !down.has(to)) grown = down.add(to) && true;
    }
  }
  return new Set([...up, ...down]);
}

function noteOf(run, task) {
  if (task.state === "approval") return "needs your approval";
  if (task.state === "running") {
    if (task.progress?.message) return task.progress.message;
    if (task.items.size) return `${[...task.items.values()].filter((i) => i.outcome).length} of ${count(task.items.size, "call")} done`;
    if (task.retries.length) return `try ${task.attempt}`;
  }
  if (task.state === "succeeded" && task.via !== "call") return { cache: "from the cache", reused: "used again", merged: "merged", constant: "made before", batch: "in a batch", fallback: "fallback" }[task.via];
  if (isDone(task) && task.state !== "succeeded") return task.outcome?.error?.message || task.outcome?.reason || stateName(task.state);
  return brief(task.callArgs ?? task.args, 60);
}

/** What each task comes right after by effects: without what another of its predecessors comes after. */
function ordersOf(run) {
  const known = new Map(); // id -> all that it comes after, by values and by effects
  const right = new Map();
  const above = (task) => {
    let all = known.get(task.id);
    if (all) return all;
    known.set(task.id, (all = new Set()));
    const reach = (id) => {
      all.add(id);
      for (const other of above(run.tasks.get(id))) all.add(other);
    };
    for (const id of task.dependsOn) if (run.tasks.has(id)) reach(id);
    // The latest first: what that comes after need not be drawn again.
    right.set(task.id, [...task.after].sort((a, b) => b - a).filter((id) => run.tasks.has(id) && !all.has(id) && (reach(id), true)));
    return all;
  };
  for (const task of run.tasks.values()) above(task);
  return right;
}

/** Nodes and edges of a run: its tasks in the order of planning, and each round's join once it began. */
export function graphOf(run) {
  const nodes = [];
  const rounds = [...run.rounds.values()].sort((a, b) => a.number - b.number);
  const orders = ordersOf(run);
  let join = null;
  const known = new Set(rounds.map((round) => round.number));
  const groups = [...rounds.map((round) => [round, (task) => task.round === round.number]), [null, (task) => !known.has(task.round)]];
  for (const [round, belongs] of groups) {
    const tasks = [...run.tasks.values()].filter(belongs);
    const used = new Set(tasks.flatMap((task) => [...task.dependsOn, ...task.after]));
    for (const task of tasks) {
      const parents = new Map(task.dependsOn.filter((id) => run.tasks.has(id)).map((id) => [id, "data"]));
      for (const id of orders.get(task.id)) if (!parents.has(id)) parents.set(id, "effect");
      const edges = [...parents].map(([id, kind]) => ({ id: String(id), kind }));
      // A later round comes after the answer that was not good enough, also where it uses nothing of before.
      if (join && !edges.some((edge) => run.tasks.get(Number(edge.id))?.round === task.round)) edges.push({ id: join, kind: "join" });
      const ids = blockers(run, task);
      const waits = task.state === "planned" && ids.length ? `, waits for ${ids.join(", ")}` : "";
      const took = task.started !== null && task.finished !== null ? `, ${duration(task.finished - task.started)}` : "";
      const depends = task.dependsOn.length ? `, uses ${task.dependsOn.join(", ")}` : "";
      const order = task.after.filter((id) => !task.dependsOn.includes(id)); // what it uses, it comes after anyway
      const ordered = order.length ? `, ordered after ${order.join(", ")}` : "";
      nodes.push({
        id: String(task.id), task, parents: edges, state: task.state, number: String(task.id), name: task.tool,
        note: noteOf(run, task), label: `Task ${task.id}, ${task.tool}, ${stateName(task.state)}${waits}${took}${depends}${ordered}`,
      });
    }
    if (!round || round.joinStarted === null) continue;
    const ends = tasks.filter((task) => !used.has(task.id)).map((task) => ({ id: String(task.id), kind: "join" }));
    const over = round.joinEnded !== null;
    const failed = over && round.feedback === null && OVER.has(run.status) && run.status !== "succeeded";
    const state = !over ? "running" : failed ? (run.status === "failed" ? "failed" : "cancelled") : "succeeded";
    const note = !over ? "reading the results" : round.feedback !== null ? "asked for more" : failed ? stateName(state) : "answered";
    join = `join:${round.number}`;
    nodes.push({ id: join, join: round, parents: ends, state, number: "", name: "Joiner", note, label: `Joiner, ${note}` });
  }
  return nodes;
}
