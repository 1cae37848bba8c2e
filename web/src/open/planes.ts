// Three linked planes of the patient: scrolled, windowed, with a crosshair and the masks' outlines; cut in the browser.
import type { Client } from "../page/client";
import { button, byId, element, inputById } from "../page/dom";
import { later, say } from "../language";
import type { Vector } from "../geometry";
import { Cutter } from "./cutter";
import { AXES, NORMAL_AXIS, PLANE_NAMES, placeOf, pointAt, parseVolume, type PlaneName, type Volume } from "./volume";

const TITLES: Readonly<Record<PlaneName, string>> = {
  axial: later("axial"),
  coronal: later("coronal"),
  sagittal: later("sagittal"),
};

interface Plane {
  readonly name: PlaneName;
  readonly canvas: HTMLCanvasElement;
  readonly slider: HTMLInputElement;
  readonly place: HTMLElement;
  /** The plane without its crosshair, and what it was cut by: of three linked planes a scroll cuts one anew. */
  readonly base: HTMLCanvasElement;
  cutBy: string;
}

export class Planes {
  private volume: Volume | null = null;
  private cutter: Cutter | null = null;
  private planes: Plane[] = [];
  /** The crosshair, and the middle of the pictures, RAS mm. */
  private point: Vector = [0, 0, 0];
  private middle: Vector = [0, 0, 0];
  private shades: [number, number] = [0, 1];
  private shown = 7;
  private asked = 0;
  private frame = 0;

  constructor(private readonly client: Client) {
    inputById("field").oninput = () => this.draw();
    for (const id of ["level", "width"]) inputById(id).oninput = () => this.readWindow();
    byId("center").onclick = () => {
      this.middle = this.point;
      this.draw();
    };
    byId("enlarge").onclick = () => {
      const large = byId("case").classList.toggle("large");
      byId("enlarge").setAttribute("aria-pressed", String(large));
      this.draw();
    };
    addEventListener("resize", () => this.draw());
  }

  /** Nothing of another case stays on the page, or on the graphics card. */
  close(): void {
    this.asked += 1;
    this.cutter?.close();
    this.cutter = this.volume = null;
    byId("planes").hidden = true;
    byId("cuts").replaceChildren();
    byId("case").classList.remove("large");
    byId("enlarge").setAttribute("aria-pressed", "false");
  }

  /** The volume of a checked case; whether the browser can cut it. */
  async open(name: string): Promise<boolean> {
    this.close();
    const own = this.asked;
    const volume = parseVolume(await this.client.volume(name));
    if (own !== this.asked) return true;
    try {
      this.cutter = new Cutter(volume);
    } catch (error) {
      // A warning would be a fault of the page: it shows the planner's own pictures then.
      console.info("planes are not cut in the browser:", error);
      return false;
    }
    this.volume = volume;
    this.point = this.middle = [...volume.header.start] as Vector;
    this.shown = volume.header.masks.reduce((all, { bit }) => all | bit, 0);
    byId("planes").hidden = false;
    this.showControls(volume);
    this.planes = PLANE_NAMES.map((one) => this.plane(one));
    this.draw();
    return true;
  }

  private showControls({ header }: Volume): void {
    byId("windows").replaceChildren(
      ...header.presets.map(({ name, low, high }) => button(name, () => this.setWindow(low, high))),
    );
    byId("masks").replaceChildren(
      ...header.masks.map(({ bit, name, color }) => {
        const label = element("label", undefined, { class: "mask" });
        const box = element("input", undefined, { type: "checkbox", checked: "" });
        box.onchange = () => {
          this.shown = box.checked ? this.shown | bit : this.shown & ~bit;
          this.draw();
        };
        const sample = element("span", undefined, { class: "sample" });
        sample.style.borderColor = `rgb(${color.join(" ")})`;
        label.append(box, sample, name);
        return label;
      }),
    );
    const wide = header.presets.at(-1);
    const [first] = header.presets;
    if (!first || !wide) return;
    const [low, high] = [Math.min(first.low, wide.low), Math.max(first.high, wide.high)];
    Object.assign(inputById("level"), { min: String(low), max: String(high), step: String((high - low) / 500) });
    Object.assign(inputById("width"), {
      min: String((high - low) / 200),
      max: String(high - low),
      step: String((high - low) / 500),
    });
    this.setWindow(first.low, first.high);
  }

  private setWindow(low: number, high: number): void {
    this.shades = [low, high];
    inputById("level").value = String((low + high) / 2);
    inputById("width").value = String(high - low);
    this.draw();
  }

  private readWindow(): void {
    const [level, width] = [Number(inputById("level").value), Number(inputById("width").value)];
    this.shades = [level - width / 2, level + width / 2];
    this.draw();
  }

