// Charts are drawn when they come near the window, again when the theme or the width changes, and all of them before printing.
const page = JSON.parse(document.getElementById("page-data").textContent);
const darkScheme = matchMedia("(prefers-color-scheme: dark)");
const printing = matchMedia("print");
const boxes = new Map(); // box -> { spec, labels, filled, near, width, theme, drawn }

function theme() {
  if (printing.matches) return "light";
  return document.documentElement.dataset.theme || (darkScheme.matches ? "dark" : "light");
}

function configFor(width) {
  const config = structuredClone(page.themes[theme()]);
  config.legend.columns = Math.max(1, Math.floor(width / 140));
  config.axis.labelLimit = Math.min(Math.max(width * 0.4, 96), 280);
  if (page.locale.time) config.locale = { time: page.locale.time };
  return config;
}

// Where the pointer only has to be near, the item is a cell around the mark, and Vega-Lite looks for the row in the wrong place.
function rowOf(item) {
  return item.datum.datum || item.datum;
}

// One drawing of a box at a time: of two at once the older could end last and stay.
async function drawBox(box) {
  const state = boxes.get(box);
  state.wanted = true;
  state.busy ||= drawWhileWanted(box, state);
  return state.busy;
}

async function drawWhileWanted(box, state) {
  try {
    while (state.wanted) {
      state.wanted = false;
      await drawOnce(box, state);
    }
  } finally {
    state.busy = undefined;
  }
}

async function drawOnce(box, state) {
  const width = Math.floor(box.clientWidth);
  if (!width) return;
  Object.assign(state, { width, theme: theme() });
  const spec = { ...state.spec, ...(state.filled && state.filled()), width, autosize: { type: "fit-x", contains: "padding" } };
  const drawn = await vegaEmbed(box, spec, {
    mode: "vega-lite",
    renderer: "svg",
    actions: false,
    defaultStyle: false,
    hover: false,
    logLevel: 1, // errors only: a series without predictions leaves layers empty, of which Vega would warn
    config: configFor(width),
    tooltip: (_, event, item, value) => showTooltip(state.labels, event, value && rowOf(item).tip),
  });
  if (state.drawn) state.drawn.finalize();
  state.drawn = drawn;
}

function drawIfStale(box) {
  const state = boxes.get(box);
  const width = Math.floor(box.clientWidth);
  if (width && (state.width !== width || state.theme !== theme())) drawBox(box);
}

const nearby = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    boxes.get(entry.target).near = entry.isIntersecting;
    if (entry.isIntersecting) drawIfStale(entry.target);
  }
}, { rootMargin: "800px 0px" });

let waiting = 0;
const resized = new ResizeObserver(() => {
  clearTimeout(waiting);
  waiting = setTimeout(redrawNearby, 120);
});

function redrawNearby() {
  if (printing.matches) return;
  for (const [box, state] of boxes) if (state.near) drawIfStale(box);
}

function redrawAll() {
  for (const box of boxes.keys()) drawIfStale(box);
}

function addChart(box, spec, labels, filled) {
  boxes.set(box, { spec, labels, filled, near: false });
  nearby.observe(box);
  resized.observe(box);
}

for (const [name, spec] of Object.entries(page.charts)) {
  addChart(document.getElementById(name), spec, spec.usermeta.tips);
}

darkScheme.addEventListener("change", redrawNearby);
printing.addEventListener("change", redrawAll);
addEventListener("beforeprint", redrawAll);
addEventListener("afterprint", redrawNearby);

// What is far down is drawn when the browser has nothing else to do, so that a printout made at once is whole.
const whenIdle = window.requestIdleCallback || ((work) => setTimeout(work, 60));
async function drawUnseen() {
  for (const [box, state] of boxes) if (!state.width) await drawBox(box);
  document.documentElement.dataset.drawn = "all";
}
addEventListener("load", () => whenIdle(drawUnseen));
