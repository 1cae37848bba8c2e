// The review page. It computes no figure: it asks, greys what is old until the answer is there, and shows it.
import { ask, Wishes } from "/ask.js";
import { $, button, drawing, element, head, row } from "/parts.js";
import { showSlices } from "/slices.js";
import { openSpace, stand } from "/space.js";

// Films are drawn when nothing has moved for so long.
const FILMS_AFTER_MS = 600;
let state = null;
let against = null;
let seq = 0;
let dragging = false;
let filmsTimer = 0;
// The tunnels that the films show; a note or a signature leaves them as they are.
let filmed = "";
const standing = () => JSON.stringify(state.lines);

function complain(words) {
  $("problem").textContent = words;
  $("problem").hidden = !words;
}

const PATHS = { drag: "/api/preview", look: "/api/look" };
const wishes = new Wishes(async (wish) => {
  if (wish.kind === "write") {
    await write();
    return;
  }
  const number = ++seq;
  document.body.classList.add("waiting");
  $("snap").setAttribute("aria-busy", String(wish.body.do === "snap"));
  const body = { ...wish.body, rev: state.rev, against, seq: number };
  try {
    const content = await ask(PATHS[wish.kind] ?? "/api/do", body);
    // Only the answer to what was asked last is shown as what stands.
    if (content.seq !== seq) return;
    show(content);
    complain("");
    if (!wishes.waiting) document.body.classList.remove("waiting");
    // Typed for one sign-off, not for the next.
    if (wish.body.do === "sign") $("typed").value = "";
    await cut(wish.kind === "drag" ? { ...wish.body, rev: state.rev, seq: number } : {}, true);
    if (wish.kind !== "drag" && !wishes.waiting && !dragging) await cut({}, false);
  } catch (error) {
    complain(error.message);
    if (wish.kind !== "drag") await again();
  }
  $("snap").setAttribute("aria-busy", "false");
  if (wish.kind !== "drag") soonFilms();
});

// After a refusal: what stands, as it is known to the planner.
async function again() {
  wishes.forget();
  try {
    show(await ask("/api/look", { against }));
    document.body.classList.remove("waiting");
    await cut({}, false);
  } catch (error) {
    complain(error.message);
  }
}

async function cut(body, draft) {
  const { slices, rev } = await ask("/api/slices", { ...body, draft });
  if (rev >= state.rev) showSlices(slices, hand);
}

const step = (body) => wishes.make({ kind: "step", body });
const hand = {
  ends: (tunnel) => state.tunnels[tunnel],
  drag: (tunnel, entry, tip) => {
    dragging = true;
    wishes.make({ kind: "drag", body: { tunnel, entry, tip } });
  },
  drop: (tunnel, entry, tip) => {
    dragging = false;
    wishes.make({ kind: "drop", body: { do: "move", tunnel, entry, tip } });
  },
  cancel: () => {
    dragging = false;
    again();
  },
};
const held = () => state.selected ?? 0;

function soonFilms() {
  clearTimeout(filmsTimer);
  filmsTimer = setTimeout(films, FILMS_AFTER_MS);
}

async function films() {
  if (standing() === filmed) return;
  if (dragging || wishes.busy) {
    soonFilms();
    return;
  }
  try {
    const shown = standing();
    const answer = await ask("/api/films");
    // A tunnel has moved meanwhile: these are of the past.
    if (answer.rev !== state.rev || standing() !== shown) {
      soonFilms();
      return;
    }
    filmed = shown;
    for (const figure of document.querySelectorAll("figure[data-film]")) {
      const film = answer.films[Number(figure.dataset.film)];
      figure.replaceChildren(...(film ? [drawing(film.svg), element("figcaption", `${film.title}: ${film.words}`)] : []));
    }
    document.body.dataset.films = answer.rev;
    document.body.classList.remove("old-films");
    showNow(answer.now);
  } catch (error) {
    complain(error.message);
  }
}

function show(content) {
  state = { ...state, ...content };
  const broken = state.status.tone === "breaks";
  document.body.classList.toggle("breaks", broken);
  document.title = `${state.side} hip, ${state.id}: review`;
  $("side").textContent = `${state.side} HIP`;
  $("who").textContent = `id ${state.id} · imaged ${state.imaged} · plan ${state.plan} · step ${state.rev}`;
  $("word").textContent = `${broken ? "✗" : "✓"} ${state.status.word}`;
  $("answer").replaceChildren(
    ...state.status.lines.map((words) => element("p", words)),
    ...state.violations.map((words) => element("p", `✗ ${words}`, { class: "alarm" })),
  );
  $("limits").replaceChildren(...state.limits.map((j) => row([j.what, j.value, j.limit, `${j.mark} ${j.verdict}`], j.tone)));
  const { columns, rows } = state.transcription;
  const told = rows[held()] ?? [];
  $("transcribed").replaceChildren(...told.map((value, k) => row([columns[k], value])));
  showTunnels();
  showCompared();
  stand(state);
  document.body.dataset.seq = content.seq ?? "";
  if (content.preview) return;
  $("undo").disabled = !state.undo;
  $("redo").disabled = !state.redo;
  if (document.activeElement !== $("notes")) $("notes").value = state.notes;
  const said = [];
  if (state.accepted) said.push(`Accepted: ${state.accepted}.`);
  if (state.signed) said.push(`Signed by ${state.signed.name}, ${state.signed.day}.`);
  $("signed").textContent = said.join(" ") || "Not signed. A sign-off lapses when anything moves.";
  $("signed").classList.toggle("is", Boolean(state.signed));
  // The films are of other tunnels until they are drawn anew.
  document.body.classList.toggle("old-films", standing() !== filmed);
  document.body.dataset.rev = state.rev;
}

