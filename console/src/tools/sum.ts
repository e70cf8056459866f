import type { Tool } from "../realtime/types";
import { at } from "../ui/json";

export const calculateSum: Tool = {
  name: "calculate_sum",
  description: "Add numbers exactly. Use it for any sum, however easy.",
  parameters: {
    type: "object",
    properties: {
      numbers: { type: "array", items: { type: "number" }, description: "The numbers to add." },
    },
    required: ["numbers"],
  },
  run: (args) => Promise.resolve({ sum: sumOf(at(args, "numbers")) }),
};

/** The sum as a person would write it: 0.1 + 0.2 is 0.3, so the terms are added as whole numbers. */
export function sumOf(raw: unknown): number {
  if (!Array.isArray(raw) || raw.length === 0) throw new Error("numbers must be a list of numbers");
  const terms: readonly number[] = raw.map(Number);
  if (!terms.every(Number.isFinite)) throw new Error("every one of numbers must be a number");
  const decimals = Math.min(12, Math.max(...terms.map(decimalsOf)));
  return Number(terms.reduce((total, each) => total + each, 0).toFixed(decimals));
}

function decimalsOf(value: number): number {
  const [mantissa = "", exponent = "0"] = value.toString().split("e");
  return Math.max(0, (mantissa.split(".")[1]?.length ?? 0) - Number(exponent));
}
