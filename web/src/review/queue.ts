// The order of what is asked of the planner. Nothing here draws or sends.

/** How a request came about, which decides what becomes of one that waits. */
export type RequestKind = "drag" | "drop" | "nudge" | "step" | "look" | "write";

/** Of these, as a hand moves or a key repeats, only the newest is worth an answer. */
const REPEATED: readonly RequestKind[] = ["drag", "nudge"];

/**
 * One request in flight, the others behind it in order.
 *
 * Of drags or repeated keys that follow one another only the newest waits; a drop takes the place of the drag that
 * it ends. `perform` that fails is told to `failed`, and the next request goes on.
 */
export class RequestQueue<R extends { readonly kind: RequestKind }> {
  private readonly pending: R[] = [];
  private running = false;

  constructor(
    private readonly perform: (request: R) => Promise<void>,
    private readonly failed: (error: unknown) => void,
  ) {}

  add(request: R): void {
    const last = this.pending.at(-1)?.kind;
    const repeats = last === request.kind && REPEATED.includes(request.kind);
    const endsDrag = last === "drag" && request.kind === "drop";
    if (repeats || endsDrag) this.pending.pop();
    this.pending.push(request);
    if (!this.running) void this.run();
  }

  /** Whether a request is in flight. */
  get busy(): boolean {
    return this.running;
  }

  /** Whether others wait behind the one in flight. */
  get waiting(): boolean {
    return this.pending.length > 0;
  }

  /** Drops those that wait: what was asked before a refusal was asked of another state. */
  forget(): void {
    this.pending.length = 0;
  }

  private async run(): Promise<void> {
    this.running = true;
    for (let next = this.pending.shift(); next; next = this.pending.shift()) {
      try {
        await this.perform(next);
      } catch (error) {
        this.failed(error);
      }
    }
    this.running = false;
  }
}