function showTunnels() {
  const none = state.selected === null;
  const words = state.lines.map((line, k) => `${k + 1}: ⌀ ${line.diameter_mm} mm`);
  const made = [...$("tunnels").children];
  // Kept where they are the same: a button that is replaced loses the keyboard.
  if (made.map((one) => one.textContent).join() !== words.join()) {
    $("tunnels").replaceChildren(...words.map((text, k) => button(text, () => step({ do: "select", tunnel: k }))));
  }
  [...$("tunnels").children].forEach((one, k) => one.setAttribute("aria-pressed", String(k === state.selected)));
  for (const id of ["remove", "diameter", "snap"]) $(id).disabled = none;
  for (const one of $("nudges").children) one.disabled = none;
  if (!none && document.activeElement !== $("diameter")) $("diameter").value = state.lines[state.selected].diameter_mm;
}

function showCompared() {
  $("comparison").hidden = !state.against;
  for (const one of document.querySelectorAll("button[data-against]")) {
    one.setAttribute("aria-pressed", String(Number(one.dataset.against) === against));
  }
  if (!state.against) return;
  $("beside").textContent = `As it stands, beside ${state.against.name} (grey in the view)`;
  const rows = state.against.rows.map((cells) => row(cells));
  $("compared").replaceChildren(head(["", "as it stands", state.against.name, "difference"]), ...rows);
}

// What a set does, in the columns of the ranked table.
const does = (one) => [one.removes, one.room, one.held, one.risk];

function showRanked(rows) {
  const made = rows.map((one, k) => {
    const line = row([`${k + 1}. ${one.name}`, ...does(one)], one.keeps ? "" : "breaks");
    const pick = button("pick", () => step({ do: "take", which: one.which }), { "aria-label": `pick ${one.name}` });
    const compare = button("compare", () => toggle(one.which), {
      "aria-label": `compare with ${one.name}`, "aria-pressed": "false", "data-against": one.which,
    });
    line.append(element("td"));
    line.lastChild.append(pick, compare);
    return line;
  });
  const now = row(["as it stands", "", "", "", "", ""]);
  now.id = "now";
  $("ranked").replaceChildren(head(["", "removes", "room", "held by", "breach", ""]), now, ...made);
}

function showNow(one) {
  const line = one ? row(["as it stands", ...does(one), ""], one.keeps ? "" : "breaks") : row(["as it stands"]);
  line.id = "now";
  $("now")?.replaceWith(line);
}

function toggle(which) {
  against = against === which ? null : which;
  wishes.make({ kind: "look", body: {} });
}

const NUDGES = [
  ["deeper", "inward", 1, "PageUp"],
  ["shallower", "inward", -1, "PageDown"],
  ["up", "up", 1, "ArrowUp"],
  ["down", "up", -1, "ArrowDown"],
  ["forward", "front", 1, "ArrowRight"],
  ["backward", "front", -1, "ArrowLeft"],
];

// Presses are counted; a key that repeats by itself does not queue up.
function nudge(axis, sign, repeats = false) {
  if (!state || state.selected === null) return;
  const body = { do: "nudge", tunnel: state.selected, end: $("end").value, [axis]: sign * Number($("step").value) };
  wishes.make({ kind: repeats ? "nudge" : "step", body });
}

for (const [name, axis, sign, key] of NUDGES) {
  $("nudges").append(button(name, () => nudge(axis, sign), { title: `${key} key` }));
}
addEventListener("keydown", (event) => {
  // Where words are typed, and in the columns themselves, the keys mean what they mean everywhere.
  if (!state || event.target.matches?.("input, select, textarea, #pictures, aside")) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
    event.preventDefault();
    step({ do: event.shiftKey ? "redo" : "undo" });
    return;
  }
  const found = NUDGES.find(([, , , key]) => key === event.key);
  if (!found || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  nudge(found[1], found[2], event.repeat);
});
$("undo").onclick = () => step({ do: "undo" });
$("redo").onclick = () => step({ do: "redo" });
$("remove").onclick = () => step({ do: "remove", tunnel: state.selected });
$("snap").onclick = () => step({ do: "snap", tunnel: state.selected });
$("diameter").onchange = () => step({ do: "resize", tunnel: state.selected, diameter: Number($("diameter").value) });
$("notes").onchange = () => step({ do: "note", text: $("notes").value });
$("accept").onclick = () => step({ do: "accept", reason: $("reason").value });
$("sign").onclick = () => step({ do: "sign", name: $("name").value, side: $("typed").value });
$("write").onclick = () => wishes.make({ kind: "write", body: {} });
async function write() {
  $("written").textContent = "saving …";
  try {
    const { written, rev } = await ask("/api/write");
    $("written").textContent = `step ${rev}: ${written}`;
  } catch (error) {
    $("written").textContent = "";
    complain(error.message);
  }
}

async function open() {
  show(await ask("/api/look"));
  $("warnings").replaceChildren(...state.warnings.lines.map((words) => element("li", words)));
  await Promise.all([cut({}, false), openSpace(hand)]);
  stand(state);
  document.body.dataset.ready = "yes";
  showRanked((await ask("/api/ranked")).rows);
  await films();
}
open().catch((error) => complain(error.message));
