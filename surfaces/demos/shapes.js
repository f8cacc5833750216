// What a board of lines and zones does in the browser: the body of a function that Gradio calls with the board's
// element, its properties and a way to watch them. `field` is defined before it, see shapes.py.
//
// Everything is drawn here, without asking the server, so that a click counts at once, whatever is slow meanwhile.
const SNAPSHOTS = 200, NEAR_PX = 12, MOVED_PX = 4, TEXT_PX = 14;
const part = (name) => element.querySelector(`[data-part=${name}]`);
const [tools, board, image, drawing, handles, said, text] =
  ["tools", "board", "image", "drawing", "handles", "said", "text"].map(part);

let shapes = { lines: [], zones: [] };
let begun = [];     // the points of the shape that is being drawn; from its third corner on a zone is in `shapes` too
let past = [];      // what was drawn before each step, the latest last
let pointer = null; // where the mouse is
let grabbed = null; // the point that is being moved, and from where
let unreadable = false;

const kind = () => element.querySelector("input[type=radio]:checked").value;
const pixel = () => (props.ground?.width ?? 1) / (board.clientWidth || 1); // of the screen, in the picture's pixels
const distance = (one, other) => Math.hypot(one[0] - other[0], one[1] - other[1]);

function read(value) {
  const isPoint = (point) => Array.isArray(point) && point.length === 2 && point.every(Number.isFinite);
  const areAll = (parts, least) =>
    Array.isArray(parts) && parts.every((points) => Array.isArray(points) && points.length >= least && points.every(isPoint));
  begun = [];
  shapes = { lines: [], zones: [] };
  unreadable = false;
  try {
    const { lines = [], zones = [] } = JSON.parse(value || "{}");
    unreadable = !areAll(lines, 2) || !areAll(zones, 3);
    if (!unreadable) shapes = { lines, zones };
  } catch {
    unreadable = true;
  }
}

function remember() {
  past = [...past, structuredClone({ shapes, begun })].slice(-SNAPSHOTS);
}

function step(change) {
  remember();
  change();
  write();
}

function write() {
  unreadable = false;
  text.value = shapes.lines.length + shapes.zones.length ? JSON.stringify(shapes) : "";
  props.value = text.value;
  draw();
}

function add(point) {
  if (kind() === "line") {
    if (!begun.length || distance(begun[0], point) === 0) {
      begun = shapes.lines.length < field.most_shapes ? [point] : [];
    } else {
      shapes.lines.push([begun[0], point]);
      begun = [];
    }
    return;
  }
  if (begun.length >= 3 && distance(begun[0], point) <= NEAR_PX * pixel()) {
    begun = [];
    return;
  }
  if (begun.length === field.most_corners || (!begun.length && shapes.zones.length === field.most_shapes)) {
    begun = [];
    return;
  }
  if (begun.length >= 3) shapes.zones.pop();
  begun.push(point);
  if (begun.length >= 3) shapes.zones.push([...begun]);
}

// An arrow from a line's middle to its left, where things go in: as in the pictures of the answer.
function arrow([[x1, y1], [x2, y2]], length) {
  const long = Math.max(Math.hypot(x2 - x1, y2 - y1), 1e-6);
  const [alongX, alongY] = [(x2 - x1) / long, (y2 - y1) / long];
  const at = (ahead, along) => [
    (x1 + x2) / 2 + length * (ahead * alongY + along * alongX),
    (y1 + y2) / 2 + length * (along * alongY - ahead * alongX),
  ];
  return [at(0, 0), at(1, 0), at(0.6, 0.3), at(1, 0), at(0.6, -0.3)];
}

function draw() {
  const shown = Boolean(props.ground);
  tools.hidden = !shown;
  board.toggleAttribute("hidden", !shown); // SVG has no such property
  said.textContent = unreadable ? "These points cannot be read as lines and zones." : status(shown);
  if (!shown) return;
  const { width, height } = props.ground;
  const unit = pixel();
  const path = (points) => points.map((point) => point.join(",")).join(" ");
  const stroke = (tag, points, dashed) => `<${tag} points="${path(points)}"${dashed ? ' class="next"' : ""} />`;
  const label = (name, [x, y]) => {
    const wide = 0.6 * TEXT_PX * name.length * unit;
    const left = Math.max(4 * unit, Math.min(x + 5 * unit, width - wide));
    const base = Math.max((TEXT_PX + 2) * unit, Math.min(y - 6 * unit, height - 6 * unit));
    return `<text x="${left}" y="${base}" font-size="${TEXT_PX * unit}">${name}</text>`;
  };
  const dot = ([x, y]) => `<circle cx="${x}" cy="${y}" r="${4 * unit}" />`;
  const handle = (list, number) => ([x, y], corner) =>
    `<circle class="handle" cx="${x}" cy="${y}" r="${NEAR_PX * unit}"` +
    ` data-list="${list}" data-number="${number}" data-corner="${corner}" />`;
  const parts = [];
  shapes.zones.forEach((zone) => parts.push(stroke("polygon", zone)));
  shapes.lines.forEach((line) => parts.push(stroke("polyline", line), stroke("polyline", arrow(line, 24 * unit))));
  if (begun.length && pointer) parts.push(stroke("polyline", [begun[begun.length - 1], pointer], true));
  if (begun.length === 2) parts.push(stroke("polyline", begun)); // from three corners on it is a zone already
  const seen = begun.length ? [begun] : [...shapes.zones, ...shapes.lines];
  parts.push(...seen.flat().map(dot));
  shapes.zones.forEach((zone, number) => parts.push(label(`zone ${number + 1}`, zone[0])));
  shapes.lines.forEach((line, number) => parts.push(label(`line ${number + 1}`, line[0])));
  drawing.innerHTML = parts.join("");
  if (grabbed) return; // a finger's touch ends with the element on which it began
  const lists = begun.length ? [] : ["zones", "lines"];
  const grips = lists.flatMap((list) => shapes[list].map((points, number) => points.map(handle(list, number))));
  handles.innerHTML = grips.flat().join("");
}

