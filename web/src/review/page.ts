// The review page. It computes no figure: it asks, greys what is old until the answer is there, and shows it.
import type { Command, DraggedTunnel, Endpoints, Figures, Permission, ReviewState, Shown } from "../api";
import type { Client } from "../page/client";
import { button, buttonById, byId, inputById, messageOf } from "../page/dom";
import type { DragEvents } from "./drag";
import { HandOver } from "./hand-over";
import { say } from "../language";
import { keyAction, type Nudge, NUDGES } from "./nudges";
import { RequestQueue } from "./queue";
import * as render from "./render";
import { SliceFigures } from "./slices";
import { Space } from "./space";

/** Films are drawn when nothing has moved for so long. */
const FILMS_AFTER_MS = 600;
/** So often the planner is asked whether another page or another plan has come (engineering choice). */
const WATCH_MS = 3000;
const noAnswer = (): Permission => ({
  state: "ended",
  words: say(
    "corecore review does not answer: it has ended on this machine. What was done until then is in review.json.",
  ),
  may_take: false,
});

type DragRequest = { kind: "drag" } & Pick<DraggedTunnel, "tunnel" | "entry" | "tip">;
type CommandRequest = { kind: "drop" | "nudge" | "step"; command: Command };
/** What may be asked in turn: figures of a drag, a step of the session, figures again, or a plan written. */
type PageRequest = DragRequest | CommandRequest | { kind: "look"; take?: boolean } | { kind: "write"; broken: boolean };

const complain = (error: unknown): void => render.showProblem(messageOf(error));

