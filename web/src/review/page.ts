// The review page. It computes no figure: it asks, greys what is old until the answer is there, and shows it.
import type { Command, DraggedTunnel, Endpoints, Figures, ReviewState } from "../api";
import type { Client } from "./client";
import { button, buttonById, byId, inputById } from "./dom";
import type { DragEvents } from "./drag";
import { keyAction, type Nudge, NUDGES } from "./nudges";
import { RequestQueue } from "./queue";
import * as render from "./render";
import { SliceFigures } from "./slices";
import { Space } from "./space";

/** Films are drawn when nothing has moved for so long. */
const FILMS_AFTER_MS = 600;

type DragRequest = { kind: "drag" } & Pick<DraggedTunnel, "tunnel" | "entry" | "tip">;
type CommandRequest = { kind: "drop" | "nudge" | "step"; command: Command };
/** What may be asked in turn: figures of a drag, a step of the session, figures again, or a plan written. */
type PageRequest = DragRequest | CommandRequest | { kind: "look" } | { kind: "write" };

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const complain = (error: unknown): void => render.showProblem(messageOf(error));

export class ReviewPage {
  private readonly queue = new RequestQueue<PageRequest>((request) => this.perform(request), complain);
  private readonly slices: SliceFigures;
  private readonly space: Space;
  /** None before the first answer. */
  private state: ReviewState | null = null;
  /** Which set is shown beside what stands. */
  private against: number | null = null;
  private seq = 0;
  private dragging = false;
  private filmsTimer = 0;
  /** The tunnels that the films show; a note or a signature leaves them as they are. */
  private filmed = "";

  private readonly actions: render.Actions = {
    select: (tunnel) => this.step({ do: "select", tunnel }),
    take: (which) => this.step({ do: "take", which }),
    compare: (which) => {
      this.against = this.against === which ? null : which;
      this.queue.add({ kind: "look" });
    },
  };

  constructor(private readonly client: Client) {
    const drag: DragEvents = {
      drag: (tunnel, ends) => {
        this.dragging = true;
        this.queue.add({ kind: "drag", tunnel, ...ends });
      },
      drop: (tunnel, ends) => {
        this.dragging = false;
        this.queue.add({ kind: "drop", command: { do: "move", tunnel, ...ends } });
      },
      cancel: () => {
        this.dragging = false;
        void this.lookAgain();
      },
    };
    this.slices = new SliceFigures((tunnel) => this.state?.tunnels[tunnel], drag);
    this.space = new Space(drag);
    this.bindControls();
  }

  async open(): Promise<void> {
    try {
      const opened = await this.client.request("/api/look", {});
      this.show(opened);
      render.showWarnings(opened.case.warnings.lines);
      await Promise.all([this.showSlices({ draft: false }), this.openSpace()]);
      this.space.showTunnels(this.current);
      document.body.dataset.ready = "yes";
      const { rows } = await this.client.request("/api/ranked", {});
      render.showRanked(rows, this.actions);
      await this.drawFilms();
    } catch (error) {
      complain(error);
    }
  }

  /** What stands. Throws before the first answer. */
  private get current(): ReviewState {
    if (!this.state) throw new Error("the plan has not been opened");
    return this.state;
  }

  /** The tunnels that stand, to tell whether others do. */
  private get standing(): string {
    return JSON.stringify(this.current.lines);
  }

  private step(command: Command): void {
    this.queue.add({ kind: "step", command });
  }

  private async perform(request: PageRequest): Promise<void> {
    if (request.kind === "write") {
      await this.write();
      return;
    }
    const seq = ++this.seq;
    const command = "command" in request ? request.command.do : null;
    render.markWaiting(true);
    render.markSnapping(command === "snap");
    try {
      const answer = await this.send(request, seq);
      // Only the answer to what was asked last is shown as what stands.
      if (answer.seq !== this.seq) return;
      this.show(answer);
      render.showProblem("");
      if (!this.queue.waiting) render.markWaiting(false);
      // Typed for one sign-off, not for the next.
      if (command === "sign") inputById("typed").value = "";
      if (request.kind === "drag") {
        const { tunnel, entry, tip } = request;
        await this.showSlices({ draft: true, tunnel, entry, tip, rev: this.current.rev, seq });
      } else {
        await this.showSlices({ draft: true });
        if (!this.queue.waiting && !this.dragging) await this.showSlices({ draft: false });
      }
    } catch (error) {
      complain(error);
      if (request.kind !== "drag") await this.lookAgain();
    }
    render.markSnapping(false);
    if (request.kind !== "drag") this.drawFilmsSoon();
  }

  private send(request: Exclude<PageRequest, { kind: "write" }>, seq: number): Promise<Figures> {
    const asked = { rev: this.current.rev, against: this.against, seq };
    switch (request.kind) {
      case "drag": {
        const { tunnel, entry, tip } = request;
        return this.client.request("/api/preview", { tunnel, entry, tip, ...asked });
      }
      case "look":
        return this.client.request("/api/look", asked);
      default:
        return this.client.request("/api/do", { ...request.command, ...asked });
    }
  }

