// The viewer's page. All that comes from runs is foreign text: it gets into the page as text nodes and as values of
// attributes that mean nothing to the browser, never as markup, addresses or code.

const SVG = 'http://www.w3.org/2000/svg';
const POLL_MS = 1000;
const ROW_PX = 34;
const NODES_SHOWN_MAX = 800;
const TEXT_SHOWN_MAX = 400_000;
const CODE_SHOWN_MAX = 100_000;

const page = document.getElementById('page');
const trouble = document.getElementById('trouble');

// Elements.

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

/** Foreign text with the characters that would reorder or hide it made visible. */
function visible(text) {
  return String(text)
    .replace(/[\u0000-\u0008\u000b-\u001f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)))
    .replace(/[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, (c) => `⟨U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`);
}

/** The text of a value that the server may have cut. */
const textOf = (value) => (value === null || value === undefined ? '' : typeof value === 'object' && 'cut' in value ? `${value.cut}…` : typeof value === 'object' ? JSON.stringify(value) : String(value));

const whole = new Intl.NumberFormat('en');
const count = (number) => whole.format(number);
const money = (run) => (run.priced ? `$${(run.micro_usd / 1e6).toFixed(4)}` : 'unknown');
const decimal = (number) => (Number.isInteger(number) ? String(number) : number.toFixed(3));
const bytes = (number) => (number < 1024 ? `${number} bytes` : `${count(Math.round(number / 1024))} KiB`);

function span(micros) {
  const seconds = micros / 1e6;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}

// Asking the server.

async function ask(path, as = 'json') {
  let response;
  try {
    response = await fetch(path, { cache: 'no-store' });
  } catch {
    throw new Error('The viewer does not answer. Is `codeagent view` still running?');
  }
  if (response.status === 401) throw new Error('This address is no longer valid: open the one that `codeagent view` printed, with its token.');
  if (response.ok) return response[as]();
  const said = await response.json().catch(() => ({}));
  throw new Error(said.error ?? `The viewer answered with status ${response.status}.`);
}

const runPath = (id) => `api/runs/${encodeURIComponent(id)}`;

// The list of runs.

const list = { folder: '', live: null, version: 0, unread: 0, loaded: false, runs: new Map() };

async function pollList() {
  const answer = await ask(`api/runs?since=${list.version}`);
  const changed = answer.runs.length > 0 || answer.live !== list.live || answer.unread !== list.unread || !list.loaded;
  Object.assign(list, { folder: answer.folder, live: answer.live, version: answer.version, unread: answer.unread, loaded: true });
  for (const run of answer.runs) list.runs.set(run.id, run);
  return changed;
}

const STATUSES = ['solved', 'unsolved', 'capped', 'error', 'running', 'unfinished', 'damaged'];

function statusOf(run, live) {
  if (run.damage) return 'damaged';
  if (run.status === 'running') return live === false ? 'unfinished' : 'running';
  return STATUSES.includes(run.status) ? run.status : 'error';
}

const status = (word) => h('span', { class: `status ${word}` }, word);
const share = (run) => (run.total > 0 && run.passed !== null ? run.passed / run.total : -1);
const took = (run) => (run.finished_us === null ? null : run.finished_us - run.created_us);

const COLUMNS = [
  { key: 'problem', title: 'Problem', of: (run) => run.problem },
  { key: 'sample', title: 'Sample', numeric: true, of: (run) => run.sample },
  { key: 'state', title: 'Status', of: (run) => STATUSES.indexOf(statusOf(run, list.live)) },
  { key: 'tests', title: 'Tests', numeric: true, of: share },
  { key: 'strategy', title: 'Strategy', of: (run) => run.strategy },
  { key: 'calls', title: 'Calls', numeric: true, of: (run) => run.calls },
  { key: 'tokens', title: 'Tokens', numeric: true, of: (run) => run.tokens },
  { key: 'cost', title: 'Cost', numeric: true, of: (run) => (run.priced ? run.micro_usd : -1) },
  { key: 'time', title: 'Time', numeric: true, of: (run) => took(run) ?? -1 },
];

const byText = new Intl.Collator('en', { numeric: true });

