// The slices, and the tunnel's ends dragged in them.
import { drawing, element } from "/parts.js";

const NS = "http://www.w3.org/2000/svg";
const figures = () => [...document.querySelectorAll("figure[data-slice]")];
let held = null;

export function showSlices(slices, hand) {
  for (const figure of figures()) {
    const slice = slices[Number(figure.dataset.slice)];
    if (!slice) {
      figure.replaceChildren();
      continue;
    }
    const svg = drawing(slice.svg);
    if (slice.place) for (const end of ["entry", "tip"]) svg.append(handle(figure, slice, end, hand));
    const words = figure.querySelector("figcaption") ?? element("figcaption");
    words.textContent = slice.caption;
    figure.replaceChildren(svg, words);
  }
}

// hand: { ends(tunnel), drag(tunnel, entry, tip), drop(tunnel, entry, tip), cancel() }, points in RAS mm.
function handle(figure, slice, end, hand) {
  const circle = document.createElementNS(NS, "circle");
  const [x, y] = slice.place[end];
  for (const [key, value] of Object.entries({ cx: x, cy: y, r: 20, class: "handle", "data-end": end })) {
    circle.setAttribute(key, value);
  }
  circle.onpointerdown = (event) => {
    const ends = hand.ends(slice.tunnel);
    if (event.button !== 0 || held || !ends) return;
    event.preventDefault();
    // On the figure, which stays while its drawing is replaced.
    figure.setPointerCapture(event.pointerId);
    const svg = figure.querySelector("svg");
    const scale = svg.viewBox.baseVal.width / svg.getBoundingClientRect().width / slice.place.units_per_mm;
    held = { end, ends, scale, place: slice.place, x: event.clientX, y: event.clientY, at: ends, moved: false };
    figure.onpointermove = (move) => {
      const [across, above] = [(move.clientX - held.x) * held.scale, (held.y - move.clientY) * held.scale];
      const { right, up } = held.place;
      const put = held.ends[held.end].map((v, k) => v + across * right[k] + above * up[k]);
      held.at = { ...held.ends, [held.end]: put };
      held.moved = true;
      hand.drag(slice.tunnel, held.at.entry, held.at.tip);
    };
    const release = (last) => {
      const { at, moved } = held;
      held = null;
      figure.onpointermove = figure.onpointerup = figure.onpointercancel = null;
      if (moved && last.type === "pointerup") hand.drop(slice.tunnel, at.entry, at.tip);
      else if (moved) hand.cancel();
    };
    figure.onpointerup = figure.onpointercancel = release;
  };
  return circle;
}
