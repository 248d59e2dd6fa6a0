// Where the nodes of a graph go. Pure: sizes in, positions out.
//
// Layered by longest path, and made for a graph that grows while it is looked at: a task names only tasks that are already
// there, so a node keeps its layer for good, and its place in it follows from the places of those it depends on. New nodes
// push others aside within a layer, never across layers. Long edges get a lane of their own through the layers between.

const LANE = 18; // pixels between two long edges that run side by side
const MOST_LANES = 80; // nodes; in larger graphs, long edges run behind the nodes

function layersOf(nodes) {
  const layer = new Map();
  const visiting = new Set();
  const visit = (id) => {
    if (layer.has(id)) return layer.get(id);
    const node = nodes.get(id);
    if (!node || visiting.has(id)) return -1;
    visiting.add(id);
    let at = node.floor ?? 0;
    for (const parent of node.parents) at = Math.max(at, visit(parent) + 1);
    visiting.delete(id);
    layer.set(id, at);
    return at;
  };
  for (const id of nodes.keys()) visit(id);
  return layer;
}

/** Centres as near as can be to where they want to be, in order, without overlap. */
function spread(entries) {
  const forward = [];
  const backward = [];
  const apart = (a, b) => (a.size + b.size) / 2;
  entries.forEach((entry, i) => {
    forward[i] = i ? Math.max(entry.wish, forward[i - 1] + apart(entries[i - 1], entry)) : entry.wish;
  });
  for (let i = entries.length - 1; i >= 0; i--) {
    const last = i === entries.length - 1;
    backward[i] = last ? entries[i].wish : Math.min(entries[i].wish, backward[i + 1] - apart(entries[i], entries[i + 1]));
  }
  // Each of the two keeps the distances, so their middle does as well.
  return entries.map((_, i) => (forward[i] + backward[i]) / 2);
}

/**
 * Place nodes.
 *
 * `nodes`: in the order of planning, each `{id, parents: [id], floor?: least layer}`. `options`: `direction` ("right" or
 * "down"), `width` and `height` of a node, `gap` between layers and `rowGap` within one, `perLine` nodes after which a
 * layer breaks into further lines. Gives `{places: Map(id → {x, y, layer}), lanes: Map("parent>layer" → {x, y}), width,
 * height}`, all in pixels, x and y of the upper left corner of a node and of the middle of a lane.
 */
export function layout(nodes, options) {
  const { direction, width, height, gap, rowGap, perLine } = options;
  const right = direction === "right";
  const deep = right ? width : height; // extent along the direction of the edges
  const wide = right ? height : width; // and across
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const layer = layersOf(byId);
  const depth = Math.max(-1, ...layer.values());
  const withLanes = nodes.length <= MOST_LANES && right;

  const rows = Array.from({ length: depth + 1 }, () => []);
  for (const node of nodes) rows[layer.get(node.id)].push({ id: node.id, size: wide + rowGap, parents: node.parents });
  if (withLanes) {
    const reach = new Map(); // parent → the last layer that an edge of it ends in
    for (const node of nodes) {
      for (const parent of node.parents) {
        if (layer.has(parent)) reach.set(parent, Math.max(reach.get(parent) ?? 0, layer.get(node.id)));
      }
    }
    for (const [parent, last] of reach) {
      for (let at = layer.get(parent) + 1; at < last; at++) {
        const previous = at - 1 > layer.get(parent) ? `${parent}>${at - 1}` : parent;
        rows[at].push({ id: `${parent}>${at}`, size: LANE, parents: [previous], lane: true });
      }
    }
  }

  const centre = new Map();
  const along = new Map();
  let offset = 0;
  for (const row of rows) {
    row.forEach((entry, i) => {
      const known = entry.parents.map((id) => centre.get(id)).filter((c) => c !== undefined);
      entry.wish = known.length ? known.reduce((a, b) => a + b, 0) / known.length : null;
      entry.rank = i;
    });
    // Nodes that depend on nothing here keep the order of planning, after the others.
    row.sort((a, b) => (a.wish ?? Infinity) - (b.wish ?? Infinity) || a.rank - b.rank);
    if (row.length > perLine) {
      const lines = Math.ceil(row.length / perLine);
      const each = Math.ceil(row.length / lines);
      for (let line = 0; line < lines; line++) {
        const part = row.slice(line * each, (line + 1) * each);
        part.forEach((entry, i) => {
          centre.set(entry.id, (i - (part.length - 1) / 2) * entry.size);
          along.set(entry.id, offset + line * (deep + rowGap));
        });
      }
      offset += lines * (deep + rowGap) - rowGap + gap;
      continue;
    }
    const known = row.filter((entry) => entry.wish !== null);
    let next = known.length ? Math.max(...known.map((entry) => entry.wish)) + row[0].size : 0;
    for (const entry of row) {
      if (entry.wish !== null) continue;
      entry.wish = next;
      next += entry.size;
    }
    spread(row).forEach((c, i) => {
      centre.set(row[i].id, c);
      along.set(row[i].id, offset);
    });
    offset += deep + gap;
  }

  const lowest = Math.min(Infinity, ...rows.flat().map((e) => centre.get(e.id) - (e.lane ? LANE : wide) / 2));
  const highest = Math.max(-Infinity, ...rows.flat().map((e) => centre.get(e.id) + (e.lane ? LANE : wide) / 2));
  const places = new Map();
  const lanes = new Map();
  for (const entry of rows.flat()) {
    const across = centre.get(entry.id) - lowest;
    const at = along.get(entry.id);
    if (entry.lane) lanes.set(entry.id, right ? { x: at, y: across } : { x: across, y: at });
    else {
      const corner = across - wide / 2;
      places.set(entry.id, { ...(right ? { x: at, y: corner } : { x: corner, y: at }), layer: layer.get(entry.id) });
    }
  }
  const far = Math.max(0, offset - gap);
  const span = rows.length ? highest - lowest : 0;
  return { places, lanes, layer, width: right ? far : span, height: right ? span : far };
}

/** The line from one node to another, through the lanes between them, as SVG path data. */
export function edgePath(from, to, via, { direction, width, height }) {
  const right = direction === "right";
  const points = [];
  points.push(right ? [from.x + width, from.y + height / 2] : [from.x + width / 2, from.y + height]);
  for (const lane of via) points.push(...(right ? [[lane.x, lane.y], [lane.x + width, lane.y]] : [[lane.x, lane.y], [lane.x, lane.y + height]]));
  points.push(right ? [to.x - 5, to.y + height / 2] : [to.x + width / 2, to.y - 5]);
  let d = `M${round(points[0])}`;
  for (let i = 1; i < points.length; i++) {
    const [a, b] = [points[i - 1], points[i]];
    if (right ? a[1] === b[1] : a[0] === b[0]) {
      d += `L${round(b)}`;
      continue;
    }
    const bend = right ? Math.max(18, (b[0] - a[0]) / 2) : Math.max(14, (b[1] - a[1]) / 2);
    const [p, q] = right ? [[a[0] + bend, a[1]], [b[0] - bend, b[1]]] : [[a[0], a[1] + bend], [b[0], b[1] - bend]];
    d += `C${round(p)} ${round(q)} ${round(b)}`;
  }
  return d;
}

const round = ([x, y]) => `${Math.round(x * 10) / 10},${Math.round(y * 10) / 10}`;
