// Requests to the planner on this machine.
import type { Endpoints } from "../api";
import { say } from "../language";

/** The token from the address's fragment, which no server sees; kept for this tab only, and taken off the address. */
export function takeToken(): string {
  const token = location.hash.slice(1) || sessionStorage.getItem("token") || "";
  sessionStorage.setItem("token", token);
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  return token;
}

export class Client {
  /** `plan`: the key of the plan that the page is of, where the server has several open. */
  constructor(
    private readonly token: string,
    private readonly plan: string | null = null,
  ) {}

  /** The planner's answer. Throws with its words where it refuses; `last`: asked as the page is closed. */
  async request<P extends keyof Endpoints>(
    path: P,
    body: Endpoints[P]["body"],
    { last = false } = {},
  ): Promise<Endpoints[P]["answer"]> {
    const headers = { ...this.own, "Content-Type": "application/json" };
    const content = await answer(
      await fetch(path, { method: "POST", headers, body: JSON.stringify(body), keepalive: last }),
    );
    return content as Endpoints[P]["answer"];
  }

  /** Sends a file to a case, under a name that may hold folders. Throws with the planner's words where it refuses. */
  async send(file: Blob, name: string, toCase: string): Promise<void> {
    const quoted = { "X-Corecore-Case": encodeURIComponent(toCase), "X-Corecore-Name": encodeURIComponent(name) };
    await answer(await fetch("/api/send", { method: "POST", headers: { ...this.own, ...quoted }, body: file }));
  }

  /** The volume of a case that was checked, as bytes. Throws with the planner's words where it refuses. */
  async volume(ofCase: string): Promise<ArrayBuffer> {
    const headers = { ...this.own, "Content-Type": "application/json" };
    const response = await fetch("/api/volume", { method: "POST", headers, body: JSON.stringify({ case: ofCase }) });
    if (!response.ok) await answer(response);
    return response.arrayBuffer();
  }

  private get own(): Record<string, string> {
    const plan: Record<string, string> = this.plan === null ? {} : { "X-Corecore-Plan": this.plan };
    return { Authorization: `Bearer ${this.token}`, ...plan };
  }
}

async function answer(response: Response): Promise<unknown> {
  const content: unknown = await response.json();
  if (!response.ok) throw new Error(refusal(content) ?? say("answer {status}", { status: response.status }));
  return content;
}

function refusal(content: unknown): string | undefined {
  const error = (content as { error?: unknown } | null)?.error;
  return typeof error === "string" ? error : undefined;
}
