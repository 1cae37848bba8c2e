// What is asked of the plan, the plan under way, and what it came to.
import type { Endpoints } from "../api";
import type { Client } from "../page/client";
import { button, buttonById, byId, element, headerRow, tableRow } from "../page/dom";
import { say } from "../language";
import { curve } from "./curve";
import { openReview } from "./inputs";
import { complain, showProblem } from "./page";
import { SettingsForm } from "./settings";

type Job = Endpoints["/api/job"]["answer"];
type Result = NonNullable<Job["result"]>;

/** So often the planner is asked how far it is (engineering choice). */
const ASK_MS = 500;

export class PlanPanel {
  private name: string | null = null;
  private ready = false;
  private job: Job | null = null;
  private timer = 0;
  /** Whether a setting has changed since the plan was asked for. */
  private touched = false;
  private readonly form = new SettingsForm(() => {
    this.touched = true;
    this.markOld();
  });

  constructor(private readonly client: Client) {
    buttonById("make").onclick = () => void this.make();
    buttonById("cancel").onclick = () => void this.cancel();
    buttonById("keep").onclick = () => void this.keep();
    buttonById("defaults").onclick = () => this.form.reset();
  }

  /** The settings of a case, and what it last came to. */
  async show(name: string): Promise<void> {
    this.name = name;
    this.form.show(await this.client.request("/api/settings", { case: name }));
    this.showJob(await this.client.request("/api/job", { case: name }));
  }

  /** Another case, or none, is on the page. */
  leave(): void {
    this.name = this.job = null;
    this.touched = false;
    clearTimeout(this.timer);
    this.setReady(false);
    this.clear();
  }

  /** Whether the inputs were checked. */
  setReady(ready: boolean): void {
    this.ready = ready;
    buttonById("make").disabled = !ready;
    // What is there may be of other inputs: the planner knows.
    if (!ready) this.markOld();
    else void this.ask();
  }

  private clear(): void {
    byId("result").hidden = byId("why").hidden = byId("share").hidden = buttonById("cancel").hidden = true;
    byId("job").textContent = "";
    document.body.classList.remove("old");
  }

  /** What is shown is of other settings, or of other inputs. */
  private markOld(): void {
    document.body.classList.add("old");
    buttonById("keep").disabled = true;
  }

  private async make(): Promise<void> {
    if (this.name === null || !this.ready) return;
    showProblem("");
    this.form.blame([]);
    this.touched = false;
    try {
      this.showJob(await this.client.request("/api/plan", { case: this.name, values: this.form.values }));
    } catch (error) {
      complain(error);
    }
  }

  private async cancel(): Promise<void> {
    if (this.name === null || !this.job) return;
    try {
      this.showJob(await this.client.request("/api/cancel", { case: this.name, number: this.job.number }));
    } catch (error) {
      complain(error);
    }
  }

  private async keep(): Promise<void> {
    if (this.name === null || !this.job) return;
    buttonById("keep").disabled = true;
    byId("job").textContent = say("writing the plan, and opening its review …");
    try {
      const { key } = await this.client.request("/api/keep", { case: this.name, number: this.job.number });
      openReview(key, this.name);
    } catch (error) {
      byId("job").textContent = "";
      buttonById("keep").disabled = false;
      complain(error);
    }
  }

  private async ask(): Promise<void> {
    const { name } = this;
    if (name === null) return;
    try {
      const job = await this.client.request("/api/job", { case: name });
      if (this.name === name) this.showJob(job);
    } catch (error) {
      complain(error);
    }
  }

  private showJob(job: Job): void {
    const came = this.job?.number === job.number && this.job.state === "running";
    this.job = job;
    clearTimeout(this.timer);
    const running = job.state === "running";
    document.body.dataset.job = job.state;
    byId("job").textContent = job.words;
    byId("job").className = job.state === "failed" ? "bad" : "";
    buttonById("cancel").hidden = byId("share").hidden = !running;
    const bar = byId("share", HTMLProgressElement);
    if (job.share === null) bar.removeAttribute("value");
    else bar.value = job.share;
    if (running) {
      this.markOld();
      this.timer = setTimeout(() => void this.ask(), ASK_MS);
    }
    if (job.result && !this.touched) this.showResult(job.result);
    // Below the settings on a narrow page.
    const place = byId(job.result?.why ? "why" : "result");
    const below = place.getBoundingClientRect().top > 0.6 * innerHeight;
    if (came && job.state === "done" && (below || job.result?.why)) place.scrollIntoView({ block: "start" });
    if (job.state === "none") this.clear();
  }

  private showResult(result: Result): void {
    const { tunnels, columns, why, ways, warnings } = result;
    const { status, limits } = result.judged;
    document.body.classList.remove("old");
    byId("result").hidden = false;
    buttonById("keep").hidden = tunnels.length === 0;
    buttonById("keep").disabled = false;
    byId("sentence").textContent = `${status.mark} ${status.word}. ${status.sentence}`;
    byId("sentence").dataset.color = status.color;
    byId("lines").replaceChildren(...status.lines.map((words) => element("p", words)));
    byId("found").replaceChildren(
      ...(tunnels.length > 0 ? [headerRow(columns), ...tunnels.map((cells) => tableRow(cells))] : []),
    );
    byId("limits").replaceChildren(
      ...limits.map(({ what, value, limit, mark, verdict, tone }) =>
        tableRow([what, value, limit, `${mark} ${verdict}`], tone),
      ),
    );
    byId("plan-warnings").replaceChildren(...warnings.map((words) => element("li", words)));
    this.showWhy(why, ways);
    byId("trade").hidden = result.curve.length < 2;
    byId("curve").replaceChildren(...(result.curve.length < 2 ? [] : [curve(result.curve)]));
    byId("points").replaceChildren(
      ...result.curve.map(({ words, chosen }) =>
        element("li", chosen ? say("{point} (this plan)", { point: words }) : words),
      ),
    );
  }

  /** Why there is no tunnel, where the settings are, with what would give one. */
  private showWhy(why: string, ways: Result["ways"]): void {
    byId("why").hidden = !why;
    this.form.blame(ways.flatMap(({ key }) => (key === null ? [] : [key])));
    if (!why) return;
    const list = element("ul");
    for (const { words, key, value } of ways) {
      const row = element("li", `${words} `);
      if (key !== null && value !== null) row.append(button(say("set it so"), () => this.form.set(key, value)));
      list.append(row);
    }
    byId("why").replaceChildren(element("p", why), list);
  }
}
