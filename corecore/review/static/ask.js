// What is asked of the planner, and in which order. Nothing here draws.

// The token comes in the address's fragment, which no server sees, and is kept for this tab only.
const token = location.hash.slice(1) || sessionStorage.getItem("token") || "";
sessionStorage.setItem("token", token);
if (location.hash) history.replaceState(null, "", location.pathname);

export async function ask(path, body = {}) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error ?? `answer ${answer.status}`);
  return content;
}

// One wish under way, the others behind it in order. Of wishes that follow one another as a hand moves or a key
// repeats only the newest is kept; letting go takes the place of the drag that it ends.
export class Wishes {
  constructor(meet) {
    this.meet = meet;
    this.behind = [];
    this.busy = false;
  }

  // kind: "drag", "drop", "nudge" or "step".
  async make(wish) {
    const last = this.behind.at(-1);
    const same = last && last.kind === wish.kind && ["drag", "nudge"].includes(wish.kind);
    if (same || (last?.kind === "drag" && wish.kind === "drop")) this.behind.pop();
    this.behind.push(wish);
    if (this.busy) return;
    this.busy = true;
    while (this.behind.length) await this.meet(this.behind.shift());
    this.busy = false;
  }

  get waiting() {
    return this.behind.length > 0;
  }

  // What was wished before something was refused was wished of another state.
  forget() {
    this.behind.length = 0;
  }
}
