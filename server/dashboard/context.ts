import type { Request, RequestHandler, Response } from "express";
import { requireApp } from "../commands/access.ts";
import type { Operations } from "../deploy/operations.ts";
import type { App } from "../model/app.ts";
import { UserError } from "../model/error.ts";
import type { Actor } from "../model/key.ts";
import type { State } from "../state/state.ts";
import type { AppActions } from "./app-actions.ts";
import type { SignIn } from "./sign-in.ts";
import type { Views } from "./views.ts";

export interface DashboardSettings {
  /** Slipway's own version. */
  readonly version: string;
  /** Port of the SSH door, for the commands that pages tell. */
  readonly sshPort: number;
}

/** What every route works with. */
export interface Context {
  readonly state: State;
  readonly operations: Operations;
  readonly settings: DashboardSettings;
  readonly views: Views;
  readonly signIn: SignIn;
  readonly actions: AppActions;
}

/** What the layout shows around a page. */
export interface Frame {
  readonly title: string;
  readonly version: string;
  readonly actor: string | null;
  /** Path of the event stream that keeps the page true; null for a page that does not change. */
  readonly live: string | null;
  /** The page loads itself again where scripts are off. */
  readonly refresh: boolean;
}

type FrameOptions = Pick<Frame, "title"> & Partial<Pick<Frame, "live" | "refresh">>;

export function frame({ settings }: Context, actor: Actor | null, options: FrameOptions): Frame {
  const { title, live = null, refresh = false } = options;
  return {
    title: `${title} · Slipway`,
    version: settings.version,
    actor: actor?.name ?? null,
    live,
    refresh,
  };
}

/** Runs `handler` for a signed-in browser; any other is told how to sign in. */
export function signedIn(
  context: Context,
  handler: (request: Request, response: Response, actor: Actor) => void | Promise<void>,
): RequestHandler {
  return (request, response) => {
    const actor = context.signIn.actorOf(request);
    if (actor !== null) return handler(request, response, actor);
    response.status(401).send(
      context.views.page("signed-out", {
        frame: frame(context, null, { title: "Sign in" }),
        command: `${sshCommand(context, request)} dashboard:login`,
      }),
    );
  };
}

/** Runs `handler` for the app that the address names, if the actor may use it; else the answer is 404. */
export function forApp(
  context: Context,
  handler: (request: Request, response: Response, actor: Actor, app: App) => void | Promise<void>,
): RequestHandler {
  return signedIn(context, (request, response, actor) =>
    handler(request, response, actor, requireApp(context.state, actor, String(request.params["name"]))),
  );
}

/** The app as it is now, or null when it, the session or the right to it is gone: for answers that last. */
export function stillThere(context: Context, request: Request, appName: string): App | null {
  const actor = context.signIn.actorOf(request);
  if (actor === null) return null;
  try {
    return requireApp(context.state, actor, appName);
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

/** The SSH door is on the machine that the browser talks to. */
export function sshCommand({ settings }: Context, request: Request): string {
  const port = settings.sshPort === 22 ? "" : `-p ${settings.sshPort} `;
  return `ssh ${port}slipway@${hostOf(request).replace(/^\[|\]$/g, "")}`;
}

/** The two lines that push a project for the first time. */
export function firstPush({ settings }: Context, request: Request, appName: string): string {
  const port = settings.sshPort === 22 ? "" : `:${settings.sshPort}`;
  const remote = `ssh://slipway@${hostOf(request)}${port}/${appName}`;
  return `git remote add slipway ${remote}\ngit push slipway main`;
}

function hostOf(request: Request): string {
  return request.hostname ?? "localhost";
}
