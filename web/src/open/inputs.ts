// What a case holds, with the role of each: guessed by the planner, corrected by hand.
import type { Endpoints } from "../api";
import type { Client } from "../page/client";
import { button, buttonById, byId, element, inputById, picture } from "../page/dom";
import { later, say } from "../language";
import { complain } from "./page";

type Contents = Endpoints["/api/contents"]["answer"];
type Item = Contents["items"][number];
type Role = NonNullable<Item["role"]>;

/** What an item of a kind may be. */
const ROLES: Record<Item["kind"], readonly [Role, string][]> = {
  mask: [
    ["femur", later("femur")],
    ["lesion", later("necrosis")],
    ["pelvis", later("pelvis")],
  ],
  image: [
    ["image", later("CT or MR of this hip")],
    ["lesion_image", later("MR that the necrosis was drawn on (is registered)")],
  ],
  plan: [],
};

interface Events {
  changed(): void;
  check(roles: Contents["roles"], side: Contents["side"]): void;
}

export class InputsPanel {
  private contents: Contents | null = null;
  private roles: Contents["roles"] = {};

  constructor(
    private readonly client: Client,
    private readonly events: Events,
  ) {
    byId("side").onchange = () => this.events.changed();
    buttonById("check").onclick = () => this.events.check(this.roles, this.side);
  }

  show(contents: Contents): void {
    this.contents = contents;
    this.roles = { ...contents.roles };
    inputById("case-label").value = contents.label;
    byId("case-folder").textContent = say("read from {place}", { place: contents.folder });
    byId("side", HTMLSelectElement).value = contents.side;
    byId("remarks").replaceChildren(...contents.remarks.map((words) => element("li", words)));
    byId("items").replaceChildren(...contents.items.map((item, number) => this.row(item, number)));
    byId("others").textContent =
      contents.others > 0 ? say("files that no plan needs: {count}", { count: contents.others }) : "";
    byId("plans-of-case").hidden = contents.plans.length === 0;
    byId("plans").replaceChildren(
      ...contents.plans.map(({ plan, words }) => {
        const row = element("li");
        row.append(button(`${plan}: ${words}`, () => void this.review({ plan })));
        return row;
      }),
    );
    this.showRoles();
  }

  /** The middle slice of each item, one after the other: reading a series takes a second. */
  showPictures(): void {
    void this.drawPictures().catch(complain);
  }

  async rename(label: string): Promise<void> {
    if (this.contents) await this.client.request("/api/rename", { case: this.contents.case, label });
  }

  private get side(): Contents["side"] {
    return byId("side", HTMLSelectElement).value as Contents["side"];
  }

  private async drawPictures(): Promise<void> {
    const shown = this.contents;
    if (!shown) return;
    for (const [number, item] of shown.items.entries()) {
      if (item.kind === "plan" || item.problem) continue;
      const { png, words } = await this.client.request("/api/picture", { case: shown.case, item: number });
      // Another case may be on the page by now.
      if (this.contents !== shown) return;
      const place = byId("items").querySelector(`[data-item="${number}"] .picture`);
      place?.replaceChildren(png === null ? words : picture(png, say("middle slice of {name}", { name: item.name })));
    }
    document.body.dataset.pictures = shown.case;
  }

  private row(item: Item, number: number): HTMLElement {
    const row = element("div", undefined, { class: "item", role: "listitem", "data-item": number });
    const told = element("div");
    told.append(element("p", item.name, { class: "name" }), element("p", item.words, { class: "hint" }));
    if (item.problem) told.append(element("p", item.problem, { class: "problem" }));
    if (item.kind === "plan") {
      told.append(button(say("review this plan"), () => void this.review({ item: number })));
    } else if (!item.problem) {
      const choice = element("select", undefined, { "aria-label": say("role of {name}", { name: item.name }) });
      choice.append(element("option", say("not used"), { value: "" }));
      for (const [role, name] of ROLES[item.kind]) choice.append(element("option", say(name), { value: role }));
      choice.onchange = () => this.choose(number, choice.value);
      told.append(choice);
    }
    const kinds = { image: say("image"), mask: say("mask"), plan: say("plan") };
    row.append(element("div", kinds[item.kind], { class: "picture" }), told);
    return row;
  }

  /** One item a role: the one that had it before has none. */
  private choose(number: number, chosen: string): void {
    for (const role of Object.keys(this.roles) as Role[]) if (this.roles[role] === number) delete this.roles[role];
    if (chosen) this.roles[chosen as Role] = number;
    this.showRoles();
    this.events.changed();
  }

  private showRoles(): void {
    const held = new Map(Object.entries(this.roles).map(([role, number]) => [number, role]));
    for (const row of byId("items").querySelectorAll<HTMLElement>(".item")) {
      const choice = row.querySelector("select");
      if (choice) choice.value = held.get(Number(row.dataset.item)) ?? "";
    }
  }

  private async review(which: { plan: string } | { item: number }): Promise<void> {
    if (!this.contents) return;
    try {
      const asked = { case: this.contents.case, ...which };
      openReview((await this.client.request("/api/open-plan", asked)).key, this.contents.case);
    } catch (error) {
      complain(error);
    }
  }
}

/** To the review of an open plan, in this window. */
export function openReview(key: string, name: string): void {
  location.assign(`/review?plan=${encodeURIComponent(key)}&case=${encodeURIComponent(name)}`);
}
