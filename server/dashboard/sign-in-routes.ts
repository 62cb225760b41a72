import type { Router } from "express";
import { frame, sshCommand, type Context } from "./context.ts";

/** Signing in takes a POST: chat programs and mail scanners open links to preview them, and a link works once. */
export function addSignInRoutes(router: Router, context: Context): void {
  const { signIn, views } = context;

  router.get("/sign-in/:secret", (_request, response) => {
    response.send(views.page("sign-in", { frame: frame(context, null, { title: "Sign in" }) }));
  });

  router.post("/sign-in/:secret", (request, response) => {
    const result = signIn.redeem(request, response, request.params.secret);
    if (result === "ok") return response.redirect(303, "/apps");
    const model = {
      frame: frame(context, null, { title: "Link not valid" }),
      blocked: result === "blocked",
      command: `${sshCommand(context, request)} dashboard:login`,
    };
    response.status(result === "blocked" ? 429 : 410).send(views.page("link-refused", model));
  });

  router.post("/sign-out", (request, response) => {
    signIn.end(request, response);
    response.redirect(303, "/apps");
  });
}