class ListView {
  constructor() {
    this.sort = { key: 'problem', down: false };
    this.filter = '';
    this.only = null;
    this.shown = [];
    this.head = h('div', { class: 'top' });
    this.states = h('div', { class: 'tools', role: 'group', 'aria-label': 'Status' });
    this.input = h('input', { type: 'search', placeholder: 'Filter by problem, strategy or model', 'aria-label': 'Filter', input: () => { this.filter = this.input.value.toLowerCase(); this.arrange(); } });
    this.body = h('tbody');
    this.headings = COLUMNS.map((column) => h('th', { class: `${column.key}${column.numeric ? ' num' : ''}`, scope: 'col' }, h('button', { click: () => this.sortBy(column.key) }, column.title)));
    this.table = h('table', { 'aria-label': 'Runs' }, h('thead', {}, h('tr', {}, this.headings)), this.body);
    this.rows = h('div', { class: 'rows', scroll: () => this.draw(), keydown: (event) => this.key(event) }, this.table);
    this.none = h('p', { class: 'empty' });
    this.element = [this.head, h('div', { class: 'tools' }, this.input), this.states, this.rows, this.none];
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.rows);
  }

  close() { this.resized.disconnect(); }

  sortBy(key) {
    this.sort = { key, down: this.sort.key === key ? !this.sort.down : false };
    this.arrange();
  }

  /** Shows what the list holds now. */
  update() {
    const samples = [...list.runs.values()].some((run) => run.sample > 0);
    this.table.classList.toggle('one-sample', !samples);
    this.headings[1].hidden = !samples;
    this.samples = samples;
    const live = list.live === true ? status('running') : h('span', { class: 'dim' }, list.live === false ? 'no run is active' : '');
    const unread = list.unread > 0 && h('span', { class: 'dim' }, `reading ${count(list.unread)} more…`);
    this.head.replaceChildren(...[h('h1', {}, visible(list.folder)), live, unread].filter(Boolean));
    this.arrange();
  }

  arrange() {
    const counts = new Map();
    for (const run of list.runs.values()) {
      const word = statusOf(run, list.live);
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    const choice = (word, number) => h('button', { 'aria-pressed': this.only === word, click: () => { this.only = word; this.arrange(); } }, word === null ? `all ${count(number)}` : [status(word), ` ${count(number)}`]);
    this.states.replaceChildren(choice(null, list.runs.size), ...STATUSES.filter((word) => counts.has(word)).map((word) => choice(word, counts.get(word))));

    const holds = (run) => [run.problem, run.strategy, run.model, run.id].some((text) => text.toLowerCase().includes(this.filter));
    this.shown = [...list.runs.values()].filter((run) => (this.only === null || statusOf(run, list.live) === this.only) && (this.filter === '' || holds(run)));
    const of = COLUMNS.find((column) => column.key === this.sort.key).of;
    const compare = (a, b) => (typeof a === 'string' ? byText.compare(a, b) : a - b);
    const sign = this.sort.down ? -1 : 1;
    this.shown.sort((a, b) => sign * compare(of(a), of(b)) || byText.compare(a.problem, b.problem) || a.sample - b.sample);
    this.headings.forEach((heading, index) => {
      const sorted = COLUMNS[index].key === this.sort.key;
      heading.setAttribute('aria-sort', sorted ? (this.sort.down ? 'descending' : 'ascending') : 'none');
      heading.firstChild.textContent = COLUMNS[index].title + (sorted ? (this.sort.down ? ' ▾' : ' ▴') : '');
    });
    this.table.setAttribute('aria-rowcount', this.shown.length + 1);
    this.rows.hidden = this.shown.length === 0;
    this.none.hidden = this.shown.length > 0;
    this.none.textContent = list.runs.size > 0 ? 'No run is like that.' : list.unread > 0 ? 'Reading…' : 'No run has begun here yet. This page shows the first one as soon as there is one.';
    this.draw();
  }

  /** Draws the rows in sight alone, so that ten thousand are no burden. */
  draw() {
    if (this.rows.hidden) return;
    const first = Math.max(0, Math.floor(this.rows.scrollTop / ROW_PX) - 10);
    const last = Math.min(this.shown.length, first + Math.ceil(this.rows.clientHeight / ROW_PX) + 20);
    const focused = this.body.contains(document.activeElement) ? document.activeElement.dataset.index : null;
    const space = (rows) => rows > 0 && h('tr', { class: 'space', 'aria-hidden': 'true' }, sized(h('td'), rows * ROW_PX));
    const parts = [space(first), ...this.shown.slice(first, last).map((run, at) => this.row(run, first + at)), space(this.shown.length - last)];
    this.body.replaceChildren(...parts.filter(Boolean));
    if (focused !== null) this.link(focused)?.focus({ preventScroll: true });
  }

  row(run, index) {
    const tests = run.damage ? '' : run.total === 0 ? 'none' : `${run.passed ?? '–'}/${run.total}`;
    const time = took(run);
    const link = h('a', { href: `#/${encodeURIComponent(run.id)}`, 'data-index': index, title: visible(run.problem) }, visible(run.problem || run.id));
    const cell = (key, numeric, ...children) => h('td', { class: `${key}${numeric ? ' num' : ''}` }, ...children);
    return h('tr', { 'aria-rowindex': index + 2, title: run.damage && visible(run.damage) },
      cell('problem', false, link),
      this.samples && cell('sample', true, String(run.sample)),
      cell('state', false, status(statusOf(run, list.live))),
      cell('tests', true, tests, run.total > 0 && meter(Math.max(0, share(run)))),
      cell('strategy', false, visible(run.strategy)),
      cell('calls', true, count(run.calls)),
      cell('tokens', true, count(run.tokens)),
      cell('cost', true, money(run)),
      cell('time', true, time === null ? '' : span(time)));
  }

  link(index) { return this.body.querySelector(`a[data-index="${Number(index)}"]`); }

  key(event) {
    const at = Number(document.activeElement?.dataset?.index ?? NaN);
    const screen = Math.max(1, Math.floor(this.rows.clientHeight / ROW_PX) - 2);
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + screen, PageUp: at - screen, Home: 0, End: this.shown.length - 1 };
    if (Number.isNaN(at) || !(event.key in steps)) return;
    event.preventDefault();
    const to = Math.min(this.shown.length - 1, Math.max(0, steps[event.key]));
    const top = to * ROW_PX;
    if (top < this.rows.scrollTop) this.rows.scrollTop = top;
    if (top + 2 * ROW_PX > this.rows.scrollTop + this.rows.clientHeight) this.rows.scrollTop = top + 2 * ROW_PX - this.rows.clientHeight;
    this.draw();
    this.link(to)?.focus({ preventScroll: true });
  }
}

function sized(element, height) {
  element.style.height = `${height}px`;
  return element;
}

function meter(value) {
  const part = h('i');
  part.style.width = `${Math.round(value * 100)}%`;
  return h('span', { class: 'bar', 'aria-hidden': 'true' }, part);
}

// The search tree, rebuilt from the events of a run as the search itself would.

class Search {
  constructor() {
    this.nodes = [newNode(0, null, 'root', '', 0)];
    this.next = 0;
    this.visibleTests = 0;
    this.best = null;
    this.spent = { calls: 0, tokens: 0, micro_usd: 0 };
    this.priced = true;
    this.curve = [];
    this.spending = [];
    this.warnings = [];
    this.finished = null;
    this.clock = { offset: 0, last: 0 };
    this.early = new Map();
  }

  apply(event) {
    if (event.seq < this.next) return;
    this.next = event.seq + 1;
    const node = this.nodes[event.node];
    switch (event.type) {
      case 'task_started': this.visibleTests = event.visible_tests; break;
      case 'node_added': this.add(event); break;
      case 'node_content': case 'node_reviewed': case 'node_feedback': this.hold(event); break;
      case 'node_evaluated': node?.evaluations.push({ by: event.evaluator, score: event.score }); break;
      case 'node_rethought': node?.summaries.push(textOf(event.summary)); break;
      case 'node_reverted': if (node && node.summaries.length > 1) node.summaries.pop(); break;
      case 'backup': node?.returns.push(event.value); break;
      case 'tree_changed': this.change(event.change); break;
      case 'candidate_best':
        this.best = event.node;
        this.curve.push({ x: this.spent.calls, y: event.passed });
        break;
      case 'budget':
        this.spent = { calls: event.calls, tokens: event.tokens, micro_usd: event.micro_usd };
        this.spending.push({ t: this.time(event.t_us), ...this.spent });
        break;
      case 'llm_reply': this.priced &&= typeof event.cost_micro_usd === 'number'; break;
      case 'task_finished': this.finished = event; break;
      case 'warning': this.warnings.push(textOf(event.message)); break;
      case 'unreadable': this.warnings.push(`Event ${event.seq} of the log can't be read.`); break;
    }
  }

  add(event) {
    const parent = this.nodes[event.parent];
    if (!parent || event.node !== this.nodes.length) {
      this.warnings.push(`Event ${event.seq} does not fit the tree.`);
      return;
    }
    const node = newNode(event.node, parent.id, event.kind, event.action, parent.depth + 1);
    Object.assign(node, { prior: event.prior, attempt: event.attempt ?? null, summaries: [textOf(event.summary)], seq: event.seq });
    this.nodes.push(node);
    parent.children.push(node.id);
    node.contents = this.early.get(node.id) ?? [];
    this.early.delete(node.id);
  }

  /** Notes where a node's texts are. Those of a new node are logged just before the node itself. */
  hold(event) {
    const content = { seq: event.seq, type: event.type, holds: event.holds ?? [] };
    const contents = this.nodes[event.node]?.contents ?? this.early.get(event.node);
    if (contents) contents.push(content);
    else this.early.set(event.node, [content]);
  }

