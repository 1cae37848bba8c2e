// The review page. It computes no figure: it asks, greys what is old until the answer is there, and shows it.
"use strict";

const $ = (id) => document.getElementById(id);
// The token comes in the address's fragment, which no server sees, and is kept for this tab only.
const token = location.hash.slice(1) || sessionStorage.getItem("token") || "";
sessionStorage.setItem("token", token);
if (location.hash) history.replaceState(null, "", location.pathname);

let state = null;
let busy = false;
let next = null;

async function ask(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: body ? JSON.stringify(body) : undefined,
  });
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error ?? `answer ${answer.status}`);
  return content;
}

// One request under way and the newest wish behind it: keys that repeat do not queue up.
async function send(body) {
  if (busy) {
    next = body;
    return;
  }
  busy = true;
  document.body.classList.add("waiting");
  try {
    show(await ask("/api/do", { ...body, rev: state.rev }));
    complain("");
  } catch (error) {
    complain(error.message);
    try {
      show(await ask("/api/look"));
    } catch (again) {
      complain(again.message);
    }
  }
  busy = false;
  document.body.classList.remove("waiting");
  if (next) {
    const wish = next;
    next = null;
    send(wish);
  }
}

function complain(words) {
  $("problem").textContent = words;
  $("problem").hidden = !words;
}