function status(shown) {
  const counted = [[shapes.lines, "line"], [shapes.zones, "zone"]]
    .filter(([list]) => list.length)
    .map(([list, noun]) => `${list.length} ${noun}${list.length > 1 ? "s" : ""}`)
    .join(", ");
  const drawn = counted && ` Drawn: ${counted}.`;
  if (!shown) return `Choose a ${field.over} first: then draw here.${drawn}`;
  if (begun.length && kind() === "line") return `Now click the line's other end.${drawn}`;
  if (begun.length) return `Click the zone's next corner${begun.length > 2 ? ", or its first one to end" : ""}.${drawn}`;
  if (shapes[`${kind()}s`].length >= field.most_shapes) return `No more than ${field.most_shapes} can be drawn.${drawn}`;
  return (kind() === "line" ? "Click the line's two ends." : "Click the zone's corners, then the first one again.") + drawn;
}

function ground() {
  begun = [];
  past = [];
  pointer = null;
  if (props.ground) {
    const { picture, width, height } = props.ground;
    board.setAttribute("viewBox", `0 0 ${width} ${height}`);
    image.setAttribute("href", picture);
    image.setAttribute("width", width);
    image.setAttribute("height", height);
  }
  draw();
}

function place(event) {
  const { width, height } = props.ground;
  const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(board.getScreenCTM().inverse());
  const within = (number, most) => Math.round(10 * Math.max(0, Math.min(number, most))) / 10;
  return [within(x, width), within(y, height)];
}

board.addEventListener("pointerdown", (event) => {
  const { list, number, corner } = event.target.dataset;
  grabbed = event.button === 0 && list ? { list, number, corner, from: [event.clientX, event.clientY] } : null;
  if (grabbed) board.setPointerCapture(event.pointerId);
});
board.addEventListener("touchmove", (event) => grabbed && event.preventDefault(), { passive: false }); // else it scrolls
board.addEventListener("pointermove", (event) => {
  pointer = event.pointerType === "mouse" ? place(event) : null;
  if (grabbed && (grabbed.moved || distance(grabbed.from, [event.clientX, event.clientY]) > MOVED_PX)) {
    if (!grabbed.moved) remember();
    grabbed.moved = true;
    const points = shapes[grabbed.list][grabbed.number];
    const to = place(event);
    if (points.every((point) => distance(point, to) > 0)) points[grabbed.corner] = to;
    write();
  } else if (begun.length) {
    draw();
  }
});
board.addEventListener("pointerup", () => grabbed && setTimeout(release)); // after the click, if there is one
board.addEventListener("pointerleave", () => {
  pointer = null;
  if (begun.length) draw();
});
function release() {
  grabbed = null;
  draw();
}
board.addEventListener("pointercancel", release);
board.addEventListener("click", (event) => {
  const moved = grabbed?.moved;
  release();
  if (!moved) step(() => add(place(event)));
});
element.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !begun.length) return;
  begun = [];
  draw();
});
element.addEventListener("change", (event) => {
  if (event.target.type !== "radio") return;
  begun = [];
  draw();
});
part("undo").addEventListener("click", () => {
  if (!past.length) return;
  ({ shapes, begun } = past.pop());
  write();
});
part("clear").addEventListener("click", () => step(() => {
  shapes = { lines: [], zones: [] };
  begun = [];
}));
text.addEventListener("input", () => {
  remember();
  read(text.value);
  props.value = text.value;
  draw();
});
watch("value", () => {
  if (props.value === text.value) return;
  text.value = props.value;
  past = [];
  read(text.value);
  draw();
});
// Gradio takes any quoted word here for the name of an event, so this one must not be quoted.
watch(Object.keys({ ground }), ground);
new ResizeObserver(() => draw()).observe(board);

part("title").textContent = field.title;
part("about").textContent = field.description;
text.setAttribute("aria-label", `${field.title} as points (JSON)`);
text.value = props.value;
read(text.value);
draw();
