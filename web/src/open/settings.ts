// The choices and sliders of a plan; ranges, steps and defaults are the planner's.
import type { Endpoints } from "../api";
import { byId, element, keepUnits } from "../page/dom";

type Settings = Endpoints["/api/settings"]["answer"];
type NumberSetting = Settings["numbers"][number];
type Choice = Settings["choices"][number];

const PLACES: Record<NumberSetting["group"] | Choice["group"], string> = {
  surgeon: "surgeon",
  main: "choices",
  margin: "margins",
  more: "more",
};

export class SettingsForm {
  private settings: Settings = { choices: [], numbers: [] };
  private chosen = new Map<string, number | string>();
  private readonly rows = new Map<string, HTMLElement>();

  constructor(private readonly changed: () => void) {}

  show(settings: Settings): void {
    this.settings = settings;
    this.chosen = new Map([...settings.choices, ...settings.numbers].map(({ key, value }) => [key, value]));
    this.rows.clear();
    for (const place of Object.values(PLACES)) byId(place).replaceChildren();
    for (const one of settings.choices) byId(PLACES[one.group]).append(this.choice(one));
    for (const one of settings.numbers) byId(PLACES[one.group]).append(this.number(one));
    this.markChanged();
  }

  /** What differs from the defaults: those follow from one another, as a target from an instrument. */
  get values(): Record<string, number | string> {
    const all: readonly (Choice | NumberSetting)[] = [...this.settings.choices, ...this.settings.numbers];
    return Object.fromEntries(
      all.flatMap(({ key, default: usual }) => {
        const value = this.chosen.get(key);
        return value === undefined || value === usual ? [] : [[key, value]];
      }),
    );
  }

  set(key: string, value: number | string): void {
    this.chosen.set(key, value);
    for (const field of this.fields(key)) field.value = String(value);
    this.markChanged();
    this.changed();
  }

  reset(): void {
    for (const { key, default: usual } of [...this.settings.choices, ...this.settings.numbers]) this.set(key, usual);
  }

  /** Marks the settings that would have to be relaxed, and shows them. */
  blame(keys: string[]): void {
    for (const [key, row] of this.rows) {
      const blamed = keys.includes(key);
      row.classList.toggle("blamed", blamed);
      const folded = blamed ? row.closest("details") : null;
      if (folded) folded.open = true;
    }
  }

  private fields(key: string): (HTMLInputElement | HTMLSelectElement)[] {
    return [...(this.rows.get(key)?.querySelectorAll<HTMLInputElement | HTMLSelectElement>("input, select") ?? [])];
  }

  private markChanged(): void {
    for (const { key, default: usual } of [...this.settings.choices, ...this.settings.numbers]) {
      this.rows.get(key)?.classList.toggle("changed", this.chosen.get(key) !== usual);
    }
  }

  private row(key: string, label: string): HTMLElement {
    const row = element("div", undefined, { class: "setting" });
    row.append(element("label", keepUnits(label), { for: `set-${key}` }));
    this.rows.set(key, row);
    return row;
  }

  private choice({ key, label, value, options }: Choice): HTMLElement {
    const row = this.row(key, label);
    const field = element("select", undefined, { id: `set-${key}` });
    field.append(...options.map((one) => element("option", one.label, { value: one.value })));
    field.value = value;
    field.onchange = () => this.set(key, field.value);
    row.append(field);
    return row;
  }

  private number({ key, label, unit, low, high, step, value }: NumberSetting): HTMLElement {
    const row = this.row(key, label);
    const range = { min: low, max: high, step };
    // The slider has the same value as the field beside it, and is not told twice.
    const slider = element("input", undefined, { type: "range", ...range, "aria-label": label });
    const field = element("input", undefined, { type: "number", ...range, step: "any", id: `set-${key}` });
    slider.value = field.value = String(value);
    slider.oninput = () => this.set(key, Number(slider.value));
    field.onchange = () => {
      const typed = Number(field.value);
      const accepted = field.value.trim() !== "" && typed >= low && typed <= high;
      this.set(key, accepted ? typed : (this.chosen.get(key) ?? value));
    };
    row.append(slider, field, element("span", unit));
    return row;
  }
}