  change(change) {
    const node = this.nodes[change?.node];
    if (!node) return;
    if (change.change === 'forgotten') node.returns = [];
    if (change.change === 'prior_set') node.prior = change.prior;
    if (change.change === 'probed') node.probed = change.behaviour;
    if (change.change === 'ran') {
      const passed = change.run.filter((outcome) => outcome.passed).length;
      node.runs.set(change.suite, { passed, total: change.run.length });
    }
  }

  /** Microseconds of work so far: a process that continues a run starts its clock anew. */
  time(at) {
    if (at < this.clock.last) this.clock.offset += this.clock.last;
    this.clock.last = at;
    return this.clock.offset + at;
  }
}

function newNode(id, parent, kind, operator, depth) {
  return { id, parent, kind, operator, depth, prior: null, attempt: null, summaries: [''], evaluations: [], returns: [], runs: new Map(), contents: [], children: [], probed: null };
}

const version = (node) => node.contents.findLast((content) => content.type === 'node_content');
const programOf = (node) => node.contents.findLast((content) => content.type === 'node_content' && content.holds.includes('program'))?.seq ?? null;
const summaryOf = (node) => node.summaries.at(-1) ?? '';

/** The score of a node in [0, 1] and in words: tests passed for programs, the best return for the rest. */
function scoreOf(node) {
  const { attempt } = node;
  if (attempt && !attempt.parses) return { value: 0, text: '✕ syntax', long: 'does not parse' };
  if (attempt && attempt.total > 0) {
    const mark = attempt.passed === attempt.total ? '✓ ' : '';
    return { value: attempt.passed / attempt.total, text: `${mark}${attempt.passed}/${attempt.total}`, long: `${attempt.passed} of ${attempt.total} visible tests pass` };
  }
  if (!attempt && node.returns.length > 0) {
    const best = Math.max(...node.returns.slice(-10_000));
    return { value: best, text: best.toFixed(2), long: `best return ${best.toFixed(3)}` };
  }
  return { value: null, text: '', long: 'no score' };
}

const BINS = [
  { name: 'none', words: 'no score', fits: (value) => value === null },
  { name: 'zero', words: 'score 0', fits: (value) => value <= 0 },
  { name: 'low', words: 'below ½', fits: (value) => value < 0.5 },
  { name: 'high', words: '½ and above', fits: (value) => value < 1 },
  { name: 'full', words: '1, or all tests ✓', fits: () => true },
];
const binOf = (value) => BINS.find((bin) => bin.fits(value)).name;

/** Shapes of kinds, drawn around 0,0 with a radius of 6. */
const SHAPES = {
  root: 'M0,-6A6,6 0 1 1 0,6A6,6 0 1 1 0,-6M0,-2.5A2.5,2.5 0 1 0 0,2.5A2.5,2.5 0 1 0 0,-2.5',
  thought: 'M0,-6A6,6 0 1 1 0,6A6,6 0 1 1 0,-6',
  plan: 'M-6,0L-3,-5.2H3L6,0L3,5.2H-3Z',
  plan_step: 'M-6,0L-3,-5.2H3L6,0L3,5.2H-3Z',
  solution: 'M-5.3,-5.3H5.3V5.3H-5.3Z',
  revision: 'M0,-6.6L6.6,0L0,6.6L-6.6,0Z',
  reflection: 'M0,-6L6.4,5H-6.4Z',
  inputs: 'M0,6L6.4,-5H-6.4Z',
  tests: 'M0,-6.4L6.1,-2L3.8,5.2H-3.8L-6.1,-2Z',
  module: 'M-2.2,-6H2.2V-2.2H6V2.2H2.2V6H-2.2V2.2H-6V-2.2H-2.2Z',
};
const shape = (kind) => (Object.hasOwn(SHAPES, kind) ? SHAPES[kind] : SHAPES.thought);
const words = (name) => String(name).replaceAll('_', ' ');
const mark = (kind, bin, x = 0, y = 0) => s('path', { class: `mark bin-${bin}`, d: shape(kind), transform: `translate(${x},${y})` });

// The tree as a picture.

const CARD = { width: 190, height: 30, column: 240, row: 38 };

class TreeView {
  constructor(search, choose) {
    this.search = search;
    this.choose = choose;
    this.chosen = null;
    this.focused = 0;
    this.folded = new Set();
    this.scale = { k: 1, x: 12, y: 12 };
    this.touched = false;
    this.pointers = new Map();
    this.layer = s('g');
    this.canvas = s('svg', {
      class: 'canvas', role: 'tree', 'aria-label': 'Search tree', wheel: (event) => this.wheel(event), keydown: (event) => this.key(event),
      pointerdown: (event) => this.press(event), pointermove: (event) => this.drag(event), pointerup: (event) => this.release(event), pointercancel: (event) => this.release(event),
    }, this.layer);
    const button = (label, title, act) => h('button', { title, 'aria-label': title, click: act }, label);
    this.size = h('span', { class: 'dim' });
    this.tools = h('div', { class: 'tools' },
      h('h2', {}, 'Search tree'),
      button('−', 'Zoom out', () => this.zoom(1 / 1.3)),
      button('+', 'Zoom in', () => this.zoom(1.3)),
      button('Fit', 'Show the whole tree', () => this.fitAll()),
      button('Fold', 'Fold all below the second level', () => this.foldFrom(1)),
      button('Unfold', 'Unfold everything', () => { this.folded.clear(); this.draw(); }),
      this.size);
    this.legend = h('ul', { class: 'legend', 'aria-label': 'Legend' });
    this.empty = h('p', { class: 'empty' }, 'The search has made nothing so far.');
    this.element = h('section', { class: 'card', 'aria-label': 'Search tree' }, this.tools, this.canvas, this.empty, this.legend);
    this.resized = new ResizeObserver(() => this.place());
    this.resized.observe(this.canvas);
  }

  close() { this.resized.disconnect(); }

  /** Folds, in a tree too large to draw, the deepest levels that make it so. */
  foldIfLarge() {
    if (this.search.nodes.length <= NODES_SHOWN_MAX) return;
    const perDepth = [];
    for (const node of this.search.nodes) perDepth[node.depth] = (perDepth[node.depth] ?? 0) + 1;
    let [shown, depth] = [0, 0];
    while (depth < perDepth.length && shown + perDepth[depth] <= NODES_SHOWN_MAX) shown += perDepth[depth++];
    this.foldFrom(Math.max(0, depth - 1));
  }

  foldFrom(depth) {
    for (const node of this.search.nodes) if (node.depth >= depth && node.children.length > 0) this.folded.add(node.id);
    this.draw();
  }

  shownChildren(node) { return this.folded.has(node.id) ? [] : node.children; }