export class ReviewPage {
  private readonly queue = new RequestQueue<PageRequest>((request) => this.perform(request), complain);
  private readonly slices: SliceFigures;
  private readonly space: Space;
  private readonly handOver: HandOver;
  /** None before the first answer. */
  private state: ReviewState | null = null;
  /** Which set is shown beside what stands. */
  private against: number | null = null;
  private seq = 0;
  private dragging = false;
  private filmsTimer = 0;
  /** The tunnels that the films show; a note or a signature leaves them as they are. */
  private filmed = "";
  /** The tunnels that the slices show. */
  private sliced = "";
  /** The steps that figures and pictures on the page are of. */
  private readonly shown: Shown = { figures: null, slices: null, films: null, space: null };
  /** This page among those of the same review. */
  private readonly name = crypto.randomUUID();
  private permission: Permission | null = null;
  /** How often running the planner has not answered. */
  private unanswered = 0;

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
    this.handOver = new HandOver(client, complain);
    this.bindControls();
  }

  async open(): Promise<void> {
    try {
      const opened = await this.client.request("/api/look", { page: this.name });
      setInterval(() => void this.watch(), WATCH_MS);
      this.show(opened);
      render.showWarnings(opened.case.warnings.lines);
      await Promise.all([this.showSlices({ draft: false }), this.openSpace()]);
      this.space.setEditable(this.writes);
      this.showInSpace(this.current);
      this.markSignable();
      document.body.dataset.ready = "yes";
      const { rows } = await this.client.request("/api/ranked", {});
      render.showRanked(rows, this.actions);
      if (this.permission) render.showPermission(this.permission);
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

  private get writes(): boolean {
    return this.permission?.state === "writes";
  }

  /** Whether another page, another server or another plan has come meanwhile; if so, what stands now. */
  private async watch(): Promise<void> {
    if (!this.state || this.dragging || this.queue.busy) return;
    try {
      const { rev, permission } = await this.client.request("/api/watch", { page: this.name });
      const other = permission.state !== this.permission?.state || rev !== this.current.rev;
      if (other && !this.dragging && !this.queue.busy) this.queue.add({ kind: "look" });
      this.unanswered = 0;
    } catch (error) {
      // A refusal is an answer; none at all, twice running, is none.
      if (!(error instanceof TypeError)) complain(error);
      else if (++this.unanswered > 1) this.permit(noAnswer());
    }
  }

  private permit(permission: Permission): void {
    // What the planner drew for this page before may not be what it signs by now.
    if (this.permission && permission.state === "writes" && !this.writes) this.filmed = this.sliced = "";
    this.permission = permission;
    render.showPermission(permission);
    this.space.setEditable(this.writes);
  }

  private markSignable(): void {
    const standing = this.state ? this.standing : null;
    const { figures, space, films, slices } = this.shown;
    const drawn = figures !== null && films !== null && slices !== null && (space !== null || !this.space.shown);
    render.markSlices(this.sliced !== standing);
    render.markSignable(drawn && this.filmed === standing && this.sliced === standing);
  }

  private step(command: Command): void {
    if (!this.writes) return;
    this.queue.add({ kind: "step", command });
  }

  private async perform(request: PageRequest): Promise<void> {
    if (request.kind === "write") {
      await this.write(request.broken);
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
    const asked = { rev: this.current.rev, against: this.against, seq, page: this.name };
    switch (request.kind) {
      case "drag": {
        const { tunnel, entry, tip } = request;
        return this.client.request("/api/preview", { tunnel, entry, tip, ...asked });
      }
      case "look":
        return this.client.request("/api/look", { ...asked, take: request.take });
      default: {
        const { command } = request;
        const step = command.do === "sign" ? { ...command, shown: { ...this.shown } } : command;
        return this.client.request("/api/do", { ...step, ...asked });
      }
    }
  }

  /** After a refusal: what stands, as it is known to the planner. */
  private async lookAgain(): Promise<void> {
    this.queue.forget();
    try {
      this.show(await this.client.request("/api/look", { against: this.against, page: this.name }));
      render.markWaiting(false);
      this.filmed = "";
      this.drawFilmsSoon();
      await this.showSlices({ draft: false });
    } catch (error) {
      complain(error);
    }
  }

  private show(answer: Figures | ReviewState): void {
    const state = "case" in answer ? answer : { ...this.current, ...answer };
    this.state = state;
    render.showFigures(state, this.actions, this.against);
    this.shown.figures = answer.preview ? null : answer.rev;
    this.showInSpace(state);
    document.body.dataset.seq = answer.seq === null ? "" : String(answer.seq);
    if ("permission" in answer) this.permit(answer.permission);
    if (answer.preview) return;
    render.showSession(state);
    render.markFilms(this.standing !== this.filmed);
    this.markSignable();
  }

  private showInSpace(state: ReviewState): void {
    this.space.showTunnels(state);
    this.shown.space = this.space.shown ? this.shown.figures : null;
  }

  private async showSlices(body: Endpoints["/api/slices"]["body"]): Promise<void> {
    const { slices, rev } = await this.client.request("/api/slices", body);
    // Without a step: of the tunnel under the hand.
    if (rev !== null && rev !== this.current.rev) return;
    this.slices.show(slices);
    this.shown.slices = rev;
    this.sliced = rev === null ? "" : this.standing;
    this.markSignable();
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
      this.shown.films = rev;
      render.showFilms(films, rev);
      render.markFilms(false);
      render.showCurrent(now);
      this.markSignable();
    } catch (error) {
      complain(error);
    }
  }

  private async write(broken: boolean): Promise<void> {
    const message = byId("written");
    message.textContent = say("saving …");
    try {
      const asked = { rev: this.current.rev, page: this.name, broken };
      const { written, rev, breaks } = await this.client.request("/api/write", asked);
      message.textContent =
        written === null ? say("not saved") : say("step {step}: {file}", { step: rev, file: written });
      if (written === null) render.askToSave(breaks);
      else this.handOver.offer(written);
    } catch (error) {
      message.textContent = say("not saved");
      complain(error);
    }
  }

  /** Presses are counted; a key that repeats by itself does not queue up. */
  private nudge({ axis, sign }: Nudge, repeats = false): void {
    const tunnel = this.state?.selected ?? null;
    if (tunnel === null || !this.writes) return;
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
      byId("nudges").append(
        button(say(nudge.name), () => this.nudge(nudge), { title: say("{key} key", { key: nudge.key }) }),
      );
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
    const save = (broken: boolean): void => this.queue.add({ kind: "write", broken });
    const ask = byId("ask", HTMLDialogElement);
    buttonById("write").onclick = () => save(false);
    buttonById("ask-no").onclick = () => ask.close();
    buttonById("ask-yes").onclick = () => {
      ask.close();
      save(true);
    };
    buttonById("take").onclick = () => this.queue.add({ kind: "look", take: true });
    addEventListener("pagehide", () => {
      void this.client.request("/api/watch", { page: this.name, leave: true }, { last: true });
    });
  }

  private pressed(event: KeyboardEvent): void {
    const { target } = event;
    // Where words are typed, and in the columns themselves, the keys mean what they mean everywhere.
    const elsewhere = target instanceof Element && target.matches("input, select, textarea, #pictures, aside");
    if (!this.state || !this.writes || elsewhere || byId("ask", HTMLDialogElement).open) return;
    const action = keyAction(event);
    if (!action) return;
    event.preventDefault();
    if (action.do === "nudge") this.nudge(action.nudge, event.repeat);
    else this.step({ do: action.do });
  }
}
