import type { Tool } from "../realtime/types";
import { at } from "../ui/json";

export const calculateSum: Tool = {
  name: "calculate_sum",
  description: "Add two numbers.",
  parameters: {
    type: "object",
    properties: { a: { type: "number" }, b: { type: "number" } },
    required: ["a", "b"],
  },
  run: (args) => Promise.resolve({ sum: sumOf([at(args, "a"), at(args, "b")]) }),
};

/** The sum as a person would write it: 0.1 + 0.2 is 0.3, so the terms are added as whole numbers. */
export function sumOf(raw: readonly unknown[]): number {
  const terms: readonly number[] = raw.map(Number);
  if (!terms.every(Number.isFinite)) throw new Error("a and b must be numbers");
  const decimals = Math.min(12, Math.max(...terms.map(decimalsOf)));
  return Number(terms.reduce((total, each) => total + each, 0).toFixed(decimals));
}

function decimalsOf(value: number): number {
  const [mantissa = "", exponent = "0"] = value.toString().split("e");
  return Math.max(0, (mantissa.split(".")[1]?.length ?? 0) - Number(exponent));
}
