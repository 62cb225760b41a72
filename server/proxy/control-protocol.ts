import type { Route, RoutingTable, Upstream } from "../model/route.ts";
import type { AppCounters } from "./routing.ts";

/** Raised when a control plane of another version could misunderstand the proxy. `hello` and `shutdown` never change. */
export const protocolVersion = 1;

/** One line of JSON from the control plane, answered by one ControlAnswer line with the same id, in any order. */
export type ControlRequest = { readonly id: number } & ControlCall;

export type ControlCall =
  | { readonly op: "hello" }
  | { readonly op: "publish"; readonly table: RoutingTable }
  | { readonly op: "drain"; readonly upstreamIds: readonly string[]; readonly timeoutMs: number }
  | { readonly op: "probe"; readonly upstream: Upstream }
  | { readonly op: "stats" }
  | { readonly op: "shutdown"; readonly graceMs: number };

export type ControlAnswer =
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | { readonly id: number; readonly ok: false; readonly error: string };

/** The answer to `hello`. */
export interface Hello {
  readonly protocol: number;
  readonly pid: number;
  /** The port that HTTP clients reach. */
  readonly port: number;
  /** What the proxy was told to listen on, to see whether it still fits. */
  readonly listen: { readonly port: number; readonly address: string };
  readonly tableVersion: number;
}

/** By app name. */
export type ProxyStats = Readonly<Record<string, Readonly<AppCounters & { inFlight: number }>>>;

/** Checks the shape of a routing table that comes from outside this process. */
export function parseRoutingTable(value: unknown): RoutingTable {
  if (!isRecord(value) || !Number.isSafeInteger(value["version"]) || !Array.isArray(value["routes"])) {
    throw new Error("not a routing table");
  }
  return { version: value["version"] as number, routes: value["routes"].map(parseRoute) };
}

function parseRoute(value: unknown): Route {
  if (!isRecord(value)) throw new Error("not a route");
  const { app, hosts, upstreams, stopped, release } = value;
  const valid =
    typeof app === "string" &&
    Array.isArray(hosts) &&
    hosts.every((host) => typeof host === "string") &&
    Array.isArray(upstreams) &&
    typeof stopped === "boolean" &&
    Number.isSafeInteger(release);
  if (!valid) throw new Error("not a route");
  return {
    app,
    hosts: hosts.map((host: string) => host.toLowerCase()),
    upstreams: upstreams.map(parseUpstream),
    stopped,
    release: release as number,
  };
}

export function parseUpstream(value: unknown): Upstream {
  if (!isRecord(value)) throw new Error("not an upstream");
  const { id, pid, pidStartTime, port } = value;
  const valid =
    typeof id === "string" &&
    Number.isSafeInteger(pid) &&
    typeof pidStartTime === "string" &&
    Number.isInteger(port) &&
    (port as number) > 0 &&
    (port as number) < 65_536;
  if (!valid) throw new Error("not an upstream");
  return { id, pid: pid as number, pidStartTime, port: port as number };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
