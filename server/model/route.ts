/** One container that can answer requests for an app. The proxy dials 127.0.0.1:port inside the network namespace of pid. */
export interface Upstream {
  /** Container id. */
  readonly id: string;
  readonly pid: number;
  readonly pidStartTime: string;
  readonly port: number;
}

/** Where requests for an app go. An empty `upstreams` answers 502 (deployed, nothing up) or, when `stopped`, 503. */
export interface Route {
  readonly app: string;
  /** Lower-case host names; "*.example.com" matches one or more labels. */
  readonly hosts: readonly string[];
  readonly upstreams: readonly Upstream[];
  readonly stopped: boolean;
  /** Number of the release that the upstreams run, 0 for none. */
  readonly release: number;
}

/** All that the data plane needs to serve; replaced as a whole, in one step. */
export interface RoutingTable {
  /** Grows by one with each table. */
  readonly version: number;
  readonly routes: readonly Route[];
}

/** What the control plane can ask of the data plane. */
export interface Router {
  /** Resolves when every later request uses `routes`. */
  publish(routes: readonly Route[]): Promise<void>;
  /** Resolves true when no request is in flight to these upstreams any more and their idle connections are closed; false after `timeoutMs`. */
  drain(upstreamIds: readonly string[], timeoutMs: number): Promise<boolean>;
  /** Tries to connect to `port` of an upstream over the same path as traffic. */
  probe(upstream: Upstream): Promise<boolean>;
}
