// Whether the inputs belong together: in words, figures and three planes through the necrosis.
import type { Endpoints } from "../api";
import type { Client } from "../page/client";
import { buttonById, byId, element, picture, tableRow } from "../page/dom";
import { say } from "../language";
import { complain } from "./page";
import { Planes } from "./planes";

type Asked = Endpoints["/api/check"]["body"];
type Checked = Endpoints["/api/check"]["answer"];

export class CheckPanel {
  private asked = 0;
  private readonly planes: Planes;

  constructor(private readonly client: Client) {
    this.planes = new Planes(client);
    this.forget();
  }

  /** Of other inputs nothing is known yet. */
  forget(): void {
    this.asked += 1;
    this.tell(say("Not checked yet: choose the inputs, then press check."), "");
    this.showFound({ problem: null, hip: "", rows: [], warnings: [], pictures: [] });
    this.planes.close();
  }

  /** Whether they do. */
  async run(name: string, roles: Asked["roles"], side: Asked["side"]): Promise<boolean> {
    this.forget();
    const own = this.asked;
    this.tell(say("Reading the masks and fitting the anatomy …"), "");
    buttonById("check").disabled = true;
    try {
      const found = await this.client.request("/api/check", { case: name, roles, side });
      if (own !== this.asked) return false;
      this.showFound(found);
      if (found.problem === null) this.tell(say("✓ {hip}: the inputs belong together.", { hip: found.hip }), "good");
      else this.tell(`✗ ${found.problem}`, "bad");
      if (found.problem === null) void this.openPlanes(name);
      return found.problem === null;
    } catch (error) {
      this.tell("", "");
      complain(error);
      return false;
    } finally {
      buttonById("check").disabled = false;
    }
  }

  /** The planes that the browser cuts take the place of the planner's pictures, where it can. */
  private async openPlanes(name: string): Promise<void> {
    const own = this.asked;
    try {
      const cuts = await this.planes.open(name);
      if (own === this.asked && cuts) byId("check-pictures").hidden = byId("legend").hidden = true;
    } catch (error) {
      complain(error);
    }
  }

  private tell(words: string, tone: string): void {
    byId("check-state").textContent = words;
    byId("check-state").className = tone;
  }

  private showFound({ rows, warnings, pictures }: Checked): void {
    byId("check-rows").replaceChildren(...rows.map((cells) => tableRow(cells)));
    byId("check-warnings").replaceChildren(...warnings.map((words) => element("li", words)));
    byId("legend").hidden = byId("check-pictures").hidden = pictures.length === 0;
    byId("check-pictures").replaceChildren(
      ...pictures.map(({ title, png }) => {
        const figure = element("figure");
        const alt = say("{plane} plane through the necrosis, with the outlines of the masks", { plane: title });
        figure.append(picture(png, alt), element("figcaption", title));
        return figure;
      }),
    );
  }
}
