// The scene: bodies, lines, markers, letters at the edges, and a parallel camera turned by hand.
import {
  Group, Mesh, MeshBasicMaterial, type Object3D, OrthographicCamera, Scene, SphereGeometry, Vector3, WebGLRenderer,
} from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import { Line2 } from "three/addons/lines/Line2.js";
import { LineGeometry } from "three/addons/lines/LineGeometry.js";
import { LineMaterial } from "three/addons/lines/LineMaterial.js";
import { fade, solid } from "./bodies";
import type { Label, Marker, SceneData, Vector, View } from "./data";

/** Distance of the camera from what it looks at, mm: outside of any femur. */
const FAR_MM = 1000;
/** Cosine above which an edge takes a second letter, as on the picture. */
const SECOND_LETTER = 0.42;

/** Nearest that two labels may stand, CSS pixels. */
const APART_PX = 18;

const vector = (v: Vector): Vector3 => new Vector3(...v);

/** Whether WebGL is a program's work here, by the name of what draws. */
function paintsInSoftware(): boolean {
  const context = document.createElement("canvas").getContext("webgl");
  const names = context?.getExtension("WEBGL_debug_renderer_info");
  const name: unknown = names && context!.getParameter(names.UNMASKED_RENDERER_WEBGL);
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|softpipe|software/i.test(String(name));
}

export class Viewer {
  readonly parts = new Map<string, Group>();
  private readonly scene = new Scene();
  private readonly camera = new OrthographicCamera(-1, 1, 1, -1, 1, 2 * FAR_MM);
  private readonly renderer: WebGLRenderer;
  private readonly controls: OrbitControls;
  private readonly letters = new Map<string, HTMLElement>();
  private readonly labels: { element: HTMLElement; at: Vector3; part: string; text: string }[] = [];
  private readonly scale: HTMLElement;
  private size: [number, number] = [100, 100];
  private waiting = false;

  constructor(
    private readonly stage: HTMLElement,
    private readonly data: SceneData,
  ) {
    // A machine without a graphics card paints each sample by hand: there a drag goes before smooth edges.
    const slow = paintsInSoftware();
    this.renderer = new WebGLRenderer({ antialias: !slow });
    this.renderer.setPixelRatio(slow ? 1 : Math.min(window.devicePixelRatio, 2));
    this.renderer.setClearColor(0xffffff);
    stage.append(this.renderer.domElement);

    for (const body of data.bodies) this.part(body.part).add(solid(body));
    for (const line of data.lines) this.part(line.part).add(this.line(line));
    for (const marker of data.markers) this.part(marker.part).add(...this.mark(marker));
    for (const label of data.labels) this.label(label);
    for (const edge of ["left", "right", "top", "bottom"]) {
      const element = this.overlay(`letter ${edge}`);
      this.letters.set(edge, element);
    }

    this.scale = this.overlay("scale");

    // Before the controls are made: they take the way up from the camera once.
    this.camera.up.copy(vector(data.axes.superior));
    this.controls = new OrbitControls(this.camera, this.renderer.domElement);
    this.controls.addEventListener("change", () => this.draw());
    new ResizeObserver(() => this.resize()).observe(stage);
    this.resize();
  }

  /** Turns the camera to one of the data's views. */
  look(view: View): void {
    this.size = [view.width, view.height];
    this.controls.target.copy(vector(view.center));
    this.camera.position.copy(vector(view.center)).addScaledVector(vector(view.into), -FAR_MM);
    this.camera.zoom = 1;
    this.resize();
    this.controls.update();
    this.camera.updateMatrixWorld();
    this.draw();
  }

  show(part: string, visible: boolean): void {
    const group = this.parts.get(part);
    if (group) group.visible = visible;
    this.draw();
  }

  /** Gives the bodies of a part another opacity, or their own again. */
  fade(part: string, opacity?: [number, number]): void {
    const group = this.parts.get(part);
    if (group) fade(group, opacity);
    this.draw();
  }