  /** Leaves stand one below the other, parents at the middle of their children. Without recursion: chains may be long. */
  layout() {
    const { nodes } = this.search;
    this.order = [];
    const open = [0];
    while (open.length > 0) {
      const id = open.pop();
      this.order.push(id);
      open.push(...this.shownChildren(nodes[id]).toReversed());
    }
    this.places = new Map();
    let [leaves, right] = [0, 0];
    for (const id of this.order) {
      const x = nodes[id].depth * CARD.column;
      right = Math.max(right, x + CARD.width);
      if (this.shownChildren(nodes[id]).length === 0) this.places.set(id, { x, y: leaves++ * CARD.row });
    }
    for (const id of this.order.toReversed()) {
      const children = this.shownChildren(nodes[id]);
      if (children.length === 0) continue;
      const [first, last] = [this.places.get(children[0]), this.places.get(children.at(-1))];
      this.places.set(id, { x: nodes[id].depth * CARD.column, y: (first.y + last.y) / 2 });
    }
    this.extent = { width: right + 12, height: leaves * CARD.row };
  }

  draw() {
    const { nodes } = this.search;
    const hadFocus = this.layer.contains(document.activeElement);
    this.empty.hidden = nodes.length > 1;
    this.canvas.style.display = nodes.length > 1 ? '' : 'none';
    this.layout();
    if (!this.places.has(this.focused)) this.focused = 0;
    const edges = this.order.flatMap((id) => this.shownChildren(nodes[id]).map((child) => this.edge(id, child)));
    this.layer.replaceChildren(...edges, ...this.order.map((id) => this.card(nodes[id])));
    const hidden = nodes.length - this.order.length;
    this.size.textContent = `${count(nodes.length)} nodes${hidden > 0 ? `, ${count(hidden)} folded` : ''}`;
    this.drawLegend();
    this.canvas.style.height = `clamp(240px, ${this.extent.height + 40}px, max(300px, 100vh - 330px))`;
    this.place();
    if (hadFocus) this.cardOf(this.focused)?.focus({ preventScroll: true });
  }

  edge(from, to) {
    const [a, b] = [this.places.get(from), this.places.get(to)];
    const [y1, y2, trunk] = [a.y + CARD.height / 2, b.y + CARD.height / 2, b.x - 20];
    const bend = Math.sign(y2 - y1) * Math.min(8, Math.abs(y2 - y1) / 2);
    return s('path', { class: 'edge', d: `M${a.x + CARD.width},${y1}H${trunk - Math.abs(bend)}q${Math.abs(bend)},0 ${Math.abs(bend)},${bend}V${y2 - bend}q0,${bend} ${Math.abs(bend)},${bend}H${b.x}` });
  }

  card(node) {
    const { x, y } = this.places.get(node.id);
    const score = scoreOf(node);
    const best = this.search.best === node.id;
    const name = node.kind === 'root' ? 'problem' : `#${node.id} ${words(node.operator)}`;
    const title = visible(`${name}, ${words(node.kind)}: ${score.long}${best ? ', the best program' : ''}${summaryOf(node) ? `\n${summaryOf(node)}` : ''}`);
    const folded = this.folded.has(node.id);
    const points = `${best ? '★ ' : ''}${score.text}`;
    const room = Math.floor((CARD.width - 46) / (best ? 7.4 : 6.7)) - points.length;
    const attributes = {
      class: `node${best ? ' best' : ''}`, transform: `translate(${x},${y})`, role: 'treeitem', 'data-node': node.id, tabindex: node.id === this.focused ? 0 : -1,
      'aria-level': node.depth + 1, 'aria-selected': node.id === this.chosen ? 'true' : 'false', 'aria-expanded': node.children.length > 0 ? String(!folded) : null, 'aria-label': title,
    };
    return s('g', attributes,
      s('title', {}, title),
      s('rect', { class: 'box', width: CARD.width, height: CARD.height, rx: 6 }),
      mark(node.kind, binOf(score.value), 15, CARD.height / 2),
      s('text', { class: 'label', x: 28, y: 17 }, visible(name.length > room ? `${name.slice(0, room - 1)}…` : name)),
      s('text', { class: 'score', x: CARD.width - 12, y: 17 }, points),
      score.value === null ? [] : gauge(score.value),
      node.children.length > 0 && this.handle(node, folded));
  }

  /** What folds a node's children away and shows them again. */
  handle(node, folded) {
    return s('g', { class: 'fold', transform: `translate(${CARD.width},${CARD.height / 2})`, 'data-fold': node.id },
      s('circle', { r: 8 }), s('text', { y: 3.5 }, folded ? '+' : '−'), s('title', {}, folded ? `Unfold ${count(node.children.length)} children` : 'Fold'));
  }

  drawLegend() {
    const kinds = [...new Set(this.search.nodes.map((node) => node.kind))];
    const state = JSON.stringify([kinds, this.search.best === null]);
    if (this.legendOf === state) return;
    this.legendOf = state;
    const item = (kind, bin, text) => h('li', {}, s('svg', { viewBox: '-8 -8 16 16', 'aria-hidden': 'true' }, mark(kind, bin)), text);
    this.legend.replaceChildren(
      h('li', {}, 'Shape:'),
      ...kinds.map((kind) => item(kind, 'none', kind === 'root' ? 'problem' : visible(words(kind)))),
      h('li', {}, 'Colour and bar:'),
      ...BINS.map((bin) => item('solution', bin.name, bin.words)),
      ...(this.search.best === null ? [] : [h('li', {}, '★ best program')]));
  }

  cardOf(id) { return this.layer.querySelector(`[data-node="${Number(id)}"]`); }

  select(id) {
    if (this.chosen !== null) this.cardOf(this.chosen)?.setAttribute('aria-selected', 'false');
    this.chosen = id;
    if (id === null) return;
    this.reveal(id);
    this.bringIn(id);
    this.cardOf(id)?.setAttribute('aria-selected', 'true');
    this.focusOn(id, false);
  }

  /** Unfolds what hides a node. */
  reveal(id) {
    let changed = false;
    for (let at = this.search.nodes[id]?.parent ?? null; at !== null; at = this.search.nodes[at].parent) changed = this.folded.delete(at) || changed;
    if (changed) this.draw();
  }

  toggle(id) {
    if (!this.folded.delete(id)) this.folded.add(id);
    this.touched = true;
    this.draw();
  }

  focusOn(id, take) {
    this.cardOf(this.focused)?.setAttribute('tabindex', '-1');
    this.focused = id;
    const card = this.cardOf(id);
    card?.setAttribute('tabindex', '0');
    if (!take) return;
    this.touched = true;
    this.bringIn(id);
    card?.focus({ preventScroll: true });
  }

  bringIn(id) {
    const place = this.places.get(id);
    if (!place) return;
    const { k } = this.scale;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const [left, top] = [place.x * k + this.scale.x, place.y * k + this.scale.y];
    if (left + CARD.width * k > width) this.scale.x += Math.max(12, width - CARD.width * k - 24) - left;
    if (left < 0) this.scale.x += 12 - left;
    if (top < 0 || top + CARD.height * k > height) this.scale.y += height / 2 - top;
    this.move();
  }

