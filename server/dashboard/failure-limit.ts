const windowMs = 10 * 60_000;
const failuresAllowed = 10;
/** Bounds the memory that strangers can make us use. */
const addressesKept = 10_000;

interface Failures {
  count: number;
  readonly since: number;
}

/** Counts failed sign-ins by client address, so that one guesser locks out nobody but itself. */
export class FailureLimit {
  readonly #failures = new Map<string, Failures>();

  isBlocked(address: string): boolean {
    const failures = this.#failures.get(network(address));
    return (
      failures !== undefined && failures.count >= failuresAllowed && Date.now() - failures.since < windowMs
    );
  }

  add(address: string): void {
    const key = network(address);
    const known = this.#failures.get(key);
    if (known !== undefined && Date.now() - known.since < windowMs) {
      known.count += 1;
      return;
    }
    this.#failures.delete(key);
    this.#failures.set(key, { count: 1, since: Date.now() });
    const oldest = this.#failures.keys().next();
    if (this.#failures.size > addressesKept && !oldest.done) this.#failures.delete(oldest.value);
  }
}

/** An IPv6 client owns a whole /64, so all of it counts as one. */
function network(address: string): string {
  const ipv4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (ipv4 !== undefined || !address.includes(":")) return ipv4 ?? address;
  const [head = "", tail = ""] = address.split("::");
  const groups = head.split(":").filter((group) => group !== "");
  const rest = tail.split(":").filter((group) => group !== "");
  const zeros = address.includes("::") ? Array<string>(8 - groups.length - rest.length).fill("0") : [];
  return [...groups, ...zeros, ...rest].slice(0, 4).join(":");
}
