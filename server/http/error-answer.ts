import { randomUUID } from "node:crypto";
import type { ErrorRequestHandler } from "express";
import { log } from "../lib/log.ts";
import { messageOf, UserError } from "../model/error.ts";

/** Makes the page for an answer that is not a success. */
export type ErrorPage = (problem: { readonly status: number; readonly message: string }) => string;

/** Exit status of appNotFound: Dokku's, for whatever is not there. */
const notFoundExit = 20;

/** Last middleware: a UserError's line is for the person, anything else is logged with an id that the page shows. */
export function errorAnswer(errorPage: ErrorPage): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const problem = describe(error, `${request.method} ${request.path}`);
    response.status(problem.status).type("html").send(errorPage(problem));
  };
}

function describe(error: unknown, where: string): { status: number; message: string } {
  if (error instanceof UserError)
    return { status: error.exitCode === notFoundExit ? 404 : 400, message: error.message };
  const status = clientErrorStatus(error);
  if (status !== null) return { status, message: "The request could not be understood" };
  const id = randomUUID().slice(0, 8);
  const detail = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  log("request failed", { id, where, error: detail });
  return {
    status: 500,
    message: `Slipway could not answer. The server's log has the detail: look for ${id}`,
  };
}

/** Express and its body parsers mark what the client did wrong with a status (http-errors). */
function clientErrorStatus(error: unknown): number | null {
  if (!(error instanceof Error) || !("status" in error)) return null;
  const { status } = error;
  return typeof status === "number" && status >= 400 && status < 500 ? status : null;
}