  move() { this.layer.setAttribute('transform', `translate(${this.scale.x},${this.scale.y}) scale(${this.scale.k})`); }

  /** Until somebody moves the tree: as much of it as can be read, with the chosen node in sight. */
  place() {
    if (this.touched) return this.move();
    this.fit(0.6);
    if (this.chosen !== null) this.bringIn(this.chosen);
  }

  fitAll() {
    this.touched = true;
    this.fit(0.02);
  }

  /** The whole tree, unless that would make it smaller than `least`: then its root. */
  fit(least) {
    if (!this.extent) return;
    const [width, height] = [this.canvas.clientWidth || 800, this.canvas.clientHeight || 400];
    const k = Math.min(1.2, Math.max(least, Math.min((width - 24) / this.extent.width, (height - 24) / this.extent.height)));
    const free = height - this.extent.height * k;
    const root = (this.places.get(0)?.y ?? 0) * k;
    this.scale = { k, x: 12, y: free > 0 ? free / 2 : Math.min(12, height / 2 - root) };
    this.move();
  }

  zoom(factor, at = { x: this.canvas.clientWidth / 2, y: this.canvas.clientHeight / 2 }) {
    const k = Math.min(4, Math.max(0.05, this.scale.k * factor));
    const ratio = k / this.scale.k;
    this.scale = { k, x: at.x - (at.x - this.scale.x) * ratio, y: at.y - (at.y - this.scale.y) * ratio };
    this.touched = true;
    this.move();
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  wheel(event) {
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0015)), this.at(event));
  }

  press(event) {
    if (event.button !== 0) return;
    this.pointers.set(event.pointerId, this.at(event));
    this.moved = this.pointers.size > 1;
  }

  /** One pointer moves the tree, two zoom it. */
  drag(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = this.at(event);
    const [dx, dy] = [now.x - before.x, now.y - before.y];
    if (!this.moved && Math.hypot(dx, dy) < 4) return;
    if (!this.moved) {
      this.moved = true;
      this.canvas.setPointerCapture(event.pointerId);
      this.canvas.classList.add('dragged');
    }
    this.pointers.set(event.pointerId, now);
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const [was, is] = [Math.hypot(before.x - other.x, before.y - other.y), Math.hypot(now.x - other.x, now.y - other.y)];
      if (was > 0) this.zoom(is / was, { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
      return;
    }
    this.scale.x += dx;
    this.scale.y += dy;
    this.touched = true;
    this.move();
  }

  release(event) {
    const pressed = this.pointers.delete(event.pointerId);
    this.canvas.classList.remove('dragged');
    if (!pressed || this.moved || event.type === 'pointercancel') return;
    const fold = event.target.closest('[data-fold]');
    const card = event.target.closest('[data-node]');
    if (fold) this.toggle(Number(fold.dataset.fold));
    else if (card) this.choose(Number(card.dataset.node));
  }

  key(event) {
    const node = this.search.nodes[this.focused];
    if (event.ctrlKey || event.metaKey || event.altKey || !node) return;
    const at = this.order.indexOf(node.id);
    const isOpen = node.children.length > 0 && !this.folded.has(node.id);
    const acts = {
      ArrowDown: () => this.focusOn(this.order[Math.min(at + 1, this.order.length - 1)], true),
      ArrowUp: () => this.focusOn(this.order[Math.max(at - 1, 0)], true),
      ArrowLeft: () => { if (isOpen) this.toggle(node.id); else if (node.parent !== null) this.focusOn(node.parent, true); },
      ArrowRight: () => { if (isOpen) this.focusOn(node.children[0], true); else if (node.children.length > 0) this.toggle(node.id); },
      Home: () => this.focusOn(0, true),
      End: () => this.focusOn(this.order.at(-1), true),
      Enter: () => this.choose(node.id),
      ' ': () => this.choose(node.id),
      '+': () => this.zoom(1.3),
      '-': () => this.zoom(1 / 1.3),
      0: () => this.fitAll(),
    };
    if (!Object.hasOwn(acts, event.key)) return;
    event.preventDefault();
    acts[event.key]();
  }
}

/** The score as a length, for whom colours say little. */
function gauge(value) {
  const width = CARD.width - 40;
  const part = Math.max(0, Math.min(1, value)) * width;
  return [s('rect', { class: 'gauge-back', x: 28, y: 23, width, height: 3, rx: 1.5 }), s('rect', { class: 'gauge', x: 28, y: 23, width: part, height: 3, rx: 1.5 })];
}

// Programs: colours and differences.

