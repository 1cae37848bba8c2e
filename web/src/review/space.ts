// The scene to turn, and its handles. Without WebGL the page does without.
import type { Endpoints, Ends, Figures, Tunnel } from "../api";
import { add, scale, type Vector } from "../geometry";
import { TunnelEditor } from "../scene/tunnel-editor";
import { byId } from "../page/dom";
import type { DragEvents } from "./drag";

function moved<T extends Ends>(tunnel: T, by: Vector): T {
  return { ...tunnel, entry: add(tunnel.entry, by), tip: add(tunnel.tip, by) };
}

/** Shows which view is chosen; without one, none. */
function pressView(key?: string): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-view]")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === key));
  }
}

export class Space {
  private editor: TunnelEditor | null = null;
  private origin: Vector = [0, 0, 0];
  /** The one whose ends can be taken hold of. */
  private selected = 0;

  constructor(private readonly events: DragEvents) {}

  open(data: Endpoints["/api/scene"]["answer"]): void {
    this.origin = data.origin;
    const ends = (tunnel: Tunnel): Ends => {
      const { entry, tip } = moved(tunnel, this.origin);
      return { entry, tip };
    };
    try {
      this.editor = new TunnelEditor(byId("stage"), data, {
        dragged: (tunnel) => this.events.drag(this.selected, ends(tunnel)),
        dropped: (tunnel) => this.events.drop(this.selected, ends(tunnel)),
        cancelled: () => this.events.cancel(),
        turned: () => pressView(),
      });
    } catch (error) {
      byId("no-scene").hidden = false;
      console.warn("no 3-D scene:", error);
      return;
    }
    this.bindControls(this.editor);
  }

  /** Whether there is a scene on the page. */
  get shown(): boolean {
    return this.editor !== null;
  }

  setEditable(editable: boolean): void {
    this.editor?.setEditable(editable);
  }

  showTunnels({ tunnels, selected, colors, against }: Figures): void {
    if (!this.editor) return;
    this.selected = selected ?? 0;
    const inScene = (tunnel: Tunnel): Tunnel => moved(tunnel, scale(this.origin, -1));
    this.editor.showTunnels(tunnels.map(inScene), this.selected, colors);
    this.editor.showComparison((against?.tunnels ?? []).map(inScene));
  }

  private bindControls(editor: TunnelEditor): void {
    const buttons = [...document.querySelectorAll<HTMLButtonElement>("button[data-view]")];
    const showView = (key: string): void => {
      editor.showView(key);
      pressView(key);
    };
    for (const button of buttons) button.onclick = () => showView(button.dataset.view ?? "");
    for (const box of document.querySelectorAll<HTMLInputElement>("input[data-part]")) {
      box.onchange = () => editor.setVisible(box.dataset.part ?? "", box.checked);
    }
    showView("front");
  }
}
