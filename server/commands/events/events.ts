import { visibleApps } from "../access.ts";
import { defineCommand } from "../command.ts";
import { optionalApp } from "../input.ts";

/** How far back the events of a key of role deploy are looked for among all. */
const searched = 10_000;

export const events = defineCommand({
  name: "events",
  summary: "Show what happened lately, oldest first",
  role: "deploy",
  effect: "read",
  args: { app: optionalApp },
  flags: { num: { kind: "number", short: "n", label: "events", summary: "how many, 100 if not given" } },
  examples: ["events", "events blog -n 20"],
  run(ctx, input) {
    const count = Math.min(input.num ?? 100, searched);
    const { state, actor } = ctx;
    if (input.app !== null) return state.events.list(input.app.name, count).toReversed();
    if (actor.role === "admin") return state.events.list(null, count).toReversed();
    const visible = new Set(visibleApps(state, actor).map((app) => app.name));
    const seen = state.events.list(null, searched).filter(({ app }) => app !== null && visible.has(app));
    return seen.slice(0, count).toReversed();
  },
  text: (list) =>
    list.map(({ at, actor, kind, app, message }) =>
      [new Date(at).toISOString(), actor, kind, app ?? "-", message].join("  "),
    ),
});
