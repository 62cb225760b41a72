import express, { type Router } from "express";
import type { Operations } from "../deploy/operations.ts";
import type { State } from "../state/state.ts";
import { AppActions } from "./app-actions.ts";
import { addAppRoutes } from "./app-routes.ts";
import { frame, type Context, type DashboardSettings } from "./context.ts";
import { addReleaseRoutes } from "./release-routes.ts";
import { addSignInRoutes } from "./sign-in-routes.ts";
import { isOwnOrigin, SignIn } from "./sign-in.ts";
import { loadViews } from "./views.ts";

export interface DashboardOptions {
  readonly state: State;
  readonly operations: Operations;
  readonly settings: DashboardSettings;
  /** Folder of layouts/, partials/ and pages/. */
  readonly viewsDir: string;
  /** Folder of what browsers load: style sheet, scripts, icon. */
  readonly publicDir: string;
}

export interface Dashboard {
  readonly router: Router;
  /** The page of an answer that is not a success. */
  readonly errorPage: (problem: { readonly status: number; readonly message: string }) => string;
}

export function createDashboard(options: DashboardOptions): Dashboard {
  const { state, operations, settings, viewsDir, publicDir } = options;
  const context: Context = {
    state,
    operations,
    settings,
    views: loadViews(viewsDir),
    signIn: new SignIn(state),
    actions: new AppActions(operations),
  };
  const errorPage: Dashboard["errorPage"] = (problem) =>
    context.views.page("problem", {
      frame: frame(context, null, { title: `Error ${problem.status}` }),
      ...problem,
    });

  const router = express.Router();
  router.use(
    "/public",
    express.static(publicDir, { index: false, cacheControl: false, setHeaders: mayKeep }),
  );
  router.use((request, response, next) => {
    const changes = request.method !== "GET" && request.method !== "HEAD";
    if (!changes || isOwnOrigin(request)) return next();
    const message = "This form was not sent from this dashboard: open the page again and retry";
    response.status(403).send(errorPage({ status: 403, message }));
  });
  addSignInRoutes(router, context);
  addAppRoutes(router, context);
  addReleaseRoutes(router, context);
  return { router, errorPage };
}

/** Browsers may keep files, but ask each time whether they are still the same. */
function mayKeep(response: { setHeader(name: string, value: string): unknown }): void {
  response.setHeader("Cache-Control", "no-cache");
}
