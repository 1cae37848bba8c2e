import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type RequestKind, RequestQueue } from "../src/review/queue";

interface Request {
  kind: RequestKind;
  id: number;
}

/** A queue whose requests are answered by hand. */
function openQueue() {
  const started: Request[] = [];
  const failures: unknown[] = [];
  let inFlight = 0;
  let mostInFlight = 0;
  let settle: { resolve: () => void; reject: (error: Error) => void } | undefined;
  const queue = new RequestQueue<Request>(
    (request) => {
      started.push(request);
      mostInFlight = Math.max(mostInFlight, ++inFlight);
      return new Promise<void>((resolve, reject) => {
        settle = { resolve, reject };
      }).finally(() => {
        inFlight -= 1;
      });
    },
    (error) => failures.push(error),
  );
  let id = 0;
  const add = (...kinds: RequestKind[]): void => {
    for (const kind of kinds) queue.add({ kind, id: id++ });
  };
  const rest = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
  const answer = async (error?: Error): Promise<void> => {
    const { resolve, reject } = settle!;
    settle = undefined;
    if (error) reject(error);
    else resolve();
    await rest();
  };
  const answerAll = async (): Promise<void> => {
    while (settle) await answer();
  };
  const names = (): string[] => started.map((request) => `${request.kind} ${request.id}`);
  return { queue, add, answer, answerAll, names, started, failures, mostInFlight: () => mostInFlight };
}

describe("RequestQueue", () => {
  it("sends the first at once and is idle again once it is answered", async () => {
    const { queue, add, answer, names } = openQueue();
    expect(queue.busy).toBe(false);
    add("step");
    expect(names()).toEqual(["step 0"]);
    expect([queue.busy, queue.waiting]).toEqual([true, false]);
    await answer();
    expect(queue.busy).toBe(false);
  });

  it("keeps only the newest of a drag", async () => {
    const { add, answerAll, names } = openQueue();
    add("drag", "drag", "drag", "drag");
    await answerAll();
    expect(names()).toEqual(["drag 0", "drag 3"]);
  });

  it("lets a drop take the place of the drag that it ends", async () => {
    const { add, answerAll, names } = openQueue();
    add("drag", "drag", "drop");
    await answerAll();
    expect(names()).toEqual(["drag 0", "drop 2"]);
  });

  it("keeps only the newest of a key that repeats, and every press", async () => {
    const { add, answerAll, names } = openQueue();
    add("step", "nudge", "nudge", "nudge", "step", "step");
    await answerAll();
    expect(names()).toEqual(["step 0", "nudge 3", "step 4", "step 5"]);
  });

  it("makes steps in their order", async () => {
    const { add, answerAll, names } = openQueue();
    add("step", "step", "look", "step", "write");
    await answerAll();
    expect(names()).toEqual(["step 0", "step 1", "look 2", "step 3", "write 4"]);
  });

  it("does not let a later drag take the place of one before a step", async () => {
    const { add, answerAll, names } = openQueue();
    add("step", "drag", "step", "drag");
    await answerAll();
    expect(names()).toEqual(["step 0", "drag 1", "step 2", "drag 3"]);
  });

  it("forgets those that wait, not the one in flight", async () => {
    const { queue, add, answer, answerAll, names } = openQueue();
    add("step", "step", "drag");
    queue.forget();
    expect([queue.busy, queue.waiting]).toEqual([true, false]);
    await answer();
    add("step");
    await answerAll();
    expect(names()).toEqual(["step 0", "step 3"]);
  });

  it("goes on after an error, and tells it", async () => {
    const { queue, add, answer, answerAll, names, failures } = openQueue();
    add("step", "step");
    await answer(new Error("refused"));
    expect(failures).toEqual([new Error("refused")]);
    await answerAll();
    add("step");
    await answerAll();
    expect(names()).toEqual(["step 0", "step 1", "step 2"]);
    expect(queue.busy).toBe(false);
  });

  it("holds for any requests and answers: one in flight, nothing lost but what a newer one stands for", async () => {
    const kinds = fc.constantFrom<RequestKind>("drag", "drop", "nudge", "step", "look", "write");
    const events = fc.array(fc.oneof({ weight: 3, arbitrary: kinds }, fc.constantFrom("answer", "error")));
    await fc.assert(
      fc.asyncProperty(events, async (happened) => {
        const { queue, add, answer, answerAll, started, mostInFlight } = openQueue();
        const added: RequestKind[] = [];
        for (const event of happened) {
          if (event === "answer" || event === "error") {
            if (queue.busy) await answer(event === "error" ? new Error("refused") : undefined);
          } else {
            add(event);
            added.push(event);
          }
        }
        await answerAll();
        expect(mostInFlight()).toBeLessThanOrEqual(1);
        expect([queue.busy, queue.waiting]).toEqual([false, false]);
        const ids = started.map((request) => request.id);
        // In the order in which they were asked, none twice.
        expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
        added.forEach((kind, id) => {
          if (ids.includes(id)) return;
          const next = added[id + 1];
          expect(["drag", "nudge"]).toContain(kind);
          expect(next === kind || (kind === "drag" && next === "drop")).toBe(true);
        });
      }),
      { numRuns: 60 },
    );
  });
});
