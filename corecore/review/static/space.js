// The scene to turn, and its handles. Without WebGL the page does without.
import { ask } from "/ask.js";
import { $ } from "/parts.js";

let bench = null;
let origin = [0, 0, 0];
// The one whose ends can be taken hold of.
let tunnel = 0;

const plus = (a, b, sign) => a.map((v, k) => v + sign * b[k]);
const bore = (told) => ({
  entry: plus(told.entry, origin, -1),
  tip: plus(told.tip, origin, -1),
  diameter: told.diameter_mm,
  cavityDiameter: told.cavity_diameter_mm,
  cavityLength: told.cavity_length_mm,
});

// hand: { drag(tunnel, entry, tip), drop(tunnel, entry, tip), cancel() }, points in RAS mm.
export async function openSpace(hand) {
  const data = await ask("/api/scene");
  origin = data.origin;
  const ends = (b) => [plus(b.entry, origin, 1), plus(b.tip, origin, 1)];
  try {
    bench = new window.corecoreBench($("stage"), data, {
      dragged: (b) => hand.drag(tunnel, ...ends(b)),
      dropped: (b) => hand.drop(tunnel, ...ends(b)),
      cancelled: () => hand.cancel(),
    });
  } catch (error) {
    $("no-scene").hidden = false;
    console.warn("no 3-D scene:", error);
    return;
  }
  const views = [...document.querySelectorAll("button[data-view]")];
  const look = (key) => {
    bench.look(key);
    for (const one of views) one.setAttribute("aria-pressed", String(one.dataset.view === key));
  };
  for (const one of views) one.onclick = () => look(one.dataset.view);
  for (const box of document.querySelectorAll("input[data-part]")) {
    box.onchange = () => bench.show(box.dataset.part, box.checked);
  }
  look("front");
}

export function stand(content) {
  if (!bench) return;
  tunnel = content.selected ?? 0;
  bench.stand(content.tunnels.map(bore), tunnel, content.color);
  bench.beside((content.against?.tunnels ?? []).map(bore));
}
