import type { CookieOptions, Request, Response } from "express";
import type { Actor } from "../model/key.ts";
import type { State } from "../state/state.ts";
import { FailureLimit } from "./failure-limit.ts";

const sessionLifetimeMs = 30 * 24 * 60 * 60_000;

/** Who a browser is: a session cookie that a one-time link was traded for. */
export class SignIn {
  readonly #state: State;
  readonly #failures = new FailureLimit();

  constructor(state: State) {
    this.#state = state;
  }

  /** The key whose owner signed in, or null. Ask again during long answers: a session can end at any moment. */
  actorOf(request: Request): Actor | null {
    const secret = sessionSecret(request);
    const keyId = secret === null ? null : this.#state.sessions.keyOf(secret);
    return keyId === null ? null : this.#state.keys.byId(keyId);
  }

  /** Trades the link's secret for a session. */
  redeem(request: Request, response: Response, linkSecret: string): "ok" | "refused" | "blocked" {
    const address = request.ip ?? "";
    if (this.#failures.isBlocked(address)) return "blocked";
    const secret = this.#state.sessions.redeemLink(linkSecret, sessionLifetimeMs);
    if (secret === null) {
      this.#failures.add(address);
      return "refused";
    }
    this.end(request, response);
    response.cookie(cookieName(request), secret, { ...cookieOptions(request), maxAge: sessionLifetimeMs });
    return "ok";
  }

  end(request: Request, response: Response): void {
    const secret = sessionSecret(request);
    if (secret === null) return;
    this.#state.sessions.end(secret);
    response.clearCookie(cookieName(request), cookieOptions(request));
  }
}

/**
 * Whether a page of this dashboard sent the form. SameSite does not tell: an app at blog.example.com is the same site
 * as a dashboard at example.com:8000, and apps are not trusted.
 */
export function isOwnOrigin(request: Request): boolean {
  const { origin } = request.headers;
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === request.host;
}

/** "__Host-" keeps apps on subdomains from planting a cookie of this name (RFC 6265bis 4.1.3.2); it needs https. */
function cookieName(request: Request): string {
  return request.secure ? "__Host-slipway-session" : "slipway-session";
}

function cookieOptions(request: Request): CookieOptions {
  return { httpOnly: true, sameSite: "lax", secure: request.secure, path: "/" };
}

function sessionSecret(request: Request): string | null {
  const prefix = `${cookieName(request)}=`;
  const cookies = (request.headers.cookie ?? "").split(";").map((cookie) => cookie.trim());
  return cookies.find((cookie) => cookie.startsWith(prefix))?.slice(prefix.length) ?? null;
}
