// Requests to the planner on this machine.
import type { Endpoints } from "../api";
import { say } from "../language";

/** The token from the address's fragment, which no server sees; kept for this tab only, and taken off the address. */
export function takeToken(): string {
  const token = location.hash.slice(1) || sessionStorage.getItem("token") || "";
  sessionStorage.setItem("token", token);
  if (location.hash) history.replaceState(null, "", location.pathname);
  return token;
}

export class Client {
  constructor(private readonly token: string) {}

  /** The planner's answer. Throws with its words where it refuses; `last`: asked as the page is closed. */
  async request<P extends keyof Endpoints>(
    path: P,
    body: Endpoints[P]["body"],
    { last = false } = {},
  ): Promise<Endpoints[P]["answer"]> {
    const response = await fetch(path, {
      method: "POST",
      headers: { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
      keepalive: last,
    });
    const content: unknown = await response.json();
    if (!response.ok) throw new Error(refusal(content) ?? say("answer {status}", { status: response.status }));
    return content as Endpoints[P]["answer"];
  }
}

function refusal(content: unknown): string | undefined {
  const error = (content as { error?: unknown } | null)?.error;
  return typeof error === "string" ? error : undefined;
}
