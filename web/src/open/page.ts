// The planning page: where a case begins, and its panels. What is found, checked and planned comes from the planner.
import type { Endpoints } from "../api";
import type { Client } from "../page/client";
import { buttonById, byId, inputById, messageOf } from "../page/dom";
import { say } from "../language";
import { CheckPanel } from "./check";
import { InputsPanel } from "./inputs";
import { PlanPanel } from "./plan";
import { Welcome } from "./welcome";

type Contents = Endpoints["/api/contents"]["answer"];

/** Tells what went wrong; no words take the last problem away. */
export function showProblem(words: string): void {
  byId("problem").textContent = words;
  byId("problem").hidden = !words;
}

export const complain = (error: unknown): void => showProblem(messageOf(error));

export class PlanningPage {
  private readonly welcome: Welcome;
  private readonly inputs: InputsPanel;
  private readonly check: CheckPanel;
  private readonly plan: PlanPanel;

  constructor(private readonly client: Client) {
    this.welcome = new Welcome(client, (name) => this.go(name));
    this.inputs = new InputsPanel(client, {
      changed: () => {
        this.check.forget();
        this.plan.setReady(false);
      },
      check: (roles, side) => void this.runCheck(roles, side),
    });
    this.check = new CheckPanel(client);
    this.plan = new PlanPanel(client);
    buttonById("to-cases").onclick = () => this.go(null);
    buttonById("end").onclick = () => void this.end();
    inputById("case-label").onchange = () => void this.inputs.rename(inputById("case-label").value).catch(complain);
    addEventListener("popstate", () => void this.show());
  }

  open(): Promise<void> {
    return this.show();
  }

  private get asked(): string | null {
    return new URLSearchParams(location.search).get("case");
  }

  /** To a case, or to the list of them; the address says where one is, so that back and reload work. */
  private go(name: string | null): void {
    history.pushState(null, "", name === null ? "/" : `/?case=${encodeURIComponent(name)}`);
    void this.show();
  }

  private async show(): Promise<void> {
    const name = this.asked;
    showProblem("");
    byId("welcome").hidden = name !== null;
    byId("case").hidden = name === null;
    buttonById("to-cases").hidden = name === null;
    this.plan.leave();
    try {
      if (name === null) {
        byId("where").textContent = "";
        document.title = "corecore";
        await this.welcome.show();
      } else {
        this.check.forget();
        byId("where").textContent = say("reading the files …");
        const contents = await this.client.request("/api/contents", { case: name });
        this.showCase(contents);
        await this.plan.show(name);
        // The hip is still held ready: as after the review of its plan.
        if (contents.checked) await this.runCheck(contents.roles, contents.side);
        this.inputs.showPictures();
      }
      document.body.dataset.ready = name ?? "cases";
    } catch (error) {
      byId("where").textContent = name ?? "";
      complain(error);
    }
  }

  private showCase(contents: Contents): void {
    const title = contents.label || contents.case;
    byId("where").textContent = title;
    document.title = `corecore: ${title}`;
    this.inputs.show(contents);
  }

  private async runCheck(roles: Contents["roles"], side: Contents["side"]): Promise<void> {
    const name = this.asked;
    if (name === null) return;
    showProblem("");
    this.plan.setReady(false);
    const good = await this.check.run(name, roles, side);
    if (this.asked === name) this.plan.setReady(good);
  }

  private async end(): Promise<void> {
    try {
      await this.client.request("/api/end", {});
    } catch (error) {
      complain(error);
      return;
    }
    document.body.replaceChildren(say("corecore has ended. This window can be closed."));
  }
}