  private plane(name: PlaneName): Plane {
    const title = say(TITLES[name]);
    const axis = NORMAL_AXIS[name];
    const { low, high, step_mm } = this.current.header;
    const figure = element("figure");
    const canvas = element("canvas", undefined, {
      role: "img",
      "aria-label": say("{plane} plane; press to put the crosshair, turn the wheel to scroll", { plane: title }),
    });
    const slider = element("input", undefined, {
      type: "range",
      min: Math.ceil(low[axis] ?? 0),
      max: Math.floor(high[axis] ?? 0),
      step: "any",
      "aria-label": say("position of the {plane} plane, mm", { plane: title }),
    });
    const place = element("figcaption");
    const moveTo = (mm: number): void => {
      const point: Vector = [...this.point];
      point[axis] = Math.min(high[axis] ?? mm, Math.max(low[axis] ?? mm, mm));
      this.movePoint(point);
    };
    slider.oninput = () => moveTo(Number(slider.value));
    slider.onkeydown = (event) => {
      const by = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 }[event.key];
      if (by === undefined) return;
      event.preventDefault();
      moveTo(this.point[axis] + by * step_mm);
    };
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        moveTo(this.point[axis] - Math.sign(event.deltaY) * step_mm);
      },
      { passive: false },
    );
    const follow = (event: PointerEvent): void => {
      const box = canvas.getBoundingClientRect();
      const at = [(event.clientX - box.left) / box.width - 0.5, 0.5 - (event.clientY - box.top) / box.height] as const;
      this.movePoint(pointAt(name, this.middleOf(name), at, this.field));
    };
    canvas.onpointerdown = (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      follow(event);
      canvas.onpointermove = follow;
    };
    canvas.onpointerup = canvas.onpointercancel = () => {
      canvas.onpointermove = null;
    };
    figure.append(canvas, place, slider);
    byId("cuts").append(figure);
    return { name, canvas, slider, place, base: document.createElement("canvas"), cutBy: "" };
  }

  private get current(): Volume {
    if (!this.volume) throw new Error("no volume is open");
    return this.volume;
  }

  private get field(): number {
    return Number(inputById("field").value);
  }

  /** A plane passes through the crosshair; across it the picture stays. */
  private middleOf(name: PlaneName): Vector {
    const middle: Vector = [...this.middle];
    middle[NORMAL_AXIS[name]] = this.point[NORMAL_AXIS[name]];
    return middle;
  }

  private movePoint(point: Vector): void {
    const { low, high } = this.current.header;
    const held = ([0, 1, 2] as const).map((k) => Math.min(high[k] ?? point[k], Math.max(low[k] ?? point[k], point[k])));
    this.point = held as Vector;
    this.draw();
  }

  /** At most once a frame, however fast a hand moves. */
  private draw(): void {
    if (!this.volume || this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.drawNow();
    });
  }

  private drawNow(): void {
    if (!this.cutter || !this.volume) return;
    const { shades, shown, field } = this;
    for (const plane of this.planes) {
      const { name, canvas, slider, place, base } = plane;
      const pixels = Math.max(64, Math.round(canvas.clientWidth));
      if (canvas.width !== pixels) canvas.width = canvas.height = pixels;
      const middle = this.middleOf(name);
      const cutBy = JSON.stringify([middle, field, shades, shown, pixels]);
      const drawing = canvas.getContext("2d");
      if (!drawing) continue;
      if (plane.cutBy !== cutBy) {
        plane.cutBy = cutBy;
        this.cutter.cut({ name, middle, field, shades, shown }, pixels);
        if (base.width !== pixels) base.width = base.height = pixels;
        base.getContext("2d")?.drawImage(this.cutter.canvas, 0, 0);
      }
      drawing.drawImage(base, 0, 0);
      this.drawCross(drawing, pixels, placeOf(name, middle, this.point, field));
      drawLetters(drawing, pixels, AXES[name].letters);
      const mm = this.point[NORMAL_AXIS[name]];
      slider.value = String(mm);
      place.textContent = say("{plane}: {mm} mm", { plane: say(TITLES[name]), mm: mm.toFixed(1) });
    }
    document.body.dataset.drawn = String(Number(document.body.dataset.drawn ?? "0") + 1);
  }

  private drawCross(drawing: CanvasRenderingContext2D, pixels: number, at: readonly [number, number]): void {
    const [x, y] = [Math.round((at[0] + 0.5) * pixels) + 0.5, Math.round((0.5 - at[1]) * pixels) + 0.5];
    drawing.strokeStyle = "rgb(0 255 120 / 70%)";
    drawing.beginPath();
    // Free about the point itself, which is what one looks at.
    for (const [from, to] of [
      [0, x - 9],
      [x + 9, pixels],
    ] as const) {
      drawing.moveTo(from, y);
      drawing.lineTo(to, y);
    }
    for (const [from, to] of [
      [0, y - 9],
      [y + 9, pixels],
    ] as const) {
      drawing.moveTo(x, from);
      drawing.lineTo(x, to);
    }
    drawing.stroke();
  }
}

function drawLetters(drawing: CanvasRenderingContext2D, pixels: number, letters: PlaneLetters): void {
  drawing.font = "bold 15px 'DejaVu Sans', Verdana, sans-serif";
  drawing.textAlign = "center";
  drawing.textBaseline = "middle";
  drawing.lineWidth = 3;
  drawing.strokeStyle = "#000";
  drawing.fillStyle = "#fff";
  const places = [
    [12, pixels / 2],
    [pixels - 12, pixels / 2],
    [pixels / 2, 12],
    [pixels / 2, pixels - 12],
  ] as const;
  letters.forEach((letter, k) => {
    const [x, y] = places[k] ?? [0, 0];
    drawing.strokeText(letter, x, y);
    drawing.fillText(letter, x, y);
  });
  drawing.lineWidth = 1;
}

type PlaneLetters = readonly [string, string, string, string];