function element(name, words, attributes = {}) {
  const made = document.createElement(name);
  if (words !== undefined) made.textContent = words;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// Drawings come as SVG text; parsed as a document of their own, scripts in them would not run.
function figure(svg, caption) {
  const made = element("figure");
  made.append(document.importNode(new DOMParser().parseFromString(svg, "image/svg+xml").documentElement, true));
  made.append(element("figcaption", caption));
  return made;
}

function table(rows) {
  const made = element("table");
  for (const { cells, tone } of rows) {
    const row = element("tr", undefined, tone ? { class: tone } : {});
    cells.forEach((words, k) => row.append(element(k ? "td" : "th", words, k ? {} : { scope: "row" })));
    made.append(row);
  }
  return made;
}

function show(content) {
  state = content;
  const broken = content.status.tone === "breaks";
  document.body.classList.toggle("breaks", broken);
  document.title = `${content.side} hip, ${content.id}: review`;
  $("side").textContent = `${content.side} HIP`;
  $("who").textContent = `id ${content.id} · imaged ${content.imaged} · plan ${content.plan} · step ${content.rev}`;
  $("word").textContent = `${broken ? "✗" : "✓"} ${content.status.word}`;
  $("pictures").replaceChildren(...content.slices.map(({ svg, caption }) => figure(svg, caption)));
  $("tunnels").replaceChildren(
    ...content.lines.map((line, k) => {
      const button = element("button", `${k + 1}: ⌀ ${line.diameter_mm} mm`, { "aria-pressed": k === content.selected });
      button.onclick = () => send({ do: "select", tunnel: k });
      return button;
    }),
  );
  $("sets").replaceChildren(
    ...content.sets.map((words, k) => {
      const button = element("button", words);
      button.onclick = () => send({ do: "take", which: k });
      return button;
    }),
  );
  const none = content.selected === null;
  for (const id of ["remove", "diameter"]) $(id).disabled = none;
  for (const button of $("nudges").children) button.disabled = none;
  $("undo").disabled = !content.undo;
  $("redo").disabled = !content.redo;
  if (!none) $("diameter").value = content.lines[content.selected].diameter_mm;
  const parts = content.status.lines.map((words) => element("p", words));
  for (const words of content.violations) parts.push(element("p", `✗ ${words}`, { class: "alarm" }));
  parts.push(element("h2", "Against the limits"));
  parts.push(table(content.limits.map((j) => ({ cells: [j.what, j.value, j.limit, `${j.mark} ${j.verdict}`], tone: j.tone }))));
  const row = content.transcription.rows[none ? 0 : content.selected];
  if (row) {
    parts.push(element("h2", "To transcribe"));
    parts.push(table(content.transcription.columns.map((label, k) => ({ cells: [label, row[k]] }))));
  }
  $("figures").replaceChildren(...parts);
  const said = [];
  if (content.accepted) said.push(`Accepted: ${content.accepted}.`);
  if (content.signed) said.push(`Signed by ${content.signed.name}, ${content.signed.day}.`);
  $("signed").textContent = said.join(" ") || "Not signed. A sign-off lapses when anything moves.";
  // Made on request, and gone when a tunnel moves: nothing old stays beside what is new.
  $("films").replaceChildren();
  $("space").replaceChildren();
  document.body.dataset.rev = content.rev;
}

const NUDGES = [
  ["deeper", "inward", 1, "PageUp"],
  ["shallower", "inward", -1, "PageDown"],
  ["up", "up", 1, "ArrowUp"],
  ["down", "up", -1, "ArrowDown"],
  ["forward", "front", 1, "ArrowRight"],
  ["backward", "front", -1, "ArrowLeft"],
];

function nudge(axis, sign) {
  if (!state || state.selected === null) return;
  send({ do: "nudge", tunnel: state.selected, end: $("end").value, [axis]: sign * Number($("step").value) });
}

for (const [name, axis, sign, key] of NUDGES) {
  const button = element("button", name, { title: `${key} key` });
  button.onclick = () => nudge(axis, sign);
  $("nudges").append(button);
}
addEventListener("keydown", (event) => {
  if (["INPUT", "SELECT"].includes(event.target.tagName)) return;
  if ((event.ctrlKey || event.metaKey) && event.key === "z") {
    event.preventDefault();
    send({ do: event.shiftKey ? "redo" : "undo" });
    return;
  }
  const found = NUDGES.find(([, , , key]) => key === event.key);
  if (!found || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  nudge(found[1], found[2]);
});
$("undo").onclick = () => send({ do: "undo" });
$("redo").onclick = () => send({ do: "redo" });
$("remove").onclick = () => send({ do: "remove", tunnel: state.selected });
$("diameter").onchange = () => send({ do: "resize", tunnel: state.selected, diameter: Number($("diameter").value) });
$("accept").onclick = () => send({ do: "accept", reason: $("reason").value });
$("sign").onclick = () => send({ do: "sign", name: $("name").value, side: $("typed").value });
$("films-now").onclick = async () => {
  try {
    const { films } = await ask("/api/films");
    $("films").replaceChildren(...films.map(({ title, words, svg }) => figure(svg, `${title}: ${words}`)));
  } catch (error) {
    complain(error.message);
  }
};
// The scene's script draws whatever data it finds when it runs: it is run anew for the tunnels as they stand.
async function space() {
  try {
    const { scene } = await ask("/api/scene");
    // The library's mark of an earlier run, which would have it warn of two copies.
    delete window.__THREE__;
    const views = element("div", undefined, { class: "row" });
    for (const [key, name] of [["front", "front"], ["side", "outer side"], ["top", "from above"], ["along", "along"]]) {
      views.append(element("button", name, { "data-view": key }));
    }
    const note = element("p", "This browser cannot show the scene (no WebGL); slices and figures stand.", { id: "no-scene" });
    note.hidden = true;
    const data = element("script", JSON.stringify(scene), { type: "application/json", id: "scene-data" });
    const script = element("script", undefined, { src: "/scene.js" });
    $("space").replaceChildren(views, element("div", undefined, { id: "stage" }), note, data, script);
  } catch (error) {
    complain(error.message);
  }
}
$("space-now").onclick = space;
$("write").onclick = async () => {
  $("written").textContent = "writing …";
  try {
    const { written, rev } = await ask("/api/write");
    $("written").textContent = `step ${rev}: ${written}`;
  } catch (error) {
    $("written").textContent = "";
    complain(error.message);
  }
};
ask("/api/look").then(show, (error) => complain(error.message));
