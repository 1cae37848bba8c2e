// The scene to turn, and its handles. Without WebGL the page does without.
import { ask } from "/ask.js";
import { $ } from "/parts.js";

let bench = null;
let origin = [0, 0, 0];

const plus = (a, b, sign) => a.map((v, k) => v + sign * b[k]);
const bore = (tunnel) => ({
  entry: plus(tunnel.entry, origin, -1),
  tip: plus(tunnel.tip, origin, -1),
  diameter: tunnel.diameter_mm,
  cavityDiameter: tunnel.cavity_diameter_mm,
  cavityLength: tunnel.cavity_length_mm,
});

// hand: { drag(entry, tip), drop(entry, tip), cancel() }, points in RAS mm.
export async function openSpace(hand) {
  const data = await ask("/api/scene");
  origin = data.origin;
  const ends = (b) => [plus(b.entry, origin, 1), plus(b.tip, origin, 1)];
  try {
    bench = new window.corecoreBench($("stage"), data, {
      dragged: (_, b) => hand.drag(...ends(b)),
      dropped: (_, b) => hand.drop(...ends(b)),
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
  bench.stand(content.tunnels.map(bore), content.selected, content.color);
  bench.beside((content.against?.tunnels ?? []).map(bore));
}