  /** Draws once before the next frame: a page at rest costs nothing. */
  draw(): void {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.renderer.render(this.scene, this.camera);
      this.write();
    });
  }

  /** Where a point is on the stage, in CSS pixels from its upper left corner. */
  place(at: Vector3): [number, number] {
    const p = at.clone().project(this.camera);
    return [((p.x + 1) / 2) * this.stage.clientWidth, ((1 - p.y) / 2) * this.stage.clientHeight];
  }

  /** Millimetres that a CSS pixel shows. */
  get mmPerPixel(): number {
    return (this.camera.right - this.camera.left) / (this.stage.clientWidth * this.camera.zoom);
  }

  /** Unit vectors of the picture, to the right and up, as one looks at it now. */
  basis(): [Vector3, Vector3] {
    const [right, up] = [new Vector3(), new Vector3()];
    this.camera.matrixWorld.extractBasis(right, up, new Vector3());
    return [right, up];
  }

  /** Puts other objects in a part's place; what stood there gives its memory back. */
  refill(name: string, objects: Object3D[]): void {
    const group = this.part(name);
    group.traverse((object) => {
      if (!(object instanceof Mesh)) return;
      object.geometry.dispose();
      (object.material as { dispose(): void }).dispose();
    });
    group.clear();
    if (objects.length) group.add(...objects);
    this.draw();
  }

  /** Other labels in place of all there are. */
  relabel(labels: Label[]): void {
    for (const { element } of this.labels) element.remove();
    this.labels.length = 0;
    for (const label of labels) this.label(label);
    this.draw();
  }

  private label({ part, at, text }: Label): void {
    this.labels.push({ element: this.overlay("label"), at: vector(at), part, text });
  }

  private part(name: string): Group {
    let group = this.parts.get(name);
    if (!group) {
      group = new Group();
      this.parts.set(name, group);
      this.scene.add(group);
    }
    return group;
  }

  private line(line: SceneData["lines"][number]): Line2 {
    const geometry = new LineGeometry().setPositions(line.points.flat());
    const material = new LineMaterial({ color: line.color, linewidth: 2, depthTest: false, transparent: true });
    if (line.dash) {
      material.dashed = true;
      [material.dashSize, material.gapSize] = line.dash;
    }
    const result = new Line2(geometry, material);
    result.computeLineDistances();
    result.renderOrder = 5;
    return result;
  }

  /** A ball that is seen through whatever lies before it. */
  mark(marker: Marker, colors: [string, string] = ["#111111", "#FFFFFF"]): Mesh[] {
    return ([[1, colors[0], 6], [0.72, colors[1], 7]] as const).map(([scale, color, order]) => {
      const material = new MeshBasicMaterial({ color, depthTest: false, transparent: true });
      const ball = new Mesh(new SphereGeometry(marker.radius * scale, 24, 16), material);
      ball.position.copy(vector(marker.at));
      ball.renderOrder = order;
      return ball;
    });
  }

  private overlay(name: string): HTMLElement {
    const element = document.createElement("span");
    element.className = name;
    this.stage.append(element);
    return element;
  }

  private resize(): void {
    const width = Math.max(this.stage.clientWidth, 1);
    const height = Math.max(this.stage.clientHeight, 1);
    this.renderer.setSize(width, height, false);
    const half = Math.max(this.size[1], (this.size[0] * height) / width) / 2;
    this.camera.top = half;
    this.camera.bottom = -half;
    this.camera.right = (half * width) / height;
    this.camera.left = -this.camera.right;
    this.camera.updateProjectionMatrix();
    this.draw();
  }

  /** Letters and labels follow the camera. */
  private write(): void {
    const [right, up] = this.basis();
    const edges: [string, Vector3][] = [
      ["left", right.clone().negate()],
      ["right", right],
      ["top", up],
      ["bottom", up.clone().negate()],
    ];
    for (const [edge, direction] of edges) this.letters.get(edge)!.textContent = this.lettersOf(direction);
    this.rule();
    const written: { element: HTMLElement; x: number; y: number }[] = [];
    for (const { element, at, part, text } of this.labels) {
      element.hidden = this.parts.get(part)?.visible === false;
      if (element.hidden) continue;
      const [x, y] = this.place(at);
      // Labels that would cover each other share one.
      const near = written.find((other) => Math.hypot(other.x - x, other.y - y) < APART_PX);
      element.hidden = near !== undefined;
      if (near) near.element.textContent += ` ${text}`;
      else {
        element.textContent = text;
        element.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
        written.push({ element, x, y });
      }
    }
  }

  /** The scale: as many millimetres as fit a fifth of the picture, of 1, 2 or 5 times a power of ten. */
  private rule(): void {
    const pixelsPerMm = 1 / this.mmPerPixel;
    const most = (0.2 * this.stage.clientWidth) / pixelsPerMm;
    const ten = 10 ** Math.floor(Math.log10(most));
    const length = [5, 2, 1].map((n) => n * ten).find((mm) => mm <= most) ?? ten;
    this.scale.style.width = `${(length * pixelsPerMm).toFixed(1)}px`;
    this.scale.textContent = `${Number(length.toPrecision(1))} mm`;
  }

  private lettersOf(direction: Vector3): string {
    const { right, anterior, superior } = this.data.axes;
    const shares = ([["R", "L", right], ["A", "P", anterior], ["S", "I", superior]] as const)
      .map(([plus, minus, axis]) => ({ share: direction.dot(vector(axis)), plus, minus }))
      .sort((a, b) => Math.abs(b.share) - Math.abs(a.share));
    return shares
      .filter(({ share }, k) => k === 0 || (k === 1 && Math.abs(share) > SECOND_LETTER))
      .map(({ share, plus, minus }) => (share > 0 ? plus : minus))
      .join("");
  }
}
