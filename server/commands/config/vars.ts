import type { App } from "../../model/app.ts";
import type { CommandContext } from "../command.ts";

export const mergedFlag = { kind: "switch", summary: "with the global ones: what processes get" } as const;

/** Config vars of an app, or the global ones with null; sorted by name. */
export function varsOf(
  { state }: CommandContext,
  app: App | null,
  merged: boolean,
): ReadonlyMap<string, string> {
  if (app === null || !merged) return state.configVars.get(app?.id ?? null);
  return new Map([...state.configVars.merged(app.id)].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