  /** After a refusal: what stands, as it is known to the planner. */
  private async lookAgain(): Promise<void> {
    this.queue.forget();
    try {
      this.show(await this.client.request("/api/look", { against: this.against }));
      render.markWaiting(false);
      await this.showSlices({ draft: false });
    } catch (error) {
      complain(error);
    }
  }

  private show(answer: Figures | ReviewState): void {
    const state = "case" in answer ? answer : { ...this.current, ...answer };
    this.state = state;
    render.showFigures(state, this.actions, this.against);
    this.space.showTunnels(state);
    document.body.dataset.seq = answer.seq === null ? "" : String(answer.seq);
    if (answer.preview) return;
    render.showSession(state);
    render.markFilms(this.standing !== this.filmed);
  }

  private async showSlices(body: Endpoints["/api/slices"]["body"]): Promise<void> {
    const { slices, rev } = await this.client.request("/api/slices", body);
    if (rev >= this.current.rev) this.slices.show(slices);
  }

  private async openSpace(): Promise<void> {
    this.space.open(await this.client.request("/api/scene", {}));
  }

  private drawFilmsSoon(): void {
    clearTimeout(this.filmsTimer);
    this.filmsTimer = setTimeout(() => void this.drawFilms(), FILMS_AFTER_MS);
  }

  private async drawFilms(): Promise<void> {
    if (!this.state) return;
    const shown = this.standing;
    if (shown === this.filmed) return;
    if (this.dragging || this.queue.busy) {
      this.drawFilmsSoon();
      return;
    }
    try {
      const { rev, films, now } = await this.client.request("/api/films", {});
      // A tunnel has moved meanwhile: these are of the past.
      if (rev !== this.current.rev || this.standing !== shown) {
        this.drawFilmsSoon();
        return;
      }
      this.filmed = shown;
      render.showFilms(films, rev);
      render.markFilms(false);
      render.showCurrent(now);
    } catch (error) {
      complain(error);
    }
  }

  private async write(): Promise<void> {
    const message = byId("written");
    message.textContent = "saving …";
    try {
      const { written, rev } = await this.client.request("/api/write", {});
      message.textContent = `step ${rev}: ${written}`;
    } catch (error) {
      message.textContent = "";
      complain(error);
    }
  }

  /** Presses are counted; a key that repeats by itself does not queue up. */
  private nudge({ axis, sign }: Nudge, repeats = false): void {
    const tunnel = this.state?.selected ?? null;
    if (tunnel === null) return;
    const end = byId("end", HTMLSelectElement).value as "both" | "entry" | "tip";
    const millimetres = sign * Number(byId("step", HTMLSelectElement).value);
    const command: Command = { do: "nudge", tunnel, end, [axis]: millimetres };
    this.queue.add({ kind: repeats ? "nudge" : "step", command });
  }

  /** A command to the selected tunnel; without one its buttons are off. */
  private stepSelected(command: (tunnel: number) => Command): void {
    const tunnel = this.state?.selected ?? null;
    if (tunnel !== null) this.step(command(tunnel));
  }

  private bindControls(): void {
    for (const nudge of NUDGES) {
      byId("nudges").append(button(nudge.name, () => this.nudge(nudge), { title: `${nudge.key} key` }));
    }
    addEventListener("keydown", (event) => this.pressed(event));
    const diameter = inputById("diameter");
    const notes = byId("notes", HTMLTextAreaElement);
    buttonById("undo").onclick = () => this.step({ do: "undo" });
    buttonById("redo").onclick = () => this.step({ do: "redo" });
    buttonById("remove").onclick = () => this.stepSelected((tunnel) => ({ do: "remove", tunnel }));
    buttonById("snap").onclick = () => this.stepSelected((tunnel) => ({ do: "snap", tunnel }));
    diameter.onchange = () =>
      this.stepSelected((tunnel) => ({ do: "resize", tunnel, diameter: Number(diameter.value) }));
    notes.onchange = () => this.step({ do: "note", text: notes.value });
    buttonById("accept").onclick = () => this.step({ do: "accept", reason: inputById("reason").value });
    buttonById("sign").onclick = () =>
      this.step({ do: "sign", name: inputById("name").value, side: inputById("typed").value });
    buttonById("write").onclick = () => this.queue.add({ kind: "write" });
  }

  private pressed(event: KeyboardEvent): void {
    const { target } = event;
    // Where words are typed, and in the columns themselves, the keys mean what they mean everywhere.
    const elsewhere = target instanceof Element && target.matches("input, select, textarea, #pictures, aside");
    if (!this.state || elsewhere) return;
    const action = keyAction(event);
    if (!action) return;
    event.preventDefault();
    if (action.do === "nudge") this.nudge(action.nudge, event.repeat);
    else this.step({ do: action.do });
  }
}
