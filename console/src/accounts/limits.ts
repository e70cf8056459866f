/** Limits are texts on the wire: `5 USD/day`, `20 responses/minute`, `3 sessions`. */

export type Unit = "USD" | "tokens" | "minutes" | "responses" | "sessions";
export type Per = "day" | "month" | "session" | "total" | "minute";

export interface LimitForm {
  readonly amount: string;
  readonly unit: Unit;
  readonly per: Per;
}

const money: readonly Per[] = ["day", "month", "session", "total"];

/** What each unit may be counted in; sessions are those live at once. */
export const periods: Readonly<Record<Unit, readonly Per[]>> = {
  USD: money,
  tokens: money,
  minutes: money,
  responses: ["minute"],
  sessions: ["total"],
};

export const units = Object.keys(periods) as readonly Unit[];
export const blankLimit: LimitForm = { amount: "", unit: "USD", per: "day" };

/** *form* with *unit*, and a period that goes with it. */
export function withUnit(form: LimitForm, unit: Unit): LimitForm {
  const allowed = periods[unit];
  return { ...form, unit, per: allowed.includes(form.per) ? form.per : (allowed[0] ?? "total") };
}

/** null: the amount is none. A comma is taken for the decimal point, as it is typed in Portuguese. */
export function limitText({ amount, unit, per }: LimitForm): string | null {
  const number = amount.trim().replace(",", ".");
  const whole = unit !== "USD" && unit !== "minutes";
  if (!(whole ? /^\d{1,18}$/ : /^\d{1,18}(\.\d{1,9})?$/).test(number)) return null;
  return `${number} ${unit}${per === "total" ? "" : `/${per}`}`;
}

export interface LimitParts {
  readonly amount: number;
  readonly unit: Unit;
  readonly per: Per;
}

/** null: a limit that this page does not know; it is then shown as it is. */
export function limitParts(text: string): LimitParts | null {
  const found = /^([\d.]+) (\w+)(?:\/(\w+))?$/.exec(text);
  const unit = units.find((one) => one === found?.[2]);
  if (!found || !unit) return null;
  const per = periods[unit].find((one) => one === (found[3] ?? "total"));
  return per ? { amount: Number(found[1]), unit, per } : null;
}

export interface Used {
  readonly used: number;
  /** 0 to 1. */
  readonly share: number;
}

/** From `3.20 of 5 USD/day`; null: not told, or told in another way. */
export function usedOf(text: string | null): Used | null {
  const found = /^([\d.]+) of ([\d.]+) /.exec(text ?? "");
  if (!found) return null;
  const used = Number(found[1]);
  const of = Number(found[2]);
  if (Number.isNaN(used) || Number.isNaN(of)) return null;
  return { used, share: of > 0 ? Math.min(1, used / of) : 1 };
}
