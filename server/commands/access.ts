import { checkAppName, type App } from "../model/app.ts";
import { appNotFound, UserError } from "../model/error.ts";
import type { Actor } from "../model/key.ts";
import type { State } from "../state/state.ts";
import type { Declaration } from "./command.ts";
import type { RawInput } from "./input.ts";

/** Whether `actor` may see and change an app: an administrator any, others those that were granted to them. */
function mayUse(state: State, actor: Actor, app: App): boolean {
  return actor.role === "admin" || state.keys.grantedApps(actor.id).has(app.name);
}

export function visibleApps(state: State, actor: Actor): App[] {
  return state.apps.list().filter((app) => mayUse(state, actor, app));
}

/** An app without the right to it answers as if it did not exist. Throws a UserError. */
export function requireApp(state: State, actor: Actor, name: string): App {
  checkAppName(name);
  const app = state.apps.find(name);
  if (app === null || !mayUse(state, actor, app)) throw appNotFound(name);
  return app;
}

/** For what makes the app when there is none: null while the name is free. Throws when it is another's app. */
export function requireAppOrFreeName(state: State, actor: Actor, name: string): App | null {
  checkAppName(name);
  const app = state.apps.find(name);
  if (app !== null && !mayUse(state, actor, app)) throw accessDenied();
  return app;
}

export function requireAdmin(actor: Actor): void {
  if (actor.role !== "admin") throw accessDenied();
}

export function accessDenied(): UserError {
  return new UserError("Access denied");
}

/**
 * The only place that decides whether a command may run: checks the role, and turns the names of apps into apps that
 * the actor may use. Returns the input for `run`. Throws a UserError.
 */
export function authorise(
  command: Declaration,
  raw: RawInput,
  actor: Actor,
  state: State,
): Record<string, unknown> {
  if (command.role === "admin") requireAdmin(actor);
  const input: Record<string, unknown> = { ...raw };
  for (const [name, argument] of Object.entries(command.args)) {
    const given = raw[name];
    if (argument.kind === "app") input[name] = requireApp(state, actor, String(given));
    if (argument.kind !== "optional-app") continue;
    if (typeof given === "string") input[name] = requireApp(state, actor, given);
    else if (argument.unless === "global") requireAdmin(actor);
  }
  return input;
}
