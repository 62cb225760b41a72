import type { Request, Router } from "express";
import type { App } from "../model/app.ts";
import type { Actor } from "../model/key.ts";
import type { ActionName } from "./app-actions.ts";
import { appPage } from "./app-page.ts";
import { appList } from "./apps-page.ts";
import { firstPush, forApp, frame, signedIn, stillThere, type Context } from "./context.ts";
import type { ServerEvent } from "./event-stream.ts";
import { answerLive, type RenderFragments } from "./live.ts";
import { linesSince, recentLines } from "./logs.ts";

const actionNames: readonly ActionName[] = ["restart", "stop", "start"];

/** The list of apps and the page of each, both kept true while they are open. */
export function addAppRoutes(router: Router, context: Context): void {
  const { state, operations, views, signIn, actions } = context;

  router.get("/", (_request, response) => response.redirect("/apps"));

  router.get(
    "/apps",
    signedIn(context, (request, response, actor) => {
      const list = listFor(request, actor);
      response.send(
        views.page("apps", { frame: frame(context, actor, { title: "Apps", live: "/live" }), ...list }),
      );
    }),
  );

  router.get(
    "/live",
    signedIn(context, (request, response) => {
      const render: RenderFragments = () => {
        const actor = signIn.actorOf(request);
        if (actor === null) return null;
        return { "app-list": views.partial("app-list", listFor(request, actor)) };
      };
      return answerLive(response, render);
    }),
  );

  router.get(
    "/apps/:name",
    forApp(context, async (request, response, actor, app) => {
      const lines = await recentLines(operations, app);
      const model = {
        ...pageOf(request, app),
        frame: frame(context, actor, { title: app.name, live: `/apps/${app.name}/live` }),
        lines,
        lastId: lines.at(-1)?.id ?? "",
      };
      response.send(views.page("app", model));
    }),
  );

  router.get(
    "/apps/:name/live",
    forApp(context, (request, response, _actor, app) => {
      const render: RenderFragments = () => {
        const current = stillThere(context, request, app.name);
        if (current === null) return null;
        const page = pageOf(request, current);
        const names = ["app-header", "app-news", "processes", "releases"];
        return Object.fromEntries(names.map((name) => [name, views.partial(name, page)]));
      };
      return answerLive(response, render, (signal) => logEvents(app, lastSeen(request), signal));
    }),
  );

  for (const action of actionNames) {
    router.post(
      `/apps/:name/${action}`,
      forApp(context, (_request, response, actor, app) => {
        actions.begin(app, action, actor);
        response.redirect(303, `/apps/${app.name}`);
      }),
    );
  }

  function listFor(request: Request, actor: Actor) {
    const list = appList(state, operations, actor, Date.now());
    return { firstPush: firstPush(context, request, "my-app"), ...list };
  }

  function pageOf(request: Request, app: App) {
    const page = appPage(state, operations, app, actions.noticeOf(app.id), Date.now());
    return { firstPush: firstPush(context, request, app.name), ...page };
  }

  async function* logEvents(app: App, after: string, signal: AbortSignal): AsyncGenerator<ServerEvent> {
    for await (const line of linesSince(operations, app, after, signal)) {
      yield { event: "line", id: line.id, data: views.partial("log-line", line) };
    }
  }
}

/** What the page has already: EventSource tells it when it reconnects by itself, the page's script at first. */
export function lastSeen(request: Request): string {
  const header = request.get("last-event-id");
  const { after } = request.query;
  return header ?? (typeof after === "string" ? after : "");
}
