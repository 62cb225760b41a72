import type { RoutingTable, Upstream } from "../model/route.ts";
import { UpstreamPool } from "./upstream-pool.ts";

/** Where requests for one app go at the moment. */
export interface AppRoute {
  readonly app: string;
  readonly pools: readonly UpstreamPool[];
  /** Nothing is meant to answer: stopped, or never deployed. */
  readonly stopped: boolean;
  readonly counters: AppCounters;
}

/** Since the proxy started. `errors`: answers 5xx, by the app or in its place. */
export interface AppCounters {
  requests: number;
  errors: number;
}

/** The routing table in the form that requests need, with the pools that outlive a change of table. */
export class Routing {
  readonly #onGone: (upstream: Upstream) => void;
  /** Every pool in use: those of the table, and retired ones that still have requests in flight. */
  readonly #pools = new Set<UpstreamPool>();
  readonly #drains = new Set<() => void>();
  readonly #counters = new Map<string, AppCounters>();
  #exact = new Map<string, AppRoute>();
  /** By suffix: "*.example.com" under ".example.com". */
  #wildcards = new Map<string, AppRoute>();
  #version = 0;
  #turn = 0;

  /** `onGone` is called when an upstream has left the table and its last request has ended. */
  constructor(onGone: (upstream: Upstream) => void) {
    this.#onGone = onGone;
  }

  get version(): number {
    return this.#version;
  }

  /** Switches to `table` in one step. Throws, and changes nothing, when two apps claim one host. */
  apply(table: RoutingTable): void {
    refuseSharedHosts(table);
    const exact = new Map<string, AppRoute>();
    const wildcards = new Map<string, AppRoute>();
    const kept = new Set<UpstreamPool>();
    for (const { app, hosts, upstreams, stopped, release } of table.routes) {
      const pools = upstreams.map((upstream) => this.#poolOf(upstream));
      for (const pool of pools) kept.add(pool);
      const route = { app, pools, stopped: stopped || release === 0, counters: this.#countersOf(app) };
      for (const host of hosts) {
        if (host.startsWith("*.")) wildcards.set(host.slice(1), route);
        else exact.set(host, route);
      }
    }
    this.#exact = exact;
    this.#wildcards = wildcards;
    this.#version = table.version;
    const apps = new Set(table.routes.map((route) => route.app));
    for (const app of this.#counters.keys()) if (!apps.has(app)) this.#counters.delete(app);
    for (const pool of this.#pools) if (!kept.has(pool)) this.#retire(pool);
  }

  /** Exact names first, then the longest wildcard. */
  find(host: string): AppRoute | undefined {
    const exact = this.#exact.get(host);
    if (exact !== undefined || this.#wildcards.size === 0) return exact;
    for (let dot = host.indexOf("."); dot !== -1; dot = host.indexOf(".", dot + 1)) {
      const route = dot > 0 ? this.#wildcards.get(host.slice(dot)) : undefined;
      if (route !== undefined) return route;
    }
    return undefined;
  }

  /** The upstream with the fewest requests in flight, in turn among equals; `failed` ones are left out. */
  choose(route: AppRoute, failed: ReadonlySet<UpstreamPool>): UpstreamPool | undefined {
    const count = route.pools.length;
    this.#turn += 1;
    let best: UpstreamPool | undefined;
    for (let index = 0; index < count; index += 1) {
      const pool = route.pools[(this.#turn + index) % count] as UpstreamPool;
      if (failed.has(pool)) continue;
      if (best === undefined || pool.inFlight < best.inFlight) best = pool;
    }
    return best;
  }

  /** See Router.drain. Meant for upstreams that have left the table. */
  async drain(upstreamIds: readonly string[], timeoutMs: number): Promise<boolean> {
    const ids = new Set(upstreamIds);
    const busy = () => [...this.#pools].some((pool) => ids.has(pool.upstream.id) && pool.inFlight > 0);
    for (const pool of this.#pools) if (ids.has(pool.upstream.id)) pool.closeIdle();
    if (!busy()) return true;
    return new Promise((resolve) => {
      const finish = (drained: boolean) => {
        clearTimeout(timer);
        this.#drains.delete(check);
        resolve(drained);
      };
      const check = () => {
        if (!busy()) finish(true);
      };
      const timer = setTimeout(finish, timeoutMs, false);
      this.#drains.add(check);
    });
  }

  /** Counters of every app in the table. */
  stats(): Record<string, AppCounters & { inFlight: number }> {
    const routes = new Set([...this.#exact.values(), ...this.#wildcards.values()]);
    const stats = [...routes].map(({ app, counters, pools }) => {
      const inFlight = pools.reduce((sum, pool) => sum + pool.inFlight, 0);
      return [app, { ...counters, inFlight }] as const;
    });
    return Object.fromEntries(stats);
  }

  /** Whether requests go there, or still are there. */
  uses(upstream: Upstream): boolean {
    return [...this.#pools].some((pool) => sameUpstream(pool.upstream, upstream));
  }

  closeExpired(now: number): void {
    for (const pool of this.#pools) pool.closeExpired(now);
  }

  closeIdle(): void {
    for (const pool of this.#pools) pool.closeIdle();
  }

  #poolOf(upstream: Upstream): UpstreamPool {
    for (const pool of this.#pools) if (!pool.retired && sameUpstream(pool.upstream, upstream)) return pool;
    const pool = new UpstreamPool(upstream, (unused) => {
      if (unused.retired) this.#remove(unused);
      for (const check of this.#drains) check();
    });
    this.#pools.add(pool);
    return pool;
  }

  #countersOf(app: string): AppCounters {
    const counters = this.#counters.get(app) ?? { requests: 0, errors: 0 };
    this.#counters.set(app, counters);
    return counters;
  }

  #retire(pool: UpstreamPool): void {
    pool.retire();
    if (pool.inFlight === 0) this.#remove(pool);
  }

  #remove(pool: UpstreamPool): void {
    if (this.#pools.delete(pool)) this.#onGone(pool.upstream);
  }
}

function sameUpstream(a: Upstream, b: Upstream): boolean {
  return a.id === b.id && a.pid === b.pid && a.pidStartTime === b.pidStartTime && a.port === b.port;
}

function refuseSharedHosts(table: RoutingTable): void {
  const owners = new Map<string, string>();
  for (const { app, hosts } of table.routes) {
    for (const host of hosts) {
      const owner = owners.get(host) ?? app;
      if (owner !== app) throw new Error(`host ${host} belongs to both ${owner} and ${app}`);
      owners.set(host, app);
    }
  }
}