const KEYWORDS = new Set('False None True and as assert async await break case class continue def del elif else except finally for from global if import in is lambda match nonlocal not or pass raise return try while with yield'.split(' '));
const TOKEN = new RegExp([
  /(?<comment>#[^\n]*)/,
  /(?<string>(?:[rbfu]{1,2})?(?:"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\[\s\S]|[^"\\\n])*(?:"|$|(?=\n))|'(?:\\[\s\S]|[^'\\\n])*(?:'|$|(?=\n))))/,
  /(?<decorator>@[\w.]+)/,
  /(?<number>\b(?:0[xob][\da-f_]+|\d[\d_]*(?:\.[\d_]*)?(?:e[+-]?\d+)?)j?)/,
  /(?<word>[^\W\d]\w*)/,
].map((part) => part.source).join('|'), 'gi');

/** A Python program with its tokens in classes. */
function python(text) {
  const parts = [];
  let [at, afterDef] = [0, false];
  for (const match of text.matchAll(TOKEN)) {
    const { comment, string, decorator, number, word } = match.groups;
    const kind = comment !== undefined ? 'c' : string !== undefined ? 's' : decorator !== undefined ? 'd' : number !== undefined ? 'n' : KEYWORDS.has(word) ? 'k' : afterDef ? 'd' : null;
    afterDef = word === 'def' || word === 'class';
    if (kind === null) continue;
    if (match.index > at) parts.push(visible(text.slice(at, match.index)));
    parts.push(h('span', { class: kind }, visible(match[0])));
    at = match.index + match[0].length;
  }
  parts.push(visible(text.slice(at)));
  return parts;
}

const EDITS_MAX = 1000;

/** The lines of two texts, each as kept, removed or added. */
function differences(before, after) {
  const [a, b] = [before.split('\n'), after.split('\n')];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const kept = (lines) => lines.map((line) => ({ kind: 'kept', line }));
  const middle = edits(a.slice(start, a.length - end), b.slice(start, b.length - end));
  return [...kept(a.slice(0, start)), ...middle, ...kept(a.slice(a.length - end))];
}

/** The fewest edits, by the greedy algorithm of Myers 1986; beyond a thousand, all of one text and all of the other. */
function edits(a, b) {
  const trace = [];
  let reach = new Map([[1, 0]]);
  for (let d = 0; d <= Math.min(a.length + b.length, EDITS_MAX); d++) {
    trace.push(reach);
    reach = new Map(reach);
    for (let k = -d; k <= d; k += 2) {
      let x = isDown(reach, k, d) ? reach.get(k + 1) ?? 0 : (reach.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      reach.set(k, x);
      if (x >= a.length && x - k >= b.length) return walkBack(a, b, trace);
    }
  }
  return [...a.map((line) => ({ kind: 'removed', line })), ...b.map((line) => ({ kind: 'added', line }))];
}

const isDown = (reach, k, d) => k === -d || (k !== d && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1));

function walkBack(a, b, trace) {
  const lines = [];
  let [x, y] = [a.length, b.length];
  for (let d = trace.length - 1; d >= 0; d--) {
    const down = isDown(trace[d], x - y, d);
    const from = down ? x - y + 1 : x - y - 1;
    const fromX = trace[d].get(from) ?? 0;
    const fromY = fromX - from;
    while (x > fromX && y > fromY && x > 0 && y > 0) {
      lines.push({ kind: 'kept', line: a[--x] });
      y--;
    }
    if (d === 0) break;
    lines.push(down ? { kind: 'added', line: b[y - 1] } : { kind: 'removed', line: a[x - 1] });
    [x, y] = [fromX, fromY];
  }
  return lines.reverse();
}

const SIGNS = { kept: '  ', added: '+ ', removed: '− ' };

/** Differences with three lines around each. */
function diff(before, after) {
  const lines = differences(before, after);
  const near = new Set();
  lines.forEach(({ kind }, at) => { if (kind !== 'kept') for (let i = at - 3; i <= at + 3; i++) near.add(i); });
  if (near.size === 0) return h('p', { class: 'dim' }, 'The programs are equal.');
  const shown = [];
  let skipped = 0;
  const skip = () => {
    if (skipped > 0) shown.push(h('div', { class: 'skipped' }, `  ⋯ ${count(skipped)} equal lines`));
    skipped = 0;
  };
  lines.forEach(({ kind, line }, at) => {
    if (!near.has(at)) { skipped++; return; }
    skip();
    shown.push(h('div', { class: kind }, SIGNS[kind] + visible(line)));
  });
  skip();
  return h('pre', { class: 'code diff', tabindex: 0 }, shown);
}

// Texts, long ones on demand.

function block(text, code) {
  const shown = text.slice(0, TEXT_SHOWN_MAX);
  const body = code && shown.length <= CODE_SHOWN_MAX ? python(shown) : visible(shown);
  return [
    h('pre', { class: code && 'code', tabindex: 0 }, body),
    ...(shown.length < text.length ? [h('p', { class: 'dim' }, `Cut after ${count(TEXT_SHOWN_MAX)} characters.`)] : []),
  ];
}

/** A text, with a button for the rest of it where the server sent its start alone. */
function longText(value, path, code = false) {
  if (typeof value !== 'object' || value === null) return block(String(value ?? ''), code);
  const place = h('div', {}, ...block(value.cut, code));
  const load = h('button', { class: 'more', click: () => void loadRest() }, `Show all ${bytes(value.bytes)}`);
  async function loadRest() {
    load.disabled = true;
    try {
      place.replaceChildren(...block(await ask(path, 'text'), code));
      load.remove();
    } catch (error) {
      load.disabled = false;
      complain(error);
    }
  }
  return [place, load];
}

const section = (title, open, ...children) => h('details', { open }, h('summary', {}, title), ...children);

const isThere = (value) => value !== null && value !== undefined && value !== '';
const facts = (pairs) => h('dl', { class: 'facts' }, pairs.filter(([, value]) => isThere(value)).map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));

function table(headings, rows, classes = []) {
  const head = h('tr', {}, headings.map((heading) => h('th', { scope: 'col' }, heading)));
  const body = rows.map((row) => h('tr', {}, row.map((cell, at) => h('td', { class: classes[at] }, cell))));
  return h('div', { class: 'scroll', tabindex: 0 }, h('table', { class: 'plain' }, h('thead', {}, head), h('tbody', {}, body)));
}

// One node.

class NodePanel {
  constructor(view) {
    this.view = view;
    this.element = h('aside', { class: 'card panel', 'aria-label': 'Node' });
    this.clear();
  }

  clear() {
    this.shown = '';
    this.id = null;
    this.element.replaceChildren(h('p', { class: 'empty' }, 'Choose a node to see its question, answer, program, tests and scores.'));
  }

  /** Shows a node, again only if something about it is new. */
  async show(id) {
    const { search } = this.view;
    const node = search.nodes[id];
    if (!node) return this.clear();
    const state = JSON.stringify([id, node.contents.length, node.evaluations.length, node.returns.length, node.summaries.length, [...node.runs], node.prior, node.children.length, search.best === id]);
    if (state === this.shown) return;
    this.shown = state;
    const parent = this.programAbove(node);
    try {
      const events = await Promise.all(node.contents.map((content) => this.event(content.seq)));
      const above = parent === null ? null : await this.event(programOf(parent));
      if (this.shown !== state) return;
      this.fill(node, events, parent, above?.program);
    } catch (error) {
      this.shown = '';
      this.element.replaceChildren(h('p', { class: 'empty' }, visible(error.message)));
    }
  }

  /** Sections of the same node stay open or shut as they are. */
  fill(node, events, parent, programAbove) {
    const title = (details) => details.firstChild.textContent;
    const sections = () => [...this.element.querySelectorAll('details')];
    const open = new Map(this.id === node.id ? sections().map((it) => [title(it), it.open]) : []);
    this.element.replaceChildren(this.head(node), ...this.parts(node, events, parent, programAbove).filter(Boolean));
    for (const it of sections()) it.open = open.get(title(it)) ?? it.open;
    if (this.id !== node.id) this.element.scrollTop = 0;
    this.id = node.id;
  }

  /** Events never change, so each is fetched once, and the last fifty are kept. */
  async event(seq) {
    const { texts } = this.view;
    const kept = texts.get(seq) ?? await ask(`${runPath(this.view.id)}/events/${seq}`);
    texts.set(seq, kept);
    if (texts.size > 50) texts.delete(texts.keys().next().value);
    return kept;
  }

  /** The nearest node above that holds a program, for one that holds one itself. */
  programAbove(node) {
    const { nodes } = this.view.search;
    if (programOf(node) === null) return null;
    for (let at = node.parent; at !== null; at = nodes[at].parent) if (programOf(nodes[at]) !== null) return nodes[at];
    return null;
  }

  head(node) {
    const score = scoreOf(node);
    const { attempt, returns } = node;
    const mean = returns.reduce((sum, value) => sum + value, 0) / returns.length;
    const name = node.kind === 'root' ? 'The problem' : `#${node.id} ${words(node.kind)}`;
    const picture = s('svg', { viewBox: '-8 -8 16 16', width: 18, height: 18, 'aria-hidden': 'true' }, mark(node.kind, binOf(score.value)));
    return h('div', {},
      h('div', { class: 'top' }, picture, h('h2', {}, visible(name)), h('span', {}, score.long), this.view.search.best === node.id && h('strong', {}, '★ best program')),
      facts([
        ['made by', visible(words(node.operator))],
        ['parent', node.parent === null ? null : h('a', { href: this.view.address(node.parent) }, node.parent === 0 ? 'the problem' : `#${node.parent}`)],
        ['depth', node.depth],
        ['prior', node.prior === null ? null : decimal(node.prior)],
        ['visits', returns.length],
        ['mean return', returns.length > 0 ? decimal(mean) : null],
        ['length', attempt ? `${count(attempt.length)} characters` : null],
        ['slow tests', attempt?.slow ? count(attempt.slow) : null],
      ]));
  }

  parts(node, events, parent, programAbove) {
    const path = (event, field) => `${runPath(this.view.id)}/events/${event.seq}/${field}`;
    const contents = events.filter((event) => event.type === 'node_content');
    const current = contents.at(-1) ?? {};
    const told = events.filter((event) => event.type === 'node_feedback' && event.feedback).at(-1) ?? current;
    const { text, program } = current;
    return [
      text && section('Text', true, ...longText(text, path(current, 'text'))),
      program && section('Program', true, ...longText(program, path(current, 'program'), true)),
      node.attempt && this.tests(node.attempt, current.failed ?? []),
      node.runs.size > 0 && section('Tests that the model wrote', true, table(['Suite', 'Passed'], [...node.runs].map(([suite, run]) => [suite === 0 ? 'visible tests' : `#${suite}`, `${run.passed} of ${run.total}`]))),
      typeof program === 'string' && typeof programAbove === 'string' && section(`Changes since #${parent.id}`, node.kind === 'revision', diff(programAbove, program)),
      told.feedback && section('Feedback', true, ...longText(told.feedback, path(told, 'feedback'))),
      this.scores(node),
      ...events.filter((event) => event.type === 'node_reviewed').map((review) => section(`Review by the ${visible(textOf(review.author))}`, false, ...longText(review.text, path(review, 'text')), ...this.exchange(review, path))),
      ...this.exchange(current, path),
      contents.length > 1 && section(`Earlier versions (${contents.length - 1})`, false, ...contents.slice(0, -1).flatMap((event) => {
        const field = ['text', 'program', 'answer'].find((name) => event[name]) ?? 'answer';
        return [h('h3', {}, `Event ${event.seq}`), ...longText(event[field], path(event, field), field === 'program')];
      })),
      contents.length === 0 && h('p', { class: 'dim' }, node.kind === 'root' ? 'The root holds nothing but the problem.' : 'No text of this node is in the log.'),
    ];
  }

  /** Question and answer. */
  exchange(event, path) {
    const messages = (event.prompt ?? []).flatMap((message, at) => [h('h3', {}, visible(textOf(message.role))), ...longText(message.content, path(event, `prompt.${at}`))]);
    return [
      event.answer && section('Answer', false, ...longText(event.answer, path(event, 'answer'))),
      messages.length > 0 && section('Prompt', false, ...messages),
    ];
  }

  tests(attempt, failed) {
    if (attempt.total === 0) return section('Visible tests', false, h('p', { class: 'dim' }, 'The problem has none.'));
    const byTest = new Map(failed.map((test) => [test.test, test]));
    const unknown = attempt.total - attempt.passed - byTest.size;
    const verdict = (word) => h('span', { class: `verdict ${word === 'passed' ? 'passed' : 'failed'}` }, `${word === 'passed' ? '✓' : '✕'} ${visible(word)}`);
    const row = (test, at) => {
      const failure = byTest.get(at);
      const word = failure ? textOf(failure.verdict) : unknown > 0 ? null : 'passed';
      const came = failed.length > 0 ? [visible(textOf(failure?.expected)), visible(textOf(failure?.actual))] : [];
      return [String(at + 1), visible(textOf(test.name)), word === null ? '?' : verdict(word), ...came];
    };
    const headings = ['#', 'Test', 'Verdict', ...(failed.length > 0 ? ['Expected', 'Got'] : [])];
    const tests = this.view.run?.problem.tests ?? [];
    return section(`Visible tests: ${attempt.passed} of ${attempt.total} pass`, true,
      unknown > 0 && h('p', { class: 'dim' }, `The log does not say which ${count(unknown)} ${byTest.size > 0 ? 'others ' : ''}fail.`),
      table(headings, tests.map(row), ['', 'mono', '', 'mono', 'mono']));
  }

  scores(node) {
    if (node.evaluations.length === 0 && node.returns.length === 0) return null;
    const returns = node.returns.slice(-200).map((value) => value.toFixed(2)).join(', ');
    return section('Scores and back-ups', true,
      node.evaluations.length > 0 && table(['Judged by', 'Score'], node.evaluations.slice(-200).map(({ by, score }) => [visible(words(by)), decimal(score)])),
      node.returns.length > 0 && h('p', {}, `Returns backed up${node.returns.length > 200 ? ', the last 200' : ''}: ${returns}`));
  }
}

// Curves.

/** A curve with its axes. Points are `{x, y}`; a value holds until the next. */
function chart({ title, points, x, y, goal = 0 }) {
  const box = { width: 380, height: 150, left: 56, right: 12, top: 10, bottom: 34 };
  const [right, floor] = [box.width - box.right, box.height - box.bottom];
  const xMax = points.reduce((most, point) => Math.max(most, point.x), 1e-9);
  const yMax = points.reduce((most, point) => Math.max(most, point.y), Math.max(goal, 1e-9));
  const px = (value) => (box.left + (value / xMax) * (right - box.left)).toFixed(1);
  const py = (value) => (floor - (value / yMax) * (floor - box.top)).toFixed(1);
  const curve = points.map((point, at) => (at === 0 ? `M${px(point.x)},${py(point.y)}` : `H${px(point.x)}V${py(point.y)}`)).join('');
  const last = points.at(-1);
  const label = (left, top, anchor, text) => s('text', { x: left, y: top, 'text-anchor': anchor }, text);
  const axes = points.length === 0 ? [] : [
    label(box.left - 6, box.top + 4, 'end', y(yMax)), label(box.left - 6, floor + 4, 'end', '0'),
    label(box.left, floor + 14, 'middle', '0'), label(right, floor + 14, 'end', x.format(xMax)),
    label((box.left + right) / 2, box.height - 6, 'middle', x.name),
  ];
  return h('figure', { class: 'card' },
    h('figcaption', {}, `${title} `, h('span', { class: 'dim' }, last ? y(last.y) : 'nothing yet')),
    s('svg', { viewBox: `0 0 ${box.width} ${box.height}`, role: 'img', 'aria-label': last ? `${title}: ${y(last.y)} after ${x.format(last.x)} ${x.name}` : `${title}: nothing yet` },
      s('path', { class: 'axis', fill: 'none', d: `M${box.left},${box.top}V${floor}H${right}` }),
      goal > 0 && s('path', { class: 'goal', d: `M${box.left},${py(goal)}H${right}` }),
      s('path', { class: 'curve', d: curve }),
      axes));
}

function charts(search) {
  const whole = (value) => count(Math.round(value));
  const calls = { name: 'model calls', format: whole };
  const time = { name: 'of time', format: span };
  const { curve, spent, spending } = search;
  const tests = curve.length === 0 ? [] : [{ x: 0, y: 0 }, ...curve, { x: Math.max(spent.calls, curve.at(-1).x), y: curve.at(-1).y }];
  const over = (of) => (spending.length === 0 ? [] : [{ x: 0, y: 0 }, ...spending.map((point) => ({ x: point.t, y: of(point) }))]);
  return [
    chart({ title: 'Visible tests passed by the best program', points: tests, x: calls, y: whole, goal: search.visibleTests }),
    chart({ title: 'Model calls', points: over((point) => point.calls), x: time, y: whole }),
    chart({ title: 'Tokens', points: over((point) => point.tokens), x: time, y: whole }),
    ...(search.priced ? [chart({ title: 'Cost', points: over((point) => point.micro_usd), x: time, y: (micros) => `$${(micros / 1e6).toFixed(4)}` })] : []),
  ];
}

// One run.

class RunView {
  constructor(id) {
    this.id = id;
    this.run = null;
    this.search = new Search();
    this.texts = new Map();
    this.asked = null;
    this.head = h('div');
    this.about = h('div');
    this.tree = new TreeView(this.search, (node) => { location.hash = this.address(node); });
    this.panel = new NodePanel(this);
    this.charts = h('section', { class: 'charts', 'aria-label': 'Curves' });
    this.element = [this.head, this.about, h('div', { class: 'work' }, this.tree.element, this.panel.element), this.charts];
  }

  close() { this.tree.close(); }

  address(node) { return `#/${encodeURIComponent(this.id)}/${node}`; }

  /** Shows the node that was asked for, else the best program once the search is over. */
  select(asked) {
    this.asked = asked;
    const node = asked ?? (this.search.finished ? this.search.best : null) ?? null;
    const isThere = node !== null && node < this.search.nodes.length;
    this.tree.select(isThere ? node : null);
    if (isThere) void this.panel.show(node);
    else this.panel.clear();
  }

  /** Reads what is new. */
  async poll() {
    const listed = list.runs.get(this.id);
    if (this.run === null || (this.run.finished_us === null && listed?.finished_us)) {
      this.run = await ask(runPath(this.id));
      this.about.replaceChildren(this.describe());
    }
    const before = this.search.next;
    for (let more = true; more;) {
      const answer = await ask(`${runPath(this.id)}/events?from=${this.search.next}`);
      for (const event of answer.events) this.search.apply(event);
      more = answer.more;
    }
    if (this.search.next !== before || !this.drawn) {
      if (!this.drawn) this.tree.foldIfLarge();
      this.drawn = true;
      this.tree.draw();
      this.charts.replaceChildren(...charts(this.search));
      this.select(this.asked);
    }
    this.drawHead(listed);
  }

  drawHead(listed) {
    const { run, search } = this;
    const word = statusOf({ status: run.status, damage: listed?.damage }, list.live);
    const state = JSON.stringify([word, search.next, list.runs.size > 1]);
    if (state === this.headOf) return;
    this.headOf = state;
    const reason = search.finished?.stop_reason;
    const time = run.finished_us === null ? search.spending.at(-1)?.t : run.finished_us - run.created_us;
    this.head.replaceChildren(...[
      h('div', { class: 'top' }, list.runs.size > 1 && h('a', { href: '#/' }, '← all runs'), h('h1', {}, visible(textOf(run.problem.id) || run.id)), status(word), reason && h('span', { class: 'dim' }, visible(words(textOf(reason))))),
      facts([
        ['tests', search.visibleTests > 0 ? `${search.curve.at(-1)?.y ?? 0} of ${search.visibleTests}` : 'none visible'],
        ['calls', count(search.spent.calls)],
        ['tokens', count(search.spent.tokens)],
        ['cost', money({ ...search.spent, priced: search.priced })],
        ['time', time === undefined ? null : span(time)],
        ['strategy', visible(textOf(run.strategy))],
        ['model', visible(textOf(run.model))],
        ['seed', visible(textOf(run.seed))],
        ['sample', textOf(run.sample)],
        ['started', new Date(run.created_us / 1000).toLocaleString()],
        ['run', visible(run.id)],
      ]),
      search.warnings.length > 0 && h('ul', { class: 'warnings' }, search.warnings.slice(-20).map((text) => h('li', {}, visible(text)))),
    ].filter(Boolean));
  }

  describe() {
    const { problem, protocol, settings, sampling, sandbox, version } = this.run;
    const rows = problem.tests.map((test, at) => [String(at + 1), visible(textOf(test.name)), visible(textOf(test.expected))]);
    return section('Statement, tests and settings', false,
      ...longText(problem.statement, `${runPath(this.id)}/statement`),
      h('h3', {}, `${count(rows.length)} visible tests`), table(['#', 'Test', 'Expected'], rows, ['', 'mono', 'mono']),
      h('h3', {}, 'Settings'), ...block(JSON.stringify({ protocol, settings, sampling, sandbox, version }, null, 2), false));
  }
}

// Which page, and keeping it up to date.

let view = null;
let where;

/** The run and node that the address names. */
function route() {
  const [run, node] = location.hash.replace(/^#\/?/, '').split('/');
  try {
    return { run: run ? decodeURIComponent(run) : null, node: /^\d+$/.test(node ?? '') ? Number(node) : null };
  } catch {
    return { run: null, node: null };
  }
}

function open() {
  const { run: asked, node } = route();
  const only = list.loaded && list.unread === 0 && list.runs.size === 1 ? list.runs.keys().next().value : null;
  const run = asked ?? only;
  if (where !== run) {
    view?.close();
    where = run;
    view = run === null ? new ListView() : new RunView(run);
    page.replaceChildren(...view.element);
    window.scrollTo(0, 0);
    if (run === null) view.update();
  }
  if (view instanceof RunView && view.asked !== node) view.select(node);
}

function complain(error) {
  trouble.hidden = error === null;
  trouble.textContent = error === null ? '' : visible(error.message);
}

async function refresh() {
  try {
    const changed = await pollList();
    open();
    if (view instanceof RunView) await view.poll();
    else if (changed) view.update();
    complain(null);
  } catch (error) {
    complain(error);
  }
}

/** One look after another, soon where there is more to read, rarely in a tab that nobody looks at. */
async function watch() {
  await refresh();
  setTimeout(watch, list.unread > 0 ? POLL_MS / 20 : document.hidden ? 10 * POLL_MS : POLL_MS);
}

// The token is in a cookie by now, and need not be seen in the address.
if (location.search) history.replaceState(null, '', location.pathname + location.hash);
window.addEventListener('hashchange', () => void refresh());
void watch();
