// The slices, and the tunnel's ends dragged in them.
import type { End, Ends, Slice } from "../api";
import { dragInPlane, mmPerPixel } from "../geometry";
import { element, parseSvg, svgElement } from "../page/dom";
import type { DragEvents } from "./drag";

const HANDLE_UNITS = 20;
type Place = NonNullable<Slice["place"]>;

export class SliceFigures {
  /** One end is dragged at a time. */
  private dragging = false;

  constructor(
    private readonly endsOf: (tunnel: number) => Ends | undefined,
    private readonly events: DragEvents,
  ) {}

  show(slices: Slice[]): void {
    for (const figure of document.querySelectorAll<HTMLElement>("figure[data-slice]")) {
      const slice = slices[Number(figure.dataset.slice)];
      if (!slice) {
        figure.replaceChildren();
        continue;
      }
      const drawing = parseSvg(slice.svg);
      if (slice.place) {
        for (const end of ["entry", "tip"] as const)
          drawing.append(this.handle(figure, slice.tunnel, slice.place, end));
      }
      const caption = figure.querySelector("figcaption") ?? element("figcaption");
      caption.textContent = slice.caption;
      figure.replaceChildren(drawing, caption);
    }
  }

  private handle(figure: HTMLElement, tunnel: number, place: Place, end: End): SVGCircleElement {
    const [cx, cy] = place[end];
    const circle = svgElement("circle", { cx, cy, r: HANDLE_UNITS, class: "handle", "data-end": end });
    circle.onpointerdown = (event) => {
      const ends = this.endsOf(tunnel);
      const drawing = figure.querySelector("svg");
      if (event.button !== 0 || this.dragging || !ends || !drawing) return;
      event.preventDefault();
      // On the figure, which stays while its drawing is replaced.
      figure.setPointerCapture(event.pointerId);
      const widthPx = drawing.getBoundingClientRect().width;
      const scale = mmPerPixel(drawing.viewBox.baseVal.width, widthPx, place.units_per_mm);
      this.dragging = true;
      let moved: Ends | undefined;
      figure.onpointermove = (move) => {
        const pixels: [number, number] = [move.clientX - event.clientX, move.clientY - event.clientY];
        moved = { entry: ends.entry, tip: ends.tip, [end]: dragInPlane(ends[end], place, pixels, scale) };
        this.events.drag(tunnel, moved);
      };
      figure.onpointerup = figure.onpointercancel = (last) => {
        this.dragging = false;
        figure.onpointermove = figure.onpointerup = figure.onpointercancel = null;
        if (!moved) return;
        if (last.type === "pointerup") this.events.drop(tunnel, moved);
        else this.events.cancel();
      };
    };
    return circle;
  }
}
