import { Socket } from "node:net";
import { closeFd, dial, openNetworkNamespace } from "../../native/index.ts";
import type { Upstream } from "../model/route.ts";
import { processStartTime } from "./process-identity.ts";

/** Opens connections to what listens on a container's loopback interface, from outside of its network namespace. */
export class Dialer {
  readonly #namespaces = new Map<string, number>();

  /**
   * A TCP connection to 127.0.0.1:port of the container, half-open allowed. Throws with `code` ECONNREFUSED when nobody
   * listens there, ESRCH when the container has ended.
   */
  dial(upstream: Upstream): Socket {
    const fd = dial(this.#namespaceOf(upstream), upstream.port);
    return new Socket({ fd, allowHalfOpen: true });
  }

  /** Lets go of the namespace of a container, which otherwise outlives it. */
  forget(id: string): void {
    const namespace = this.#namespaces.get(id);
    if (namespace === undefined) return;
    this.#namespaces.delete(id);
    closeFd(namespace);
  }

  #namespaceOf({ id, pid, pidStartTime }: Upstream): number {
    const known = this.#namespaces.get(id);
    if (known !== undefined) return known;
    const namespace = openNetworkNamespace(pid);
    // Looked at after opening: had the pid been given to another process before, its start time would tell.
    if (processStartTime(pid) !== pidStartTime) {
      closeFd(namespace);
      throw Object.assign(new Error(`Container ${id} has ended`), { code: "ESRCH" });
    }
    this.#namespaces.set(id, namespace);
    return namespace;
  }
}
